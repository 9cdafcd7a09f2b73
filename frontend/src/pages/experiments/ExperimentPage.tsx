import { Button, Tabs } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { IconCopy, IconFileText, IconListSearch, IconRefresh } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'

import { api } from '../../api/calls'
import { col, q } from '../../api/queries'
import type { Experiment } from '../../api/types'
import { Live, Page, Title } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { count } from '../../format/numbers'
import { between, duration } from '../../format/time'
import { Copy, Id, Skeleton, Took, useNow } from '../../ui/basics'
import { CancelButton } from '../../ui/CancelButton'
import { stampText } from '../../ui/Metric'
import { ActionError, Failed } from '../../ui/Problem'
import { Announce, Segments, useEta } from '../../ui/Progress'
import { Chip, Status, StatusIcon } from '../../ui/Status'
import { CodeTabView } from './CodeTabView'
import { DataInsights } from './DataInsights'
import { Errors } from './Errors'
import { active, batchSize, factOf, label, learningRate, segments, splitWords, stageState, stageWords, titleOf } from './facts'
import { Logs } from './Logs'
import { Training, TrainingTab } from './Training'
import './experiments.css'

const Dag = lazy(() => import('./Dag'))

/** One experiment, live: the pipeline, the curves, the metrics beside the baselines, the log. */
export function ExperimentPage() {
  const { id = '' } = useParams({ strict: false })
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const client = useQueryClient()
  const navigate = useNavigate()
  const query = useQuery(q.experiment(project, id))
  const e = query.data
  const history = useQuery({ ...q.history(project, e ?? { id, epoch: 0, status: 'pending' }), enabled: !!e, retry: false })
  const again = useMutation({
    mutationFn: () => api.rerunExperiment(project, id),
    onSuccess: (n) => {
      client.setQueryData([col.experiments(project), 'item', n.id], n)
      void navigate({ to: `/projects/${project}/experiments/${n.id}` })
    },
  })
  const crumbs = [{ label: 'Experiments', to: `/projects/${project}/experiments` }, { label: e ? `#${e.number}` : 'Run' }]
  if (query.error) return <Page crumbs={crumbs}><Failed error={query.error} retry={() => void query.refetch()} /></Page>
  if (!e) return <Page crumbs={crumbs}><Skeleton rows={10} /></Page>
  const errors = e.stages.filter((s) => s.error).length || (e.error ? 1 : 0)
  const tab = search.tab ?? (e.status === 'failed' ? 'errors' : 'overview')
  const logs = search.logs
  const openLogs = (stage: string) => set({ logs: logs === stage ? undefined : stage })
  const current = e.stages.find((s) => s.state === 'RUNNING') ?? e.stages.findLast((s) => s.state === 'FAILED') ?? e.stages.findLast((s) => s.state === 'SUCCEEDED') ?? e.stages[0]
  const logButton = <Button leftSection={<IconFileText size={16} stroke={1.75} />} onClick={() => openLogs(current?.name ?? 'trainer')}>Logs</Button>
  const cancel = active(e) && <CancelButton what={`experiment #${e.number}`} keeps="Its metrics and lists are not written; the model that serves stays." action={() => api.cancelExperiment(project, id)} />
  const clone = <Button leftSection={<IconCopy size={16} stroke={1.75} />} component={Link} to={`/projects/${project}/experiments/new?from=${e.id}`}>Clone</Button>
  return (
    <Page
      crumbs={crumbs}
      actions={<><Live />{!active(e) && <Button leftSection={<IconRefresh size={16} stroke={1.75} />} loading={again.isPending} onClick={() => again.mutate()}>Run again</Button>}{clone}{logButton}{cancel}{e.status === 'completed' && <Button variant="filled" leftSection={<IconListSearch size={16} stroke={1.75} />} component={Link} to={`/projects/${project}/recommendations`}>Recommendations</Button>}</>}
      phone={<>{logButton}{cancel || clone}</>}
    >
      <Header e={e} />
      <ActionError error={again.error} />
      <div className="tabs-line">
        <Tabs value={tab} onChange={(v) => set({ tab: v ?? undefined })} className="page-tabs">
          <Tabs.List>
            <Tabs.Tab value="overview">Overview</Tabs.Tab>
            <Tabs.Tab value="insights">Data insights</Tabs.Tab>
            <Tabs.Tab value="training">Training</Tabs.Tab>
            <Tabs.Tab value="code">Code</Tabs.Tab>
            <Tabs.Tab value="errors">Errors <Chip tone={errors ? 'err' : undefined}>{errors}</Chip></Tabs.Tab>
          </Tabs.List>
        </Tabs>
        {e.metrics && <span className="tabs-stamp t3 small"><span className="clip">{stampText(e.metrics.protocol)}</span><Copy text={`${stampText(e.metrics.protocol)}. ${e.metrics.protocol.rules}`} label="Copy the protocol" /></span>}
      </div>
      {tab === 'overview' && (
        <>
          <div className="dag-box"><Suspense fallback={<Skeleton rows={4} />}><Dag e={e} picked={logs} onPick={openLogs} /></Suspense></div>
          <ol className="dag-list panel">
            {e.stages.map((s) => (
              <li key={s.name} className={s.state === 'RUNNING' ? 'running' : ''}>
                <button type="button" onClick={() => openLogs(s.name)}><StatusIcon state={stageState(s)} size={16} /><span className="em">{label(s.name)}</span><span className="t3 clip small">{factOf(s, e)}</span><span className="end mono small">{s.started ? <Took start={s.started} end={s.ended} /> : '—'}</span></button>
              </li>
            ))}
          </ol>
          <Training e={e} history={history.data} />
        </>
      )}
      {tab === 'insights' && <DataInsights e={e} history={history.data} />}
      {tab === 'training' && <TrainingTab e={e} history={history.data} />}
      {tab === 'code' && <CodeTabView e={e} project={project} />}
      {tab === 'errors' && <Errors e={e} project={project} onLogs={openLogs} rerun={<Button variant="filled" leftSection={<IconRefresh size={16} stroke={1.75} />} loading={again.isPending} onClick={() => again.mutate()}>Run again</Button>} />}
      {logs && <Logs e={e} project={project} stage={logs} onStage={(s) => set({ logs: s })} />}
    </Page>
  )
}

function Header({ e }: { e: Experiment }) {
  const now = useNow()
  const start = e.started_at ?? e.created_at
  const elapsed = between(start, e.ended_at, now)
  const running = active(e)
  const eta = useEta(e.progress, elapsed, running)
  const s = e.snapshot
  return (
    <div className="exp-head">
      <div className="grow">
        <Title after={<><Id value={e.id} show={`#${e.number}`} /><Status state={e.status} chip>{e.status === 'running' && e.stages.find((x) => x.state === 'RUNNING')?.name === 'trainer' ? 'Training' : undefined}</Status></>}>{titleOf(e)}</Title>
        <p className="page-sub">
          <Link to={`/projects/${e.project}/datasets/${s.dataset}`} title="The dataset"><span className="t3">data</span> {s.dataset_name} <span className="em">v{s.dataset_version.number}</span></Link>
          <Link to={`/projects/${e.project}/models/${s.feature_config}?model=${s.model_config}`} title="The features"><span className="t3">features</span> {s.feature_name} <span className="em">v{s.feature_version}</span></Link>
          <span title="The model"><span className="t3">model</span> {s.model_name} <span className="em">v{s.model_version}</span></span>
          <span>lr <span className="mono">{learningRate(e)}</span></span>
          <span>batch <span className="mono">{count(batchSize(e))}</span></span>
          <span>{splitWords(e.settings)}</span>
          {e.created_by && <span>by {e.created_by}</span>}
        </p>
      </div>
      <div className="exp-progress">
        <div className="row"><span className="em">{running ? stageWords(e) : e.status === 'completed' ? 'All stages done' : stageWords(e)}</span><span className="end"><span className="mono">{duration(elapsed)}</span> {running ? 'elapsed' : 'in all'}</span>{eta.left && <span className="acc" title={`ends near ${eta.end}`}>{eta.left}</span>}</div>
        <Segments parts={segments(e)} />
        {running && <Announce text={`${stageWords(e)}, ${Math.round(e.progress * 100)} percent. ${eta.left ?? ''}`} />}
      </div>
    </div>
  )
}
