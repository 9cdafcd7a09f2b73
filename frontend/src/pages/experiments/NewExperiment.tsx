import { Button, NumberInput, SegmentedControl, Select, Switch, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconPlayerPlay } from '@tabler/icons-react'
import { useRef, useState } from 'react'

import { api, idempotencyKey } from '../../api/calls'
import { fieldErrors, problemOf } from '../../api/problem'
import { col, q } from '../../api/queries'
import type { Experiment, ExperimentInput, FeatureConfig, ModelConfig, Settings } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { count, plural } from '../../format/numbers'
import { Panel, Skeleton, Term } from '../../ui/basics'
import { Empty } from '../../ui/Empty'
import { ActionError, Failed } from '../../ui/Problem'
import { modelWords } from '../models/towers'
import { splitWords } from './facts'
import './experiments.css'
import '../etl/etl.css'

/** What a new run begins with. */
export function defaults(model: ModelConfig | undefined, from: Experiment | undefined, hasTime: boolean): Settings {
  if (from) return from.settings
  return { split: { strategy: hasTime ? 'temporal' : 'random', seed: 42 }, epochs: model?.definition.epochs ?? 10, batch_size: 0, learning_rate: 0, seed: 42, exclude_seen: false }
}

/** Choose features and a model, how rows are held out, and start. */
export function NewExperiment() {
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const features = useQuery(q.features(project, { limit: 50 }))
  const models = useQuery(q.models(project, { limit: 50 }))
  const from = useQuery({ ...q.experiment(project, search.from ?? ''), enabled: !!search.from })
  const crumbs = [{ label: 'Experiments', to: `/projects/${project}/experiments` }, { label: 'New experiment' }]
  const error = features.error ?? models.error ?? from.error
  if (error) return <Page crumbs={crumbs}><Failed error={error} retry={() => { void features.refetch(); void models.refetch() }} /></Page>
  if (!features.data || !models.data || (search.from && !from.data)) return <Page crumbs={crumbs}><Skeleton rows={8} /></Page>
  if (!features.data.items.length || !models.data.items.length) {
    return <Page crumbs={crumbs}><Empty title="Save features and a model first" action={<Button component={Link} to={`/projects/${project}/models/new`} variant="filled">Suggest features</Button>}>An experiment trains a model on features of a dataset. Both are suggested; saving them takes a minute.</Empty></Page>
  }
  const f = features.data.items.find((x) => x.id === (search.features ?? from.data?.snapshot.feature_config)) ?? features.data.items[0]
  const m = models.data.items.find((x) => x.id === (search.model ?? from.data?.snapshot.model_config)) ?? models.data.items[0]
  return <Form key={m.id + (search.from ?? '')} project={project} crumbs={crumbs} features={features.data.items} models={models.data.items} f={f} m={m} from={from.data} choose={set} />
}

interface FormProps {
  project: string; crumbs: { label: string; to?: string }[]; features: FeatureConfig[]; models: ModelConfig[]; f: FeatureConfig; m: ModelConfig; from: Experiment | undefined
  choose: (p: Record<string, string | undefined>) => void
}

function Form({ project, crumbs, features, models, f, m, from, choose }: FormProps) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const dataset = useQuery({ ...q.dataset(project, f.definition.dataset), retry: false })
  const hasTime = !dataset.data || !!dataset.data.definition.roles.time
  const [changed, setChanged] = useState<Partial<Settings>>({})
  const [name, setName] = useState(from?.name ? `${from.name}, again` : '')
  const s: Settings = { ...defaults(m, from, hasTime), ...changed }
  const setSplit = (p: Partial<Settings['split']>) => setChanged({ ...changed, split: { ...s.split, ...p } })
  const body: ExperimentInput = { feature_config: f.id, model_config: m.id, settings: s, name: name.trim() || undefined }
  const [asked] = useDebouncedValue(body, 400)
  const check = useQuery({ queryKey: ['experiment-check', project, asked], queryFn: () => api.checkExperiment(project, asked), retry: false, staleTime: 30_000, placeholderData: (o) => o })
  // One key per form: a second click starts nothing twice.
  const key = useRef(idempotencyKey())
  const start = useMutation({
    mutationFn: () => api.createExperiment(project, body, key.current),
    onSuccess: (e) => {
      client.setQueryData([col.experiments(project), 'item', e.id], e)
      void client.invalidateQueries({ queryKey: [col.experiments(project), 'list'] })
      void navigate({ to: `/projects/${project}/experiments/${e.id}` })
    },
  })
  const findings = check.data?.errors ?? (check.error ? problemOf(check.error).problem.fields ?? [{ location: '', message: problemOf(check.error).problem.message }] : [])
  const errors = { ...fieldErrors(findings), ...(start.error ? fieldErrors(problemOf(start.error).problem.fields) : {}) }
  const timeFeature = [...f.definition.query.features, ...f.definition.candidate.features].some((x) => x.data_type === 'temporal')
  const warnings = [...(check.data?.warnings ?? []), ...(s.split.strategy === 'random' && timeFeature && !check.data?.warnings?.some((w) => /random/i.test(w)) ? ['A random split with time features measures too well: the model learns which session a row came from.'] : [])]
  return (
    <Page
      crumbs={crumbs}
      actions={<Button variant="filled" leftSection={<IconPlayerPlay size={16} stroke={1.75} />} loading={start.isPending} disabled={findings.length > 0} onClick={() => start.mutate()}>Start</Button>}
      phone={<Button variant="filled" loading={start.isPending} disabled={findings.length > 0} onClick={() => start.mutate()}>Start</Button>}
    >
      <Title>New experiment</Title>
      <div className="cols-side">
        <form className="stack" onSubmit={(e) => { e.preventDefault(); if (!findings.length) start.mutate() }}>
          <Panel title="What is trained">
            <div className="form">
              <TextInput label="Name" placeholder={`${f.name}, ${m.name}`} description="Optional; says what this run is for." value={name} onChange={(e) => setName(e.currentTarget.value)} error={errors.name} />
              <div className="form-2">
                <Select label="Features" data={features.map((x) => ({ value: x.id, label: `${x.name} v${x.version}` }))} value={f.id} onChange={(v) => choose({ features: v ?? undefined })} error={errors.feature_config} description={`${f.query_dim} + ${f.candidate_dim} dims of ${dataset.data?.name ?? 'its dataset'} v${f.definition.dataset_version}`} />
                <Select label="Model" data={models.map((x) => ({ value: x.id, label: `${x.name} v${x.version}` }))} value={m.id} onChange={(v) => choose({ model: v ?? undefined })} error={errors.model_config} description={modelWords(m.definition)} />
              </div>
            </div>
          </Panel>
          <Panel title="How it is measured">
            <div className="form">
              <div>
                <div className="mantine-Input-label"><Term tip="Temporal holds out the last days, as in life: train on the past, measure on what came after. Random holds out a tenth of the customer-product pairs, which is easier and says less.">Held-out rows</Term></div>
                <SegmentedControl value={s.split.strategy} onChange={(v) => setSplit({ strategy: v })} data={[{ value: 'temporal', label: 'The last days', disabled: !hasTime }, { value: 'random', label: 'A random tenth' }]} />
                {!hasTime && <p className="t3 small" style={{ marginTop: 4 }}>The dataset has no time column, so the last days cannot be held out.</p>}
              </div>
              <div className="form-2">
                {s.split.strategy === 'temporal' && <>
                  <NumberInput label={<Term tip="The last days, used once, for the figures that are shown.">Test days</Term>} placeholder="a tenth of the time" min={1} value={s.split.test_days || ''} onChange={(v) => setSplit({ test_days: Number(v) || undefined })} error={errors['settings.split.test_days']} />
                  <NumberInput label={<Term tip="The days before them, watched after every epoch to stop in time.">Evaluation days</Term>} placeholder="a tenth of the time" min={1} value={s.split.eval_days || ''} onChange={(v) => setSplit({ eval_days: Number(v) || undefined })} error={errors['settings.split.eval_days']} />
                </>}
                <NumberInput label={<Term tip="Fewer customers make a quick first look. They are chosen by hash, with all their rows.">Share of customers, %</Term>} placeholder="100" min={1} max={100} value={s.split.sample_percent || ''} onChange={(v) => setSplit({ sample_percent: Number(v) || undefined })} error={errors['settings.split.sample_percent']} />
                <NumberInput label={<Term tip="The same seed, data and settings give the same split and the same start.">Seed</Term>} value={s.seed} onChange={(v) => setChanged({ ...changed, seed: Number(v) || 0, split: { ...s.split, seed: Number(v) || 0 } })} error={errors['settings.seed']} />
              </div>
              <Switch label={<Term tip="On: products a customer bought in training are taken out of the ranking, so that only new ones count. Off suits assortments that are bought again and again.">Count only products new to the customer</Term>} checked={s.exclude_seen} onChange={(e) => setChanged({ ...changed, exclude_seen: e.currentTarget.checked })} />
            </div>
          </Panel>
          <Panel title="How long, how fast">
            <div className="form-2">
              <NumberInput label={<Term tip="At most; early stopping ends sooner, and the best epoch is restored.">Epochs</Term>} min={1} max={500} value={s.epochs} onChange={(v) => setChanged({ ...changed, epochs: Number(v) || 1 })} error={errors['settings.epochs']} />
              <NumberInput label="Batch" placeholder={`the model's, ${count(m.definition.batch_size)}`} min={2} max={65536} value={s.batch_size || ''} onChange={(v) => setChanged({ ...changed, batch_size: Number(v) || 0 })} error={errors['settings.batch_size']} />
              <NumberInput label="Learning rate" placeholder={`the model's, ${m.definition.learning_rate}`} min={0} step={0.001} decimalScale={6} value={s.learning_rate || ''} onChange={(v) => setChanged({ ...changed, learning_rate: Number(v) || 0 })} error={errors['settings.learning_rate']} />
            </div>
          </Panel>
          <ActionError error={start.error} />
        </form>
        <Panel title="Before it starts">
          <div className="col" aria-live="polite">
            {check.data && <p className="t2">Split: {splitWords(check.data.settings)}. {plural(check.data.settings.epochs, 'epoch')} at most.</p>}
            {check.isPending ? <Skeleton rows={2} height={24} /> : findings.length ? findings.map((x, i) => <p key={i} className="finding"><IconCircleX size={15} stroke={1.75} className="err" aria-label="Error" /><span>{x.location && <span className="mono small">{x.location} </span>}{x.message}</span></p>) : <p className="finding"><IconCircleCheck size={15} stroke={1.75} className="ok" aria-hidden /><span>Dataset, features and model fit together.</span></p>}
            {warnings.map((w) => <p key={w} className="finding"><IconAlertTriangle size={15} stroke={1.75} className="warn" aria-label="Warning" /><span>{w}</span></p>)}
            <p className="t3 small">It runs examples, statistics, schema, transform, training and evaluation. You can leave the page, and cancel at any time.</p>
          </div>
        </Panel>
      </div>
    </Page>
  )
}
