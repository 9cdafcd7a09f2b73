import { Button, Modal, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { IconAlertTriangle, IconArrowMerge, IconPlayerPlay } from '@tabler/icons-react'
import { useMemo, useState } from 'react'

import { api } from '../../api/calls'
import { fieldErrors, problemOf } from '../../api/problem'
import { col, q } from '../../api/queries'
import type { Dataset, FeatureConfig, FeatureDefinition, ModelConfig, ModelDefinition, ModelPreset, SmartDefaults } from '../../api/types'
import { Page, type Crumb } from '../../app/Page'
import { useAddress } from '../../app/search'
import { bytes, count, plural, share } from '../../format/numbers'
import { Skeleton } from '../../ui/basics'
import { CodePane, type CodeTab } from '../../ui/CodePane'
import { ActionError, ProblemBlock } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { ColumnList } from './ColumnList'
import { ModelSettings } from './ModelSettings'
import { TowerView } from './TowerView'
import { embeddingParams, layerRows, presetOf, sum, towerDim, type Side } from './towers'
import './models.css'

interface Props {
  project: string; crumbs: Crumb[]; dataset: Dataset | undefined; config?: FeatureConfig; proposal?: SmartDefaults
  models: ModelConfig[]; presets: ModelPreset[]; picker?: React.ReactNode
}

/** Two towers as a picture, every transform and layer editable, the generated code beside them. */
export function Editor({ project, crumbs, dataset, config, proposal, models, presets, picker }: Props) {
  const [search, set] = useAddress()
  const client = useQueryClient()
  const navigate = useNavigate()
  const saved = config?.definition ?? proposal!.definition
  const [draft, setDraft] = useState<FeatureDefinition>()
  const [modelDraft, setModelDraft] = useState<{ definition: ModelDefinition; preset?: string }>()
  const [naming, setNaming] = useState(false)
  const [name, setName] = useState(config?.name ?? (dataset ? `${dataset.name} features` : 'features'))
  const [modelName, setModelName] = useState('')
  const features = draft ?? saved
  const modelConfig = models.find((m) => m.id === search.model) ?? models[0]
  const model = modelDraft?.definition ?? modelConfig?.definition ?? (presets.find((p) => p.name === 'compact') ?? presets[0]).definition
  const versions = useQuery({ ...q.datasetVersions(project, features.dataset, dataset?.version ?? 0), enabled: !!features.dataset })
  const profile = useQuery({ ...q.profile(project, features.dataset, features.dataset_version), retry: false })
  const schema = versions.data?.items.find((v) => v.number === features.dataset_version)?.schema

  const [asked] = useDebouncedValue(features, 350)
  const [askedModel] = useDebouncedValue(model, 350)
  const check = useQuery({ queryKey: ['feature-check', project, asked], queryFn: () => api.checkFeature(project, asked), placeholderData: (o) => o, retry: false, staleTime: 60_000 })
  const code = useQuery({ queryKey: ['code', project, asked, askedModel], queryFn: () => api.generateCode(project, { features: asked, model: askedModel }), placeholderData: (o) => o, retry: false, staleTime: 60_000 })
  const earlier = useQuery({ ...q.featureVersions(project, config?.id ?? '', config?.version ?? 0), enabled: !!config && config.version > 1 && !draft })
  const previous = draft ? (config ? { definition: saved, name: `v${config.version}` } : undefined) : earlier.data?.items.filter((v) => v.number === (config?.version ?? 0) - 1).map((v) => ({ definition: v.definition, name: `v${v.number}` }))[0]
  const before = useQuery({ queryKey: ['code', project, previous?.definition, askedModel], queryFn: () => api.generateCode(project, { features: previous!.definition, model: askedModel }), enabled: !!previous, retry: false, staleTime: 60_000 })

  const findings = useMemo(() => check.data?.errors ?? [], [check.data])
  const errors = useMemo(() => fieldErrors(findings), [findings])
  const change = (side: Side, tower: FeatureDefinition['query']) => setDraft({ ...features, [side]: tower })
  const dirty = !!draft || !!modelDraft || !config || !modelConfig

  const save = useMutation({
    mutationFn: async () => {
      const m = !modelConfig ? await api.createModel(project, { name: modelName || modelDraft?.preset || 'compact', definition: model, preset: modelDraft?.preset ?? 'compact' }) : modelDraft ? await api.updateModel(project, modelConfig.id, { definition: model, preset: modelDraft.preset }) : modelConfig
      const f = !config ? await api.createFeature(project, { name: name.trim(), definition: features }) : draft ? await api.updateFeature(project, config.id, { definition: features }) : config
      return { f, m }
    },
    onSuccess: ({ f, m }) => {
      client.setQueryData([col.features(project), 'item', f.id], f)
      client.setQueryData([col.models(project), 'item', m.id], m)
      void client.invalidateQueries({ queryKey: [col.features(project), 'list'] })
      void client.invalidateQueries({ queryKey: [col.models(project), 'list'] })
      setDraft(undefined)
      setModelDraft(undefined)
      setNaming(false)
      if (!config) void navigate({ to: `/projects/${project}/models/${f.id}`, search: { model: m.id } as never, replace: true })
    },
  })
  const dims = { query: towerDim(features.query), candidate: towerDim(features.candidate) }
  const rows = { query: layerRows(model.query, dims.query, model.output_dim), candidate: layerRows(model.candidate, dims.candidate, model.output_dim) }
  const dense = sum(rows.query.map((r) => r.params)) + sum(rows.candidate.map((r) => r.params))
  const embeddings = embeddingParams(features.query) + embeddingParams(features.candidate)
  const tower = (side: Side) => (
    <TowerView
      side={side} tower={features[side]} rows={rows[side]} errors={errors} reasons={proposal?.reasons} schema={schema} profile={profile.data} open={search.f} onOpen={(f) => set({ f })}
      onChange={(t) => change(side, t)} layers={model[side]} onLayers={(ls) => setModelDraft({ definition: { ...model, [side]: ls } })}
    />
  )
  const pane = search.pane === 'model' ? 'model' : 'code'
  const warnings = check.data?.warnings ?? []
  return (
    <Page
      crumbs={crumbs} full
      actions={<>
        {picker}
        {models.length > 0 && <Select aria-label="Model" w={170} data={models.map((m) => ({ value: m.id, label: `${m.name} v${m.version}` }))} value={modelConfig?.id ?? null} onChange={(v) => { setModelDraft(undefined); set({ model: v ?? undefined }) }} />}
        {dirty && (draft || modelDraft) && config && <Button onClick={() => { setDraft(undefined); setModelDraft(undefined) }}>Discard</Button>}
        {dirty ? (
          <Button variant="filled" disabled={findings.length > 0} loading={save.isPending} onClick={() => (config && modelConfig ? save.mutate() : setNaming(true))}>{config ? (draft ? `Save v${config.version + 1}` : 'Save model') : 'Save'}</Button>
        ) : (
          <Button variant="filled" leftSection={<IconPlayerPlay size={16} stroke={1.75} />} onClick={() => void navigate({ to: `/projects/${project}/experiments/new`, search: { features: config.id, model: modelConfig.id } as never })}>Run experiment</Button>
        )}
      </>}
    >
      <div className="editor">
        <ColumnList schema={schema} features={features} profile={profile.data} onAdd={(side, f) => change(side, { ...features[side], features: [...features[side].features, f] })} dataset={dataset} version={features.dataset_version} />
        <div className="editor-towers">
          <div className="towers">{tower('query')}{tower('candidate')}</div>
          <div className="editor-dot">
            <IconArrowMerge size={18} stroke={1.75} className="t3" aria-hidden style={{ transform: 'rotate(90deg)' }} />
            <div className="grow">
              <div className="em">Dot product of {model.output_dim} d × {model.output_dim} d, in-batch softmax{model.log_q ? ' with log-Q correction' : ''}{model.log_q && !model.normalize ? ', on top of popularity' : ''}</div>
              <div className="t3 small">temperature <span className="mono">{model.temperature}</span> · {model.optimizer}, lr <span className="mono">{model.learning_rate}</span> · batch <span className="mono">{count(model.batch_size)}</span></div>
            </div>
            <div className="editor-params"><div><span className="mono em">{count(dense + embeddings)}</span> parameters</div><div className="t3 small">{share(embeddings / Math.max(1, dense + embeddings))} embeddings · {bytes((dense + embeddings) * 4)}</div></div>
            {findings.length ? <Status state="failed">{plural(findings.length, 'error')}</Status> : warnings.length ? <span title={warnings.join('\n')}><Status state="warning">{plural(warnings.length, 'warning')}</Status></span> : <Status state="completed">Towers fit</Status>}
          </div>
          {(warnings.length > 0 || findings.length > 0 || check.error) && (
            <ul className="editor-warnings">
              {check.error && <li className="err">{problemOf(check.error).problem.message}</li>}
              {findings.map((f) => <li key={f.location + f.message} className="err"><IconAlertTriangle size={13} aria-hidden /><span className="mono small">{f.location}</span> {f.message}</li>)}
              {warnings.map((w) => <li key={w}><IconAlertTriangle size={13} className="warn" aria-hidden />{w}</li>)}
            </ul>
          )}
        </div>
        <aside className="editor-pane" aria-label="Code and model settings">
          <div className="pane-switch"><SegmentedControl aria-label="Right pane" value={pane} onChange={(v) => set({ pane: v === 'code' ? undefined : v })} data={[{ value: 'code', label: 'Generated code' }, { value: 'model', label: 'Model settings' }]} fullWidth /></div>
          {pane === 'model' ? <ModelSettings model={model} preset={presetOf(model, presets)} presets={presets} onChange={(definition, preset) => setModelDraft({ definition, preset })} dims={dims} project={project} /> : code.error && !code.data ? (
            <div style={{ padding: 16, overflow: 'auto' }}><ProblemBlock {...problemOf(code.error)} /></div>
          ) : code.data ? (
            <CodePane
              code={code.data} tab={search.code === 'trainer' ? 'trainer' : 'transform'} onTab={(t: CodeTab) => set({ code: t === 'transform' ? undefined : t })} view={search.view === 'diff' ? 'diff' : 'code'} onView={(v) => set({ view: v === 'code' ? undefined : v })}
              before={before.data && previous && { code: before.data, name: previous.name }}
              state={code.error ? <Status state="failed">Not valid</Status> : code.isFetching ? <Status state="running">Generating</Status> : undefined}
            />
          ) : <Skeleton rows={12} height={24} />}
        </aside>
      </div>
      {save.error && <div className="editor-toast"><ActionError error={save.error} /></div>}
      <Modal opened={naming} onClose={() => setNaming(false)} title="Save" size={420}>
        <form className="stack" onSubmit={(e) => { e.preventDefault(); if (name.trim()) save.mutate() }}>
          {!config && <TextInput label="Name of the features" value={name} onChange={(e) => setName(e.currentTarget.value)} required data-autofocus />}
          {!modelConfig && <TextInput label="Name of the model" placeholder={modelDraft?.preset ?? 'compact'} value={modelName} onChange={(e) => setModelName(e.currentTarget.value)} />}
          <ActionError error={save.error} />
          <div><Button type="submit" variant="filled" loading={save.isPending} disabled={!name.trim()}>Save</Button></div>
        </form>
      </Modal>
    </Page>
  )
}
