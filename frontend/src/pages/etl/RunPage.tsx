import { Button, SegmentedControl } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { IconAlertTriangle, IconArrowRight, IconDatabase, IconRefresh } from '@tabler/icons-react'
import { useMemo } from 'react'

import { api, idempotencyKey } from '../../api/calls'
import { col, q } from '../../api/queries'
import type { Chunk, Run } from '../../api/types'
import { useWatch } from '../../api/watch'
import { Live, Page, Title } from '../../app/Page'
import { useAddress } from '../../app/search'
import { bytes, count, plural } from '../../format/numbers'
import { absolute, between, clock, date, duration } from '../../format/time'
import { CancelButton } from '../../ui/CancelButton'
import { Figure, Id, Panel, Skeleton, useNow } from '../../ui/basics'
import { ActionError, Failed, ProblemBlock } from '../../ui/Problem'
import { Announce, Bar, Lanes, useEta, type Lane } from '../../ui/Progress'
import { Status } from '../../ui/Status'
import { runProgress } from '../overview/life'
import { Chunks } from './Chunks'
import { loadWords, runActive, sourceOf } from './parts'
import { Equation, Rejects } from './Reconcile'
import { Throughput } from './Throughput'
import './etl.css'

const PHASES: Record<string, string> = { infer: 'Infer schema', plan: 'Plan', extract: 'Extract', load: 'Load', commit: 'Commit' }

/** One load, live: how far, how fast, which chunk, whether the counts reconcile, what was rejected. */
export function RunPage() {
  const { id = '' } = useParams({ strict: false })
  const [search, set] = useAddress()
  const client = useQueryClient()
  useWatch(col.chunks)
  const run = useQuery(q.run(id))
  const chunks = useQuery({ ...q.chunks(id), enabled: (run.data?.chunks ?? 0) > 0 })
  const job = useQuery({ ...q.job(run.data?.job ?? ''), enabled: !!run.data?.job, retry: false })
  const again = useMutation({
    mutationFn: () => api.runJob(run.data!.job, idempotencyKey()),
    onSuccess: (r) => {
      client.setQueryData([col.runs, 'item', r.id], r)
      window.location.assign(`/etl/runs/${r.id}`)
    },
  })
  const shown = useMemo(() => newest(chunks.data?.items), [chunks.data])
  const r = run.data
  const crumbs = [{ label: 'ETL', to: '/etl' }, ...(r ? [{ label: r.job_name, to: `/etl/jobs/${r.job}` }, { label: `#${r.number}` }] : [{ label: 'Run' }])]
  if (run.error) return <Page crumbs={crumbs}><Failed error={run.error} retry={() => void run.refetch()} /></Page>
  if (!r) return <Page crumbs={crumbs}><Skeleton rows={8} /></Page>
  const active = runActive(r)
  const cancel = active && <CancelButton what={`run #${r.number}`} asked={r.cancel_requested} keeps="Nothing of this run becomes visible; the table keeps the data it has." action={() => api.cancelRun(r.id)} />
  const rerun = !active && <Button leftSection={<IconRefresh size={16} stroke={1.75} />} loading={again.isPending} onClick={() => again.mutate()}>Run again</Button>
  return (
    <Page crumbs={crumbs} actions={<><Live />{cancel || rerun}</>} phone={cancel || rerun || undefined}>
      <div>
        <Title after={<><span className="mono">#{r.number}</span><Status state={r.status} chip>{r.cancel_requested && active ? 'Cancelling' : r.status === 'running' ? 'Loading' : undefined}</Status></>}>{r.job_name}</Title>
        <p className="page-sub">
          <span className="row tight">
            <IconDatabase size={14} stroke={1.75} aria-hidden />
            {job.data && <span className="mono">{sourceOf(job.data)}</span>}
            <IconArrowRight size={13} stroke={1.75} aria-label="into" />
            <Link className="mono" to={`/etl/tables?table=${r.destination.dataset}.${r.destination.name}`}>{r.destination.dataset}.{r.destination.name}</Link>
          </span>
          {job.data && <span>{loadWords(job.data)}</span>}
          {r.to && <span>window <span className="mono small">{mark(r.from) || 'the beginning'}</span> to <span className="mono small">{mark(r.to)}</span></span>}
          <Id value={r.id} show={r.id.slice(-8)} />
        </p>
      </div>
      <ActionError error={again.error} />
      {r.error && <ProblemBlock problem={r.error} actions={!active && <Button variant="filled" leftSection={<IconRefresh size={16} stroke={1.75} />} loading={again.isPending} onClick={() => again.mutate()}>Run again</Button>} />}
      <RunProgress r={r} />
      {(r.chunks > 0 || chunks.data) && (
        <div className="run-cols">
          <Panel
            title="Chunks" note={`${count(r.chunks)}${r.estimate_rows > 0 && r.chunks ? ` of about ${count(r.estimate_rows / r.chunks)} rows` : ''}`} flush
            right={<SegmentedControl aria-label="How chunks are shown" value={search.chunks ?? 'grid'} onChange={(v) => set({ chunks: v === 'grid' ? undefined : v })} data={[{ value: 'grid', label: 'Grid' }, { value: 'table', label: 'Table' }]} />}
          >
            <Chunks chunks={shown} table={search.chunks === 'table'} />
          </Panel>
          {shown ? <Throughput r={r} chunks={shown} /> : <Panel title="Throughput" flush><Skeleton rows={4} /></Panel>}
        </div>
      )}
      <Equation r={r} />
      {r.warnings?.length ? (
        <Panel title="Warnings" flush>{r.warnings.map((w) => <p key={w} className="attention"><IconAlertTriangle size={16} stroke={1.75} className="warn" aria-label="Warning" />{w}</p>)}</Panel>
      ) : null}
      {r.rows_rejected > 0 && <Rejects r={r} limit={job.data?.max_reject_share} />}
    </Page>
  )
}

/** The chunks of the newest plan, in its order. */
function newest(chunks: Chunk[] | undefined): Chunk[] | undefined {
  const epoch = Math.max(...(chunks ?? []).map((c) => c.epoch))
  return chunks?.filter((c) => c.epoch === epoch).sort((a, b) => a.number - b.number)
}

/** A bound of the window: a time to the minute, or the integer it is. */
function mark(v: string | undefined): string {
  const m = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(v ?? '')
  return m ? `${date(m[1])}${m[2] === '00:00' ? '' : ' ' + m[2]}` : v ?? ''
}

/** Percent, rows, rate and time in one line; the phases on a shared axis below. */
function RunProgress({ r }: { r: Run }) {
  const now = useNow()
  const active = runActive(r)
  const start = r.started_at ?? r.created_at
  const elapsed = between(start, r.ended_at, now) ?? 0
  const part = runProgress(r)
  const extract = r.phases.find((p) => p.name === 'extract')
  const reading = between(extract?.started, extract?.ended, now)
  const rate = reading && reading > 0.05 ? r.rows_read / reading : undefined
  const eta = useEta(part ?? 0, elapsed, active && r.status === 'running')
  const offset = (t: string | undefined) => between(start, t, now)
  const lanes: (Lane & { icon: React.ReactNode })[] = r.phases.map((p) => {
    const s = p.started ? (new Date(p.started).getTime() - new Date(start).getTime()) / 1000 : undefined
    const state = !p.started ? 'waiting' : p.ended ? 'done' : active ? 'running' : r.status === 'cancelled' ? 'cancelled' : 'failed'
    const status = { waiting: 'waiting', done: 'completed', running: 'running', cancelled: 'cancelled', failed: 'failed' }[state]
    return { name: p.name, state, note: state === 'waiting' && !active ? 'not reached' : undefined, start: s === undefined ? undefined : Math.max(0, s), end: p.started ? offset(p.ended ?? r.ended_at) : undefined, forecastEnd: state === 'running' && (p.name === 'extract' || p.name === 'load') && part && part > 0.1 ? elapsed / part : undefined, icon: <Status state={status}>{PHASES[p.name] ?? p.name}</Status> }
  })
  const span = Math.max(0.2, active && part && part > 0.1 ? elapsed / part : elapsed) * 1.03
  return (
    <Panel label="Progress" flush>
      <div className="run-strip">
        {active && <span className="big">{part === undefined ? '…' : `${Math.round(part * 100)}\u2009%`}</span>}
        <Figure value={count(r.rows_read)} label={r.estimate_rows > 0 && active ? `of about ${count(r.estimate_rows)} rows` : 'rows read'} />
        <Figure value={rate ? count(rate) : '—'} unit={rate ? 'rows/s' : undefined} label={bytes(r.bytes_read) + (reading && rate ? `, ${bytes(r.bytes_read / reading)}/s` : '')} />
        <Figure value={duration(elapsed)} label={active ? 'elapsed' : 'took'} />
        {eta.left && <Figure value={<span className="run-eta">{eta.left}</span>} tone="acc" label={`ends near ${eta.end}`} />}
        <span className="end t3 small" title={absolute(start)}>started {clock(start)} by {r.by || r.trigger}</span>
      </div>
      <div className="run-bar"><Bar value={active ? part ?? 0 : 1} tone={active ? 'run' : r.status === 'completed' ? 'ok' : r.status === 'partial' ? 'ok' : r.status === 'failed' ? 'err' : 'idle'} label="Load progress" /></div>
      <div className="run-lanes"><Lanes lanes={lanes} span={span} now={active ? elapsed : undefined} /></div>
      {active && <Announce text={`${part === undefined ? 'Running' : Math.round(part * 100) + ' percent'}, ${plural(r.rows_read, 'row')} read. ${eta.left ?? ''}`} />}
    </Panel>
  )
}
