import { Button, SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconAlertTriangle, IconCircleX, IconDatabase, IconFlask, IconListSearch, IconPlayerPlay, IconPlugConnected, IconTable, IconTableImport, IconTopologyStar3, IconUpload, type TablerIcon } from '@tabler/icons-react'

import { col, q } from '../../api/queries'
import type { Listed, Run } from '../../api/types'
import { useWatch } from '../../api/watch'
import { Live, Page, Title } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { count, metric, plural } from '../../format/numbers'
import { date } from '../../format/time'
import { Ago, Panel, Skeleton, Took } from '../../ui/basics'
import { DataTable, type Column } from '../../ui/DataTable'
import { Failed, TurnOf } from '../../ui/Problem'
import { Bar } from '../../ui/Progress'
import { Chip, Status } from '../../ui/Status'
import { CurrentModel } from './CurrentModel'
import { attentionOf, currentModel, lifeOf, type Facts, type LifeNode } from './life'
import { Start } from './Start'
import './overview.css'

const ICONS: Record<string, TablerIcon> = { sources: IconPlugConnected, tables: IconTable, dataset: IconDatabase, models: IconTopologyStar3, experiment: IconFlask, recommendations: IconListSearch }

/** The life of the data on one page: what each step holds, what moves, and what needs a person. */
export function Overview() {
  const { id: project = '' } = useProject()
  useWatch(col.profiles(project))
  const connections = useQuery(q.connections({ limit: 50 }))
  const jobs = useQuery(q.jobs({ limit: 50 }))
  const runs = useQuery(q.runs({ limit: 20 }))
  const newestRun = runs.data?.items.find((r) => r.ended_at)?.ended_at
  const tables = useQuery({ ...q.tables(), queryKey: ['tables', 'list', newestRun ?? ''] })
  const datasets = useQuery(q.datasets(project, { limit: 50 }))
  const features = useQuery(q.features(project, { limit: 50 }))
  const models = useQuery(q.models(project, { limit: 50 }))
  const experiments = useQuery(q.experiments(project, { limit: 20 }))
  const dataset = datasets.data?.items.toSorted((a, b) => b.updated_at.localeCompare(a.updated_at))[0]
  const profile = useQuery({ ...q.profile(project, dataset?.id ?? '', dataset?.version ?? 0), enabled: !!dataset, retry: false })
  const all = [connections, jobs, runs, tables, datasets, features, models, experiments]
  const error = all.find((a) => a.error)?.error
  const ready = all.every((a) => a.data)
  const facts: Facts | undefined = ready
    ? {
        project, connections: connections.data!.items, jobs: jobs.data!.items, runs: runs.data!.items, tables: tables.data!.items, datasets: datasets.data!.items,
        profile: profile.data, features: features.data!.items, models: models.data!.items, experiments: experiments.data!.items,
      }
    : undefined
  const blank = facts && !facts.runs.length && !facts.tables.length && !facts.datasets.length
  const attention = facts ? attentionOf(facts) : []
  const moving = facts ? [...facts.runs, ...facts.experiments].filter((r) => ['pending', 'preparing', 'running'].includes(r.status)).length : 0

  return (
    <Page
      crumbs={[{ label: 'Overview' }]}
      actions={!blank && <>
        <Button component={Link} to="/etl/upload" leftSection={<IconUpload size={16} stroke={1.75} />}>Upload</Button>
        <Button component={Link} to={`/projects/${project}/experiments/new`} variant="filled" leftSection={<IconPlayerPlay size={16} stroke={1.75} />}>New experiment</Button>
      </>}
    >
      {error ? <Failed error={error} retry={() => all.forEach((a) => void a.refetch())} /> : blank ? <Start project={project} /> : (
        <>
          <Title
            after={facts && <span className="t2">{[profile.data?.to && `Data to ${date(profile.data.to)}`, `${plural(moving, 'run')} in progress`, attention.length ? `${plural(attention.length, 'item')} need${attention.length === 1 ? 's' : ''} attention` : 'nothing needs attention'].filter(Boolean).join(' · ')}</span>}
            right={<Live />}
          >
            Overview
          </Title>
          <Panel title="Life of the data">{facts ? <LifeOfData nodes={lifeOf(facts)} /> : <Skeleton rows={4} height={40} />}</Panel>
          <div className="cols-side">
            <div className="stack">
              {attention.length > 0 && (
                <Panel title={<>Needs attention <Chip>{attention.length}</Chip></>} label="Needs attention" flush>
                  {attention.map((a) => (
                    <div key={a.key} className="attention">
                      {a.severity === 'err' ? <IconCircleX size={16} stroke={1.75} className="err" aria-label="Error" /> : <IconAlertTriangle size={16} stroke={1.75} className="warn" aria-label="Warning" />}
                      <div className="grow"><div className="em">{a.title}</div><div className="t3 small attention-why">{a.why}</div></div>
                      <span className="attention-turn small"><TurnOf turn={a.turn} short /></span>
                      <Button component={Link} to={a.to} size="compact-sm">{a.action}</Button>
                    </div>
                  ))}
                </Panel>
              )}
              <LatestRuns runs={facts?.runs} experiments={facts?.experiments} project={project} />
            </div>
            {facts && <CurrentModel current={currentModel(facts.experiments)} experiments={facts.experiments} project={project} />}
          </div>
        </>
      )}
    </Page>
  )
}

function LifeOfData({ nodes }: { nodes: LifeNode[] }) {
  return (
    <ol className="life">
      {nodes.map((n, i) => {
        const Icon = ICONS[n.key]
        const moving = n.edge === 'moving'
        return (
          <li key={n.key} className="life-item">
            {i > 0 && <Edge kind={n.edge} />}
            <Link to={n.to} className={`life-node${n.state === 'waiting' ? ' pending' : ''}${moving ? ' running' : ''}${n.state === 'failed' ? ' failed' : ''}`}>
              <span className="row"><Icon size={15} stroke={1.75} className="t2" aria-hidden /><span className="t2 em clip">{n.name}</span></span>
              <span className="life-figure clip"><span className="mono">{n.figure ?? '—'}</span> <span className="t3 small">{n.figure && n.unit}</span></span>
              <span className="small t2 clip" title={n.line}>{n.line}</span>
              {n.progress !== undefined ? <Bar value={n.progress} label={`${n.name} progress`} /> : <span className="life-gap" />}
              <Status state={n.state}>{n.word}</Status>
              <span className="life-facts small">
                {n.facts.map(([label, v]) => (
                  <span key={label} className="life-fact"><span className="t3">{label}</span><span className="t2 clip" title={v.text}>{v.time ? <Ago t={v.time} /> : v.took ? <Took start={v.took[0]} end={v.took[1]} /> : v.text}</span></span>
                ))}
              </span>
            </Link>
          </li>
        )
      })}
    </ol>
  )
}

/** The arrow between two nodes; its look says whether data moves, is old, or stopped. */
function Edge({ kind }: { kind: LifeNode['edge'] }) {
  return (
    <svg className={`life-edge life-edge-${kind}`} width="30" height="12" viewBox="0 0 30 12" aria-hidden>
      <path d="M0 6 H26" /><path d="M22 2 L27 6 L22 10" className="head" />
    </svg>
  )
}

type AnyRun = { kind: 'etl'; run: Run } | { kind: 'experiment'; run: Listed }
const columns: Column<AnyRun>[] = [
  { id: 'status', header: 'Status', width: 104, cell: (r) => <Status state={r.run.status} /> },
  { id: 'run', header: 'Run', width: 96, cell: (r) => <span className="row tight">{r.kind === 'etl' ? <IconTableImport size={14} stroke={1.75} aria-hidden /> : <IconFlask size={14} stroke={1.75} aria-hidden />}{r.kind === 'etl' ? 'ETL' : 'Exp.'} <span className="mono">#{r.run.number}</span></span> },
  { id: 'name', header: 'Name', cell: (r) => (r.kind === 'etl' ? r.run.job_name : r.run.name || r.run.snapshot.feature_name) },
  { id: 'by', header: 'Started by', width: 90, wide: true, cell: (r) => <span className="t2">{r.kind === 'etl' ? r.run.by || r.run.trigger : r.run.created_by || '—'}</span> },
  { id: 'started', header: 'Started', width: 100, right: true, wide: true, cell: (r) => <span className="t2"><Ago t={r.run.created_at} /></span> },
  { id: 'took', header: 'Duration', width: 86, right: true, wide: true, cell: (r) => <Took start={r.run.started_at ?? r.run.created_at} end={r.run.ended_at} /> },
  { id: 'result', header: 'Result', width: 130, right: true, cell: (r) => <Result r={r} /> },
]

function Result({ r }: { r: AnyRun }) {
  if (r.run.error) return <span className="err small">{r.run.error.code.replaceAll('_', ' ')}</span>
  if (r.kind === 'etl') return <span className="mono small">{count(r.run.rows_staged)} rows</span>
  const e = r.run
  if (e.metrics) return <span className="mono small">R@10 {metric(e.metrics.model['recall@10'])}</span>
  return <span className="mono small">{e.status === 'running' ? `epoch ${e.epoch} / ${e.settings.epochs}` : '—'}</span>
}

function LatestRuns({ runs, experiments, project }: { runs: Run[] | undefined; experiments: Listed[] | undefined; project: string }) {
  const [search, set] = useAddress()
  const kind = search.runs ?? 'all'
  const all: AnyRun[] | undefined = runs && experiments && [
    ...(kind === 'experiments' ? [] : runs.map((run) => ({ kind: 'etl' as const, run }))),
    ...(kind === 'etl' ? [] : experiments.map((run) => ({ kind: 'experiment' as const, run }))),
  ].sort((a, b) => b.run.created_at.localeCompare(a.run.created_at)).slice(0, 8)
  return (
    <Panel
      title="Latest runs" flush
      right={<SegmentedControl value={kind} onChange={(v) => set({ runs: v === 'all' ? undefined : v })} data={[{ value: 'all', label: 'All' }, { value: 'etl', label: 'ETL' }, { value: 'experiments', label: 'Experiments' }]} aria-label="Which runs" />}
    >
      <DataTable
        label="Latest runs" rows={all} columns={columns} rowId={(r) => r.run.id} skeleton={7}
        to={(r) => (r.kind === 'etl' ? `/etl/runs/${r.run.id}` : `/projects/${project}/experiments/${r.run.id}`)}
        empty={<p className="no-match t3">Nothing has run yet.</p>}
        foot={all && <><span>{plural(all.length, 'newest run', 'newest runs')}</span><span className="end row"><Link className="link" to="/etl">All loads</Link><Link className="link" to={`/projects/${project}/experiments`}>All experiments</Link></span></>}
      />
    </Panel>
  )
}
