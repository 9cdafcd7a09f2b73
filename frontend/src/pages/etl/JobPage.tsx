import { Button, Modal } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'

import { api, idempotencyKey } from '../../api/calls'
import { col, q } from '../../api/queries'
import type { EtlColumn, Run } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { count, share } from '../../format/numbers'
import { Ago, Panel, Skeleton, Took } from '../../ui/basics'
import { DataTable, type Column } from '../../ui/DataTable'
import { ActionError, Failed } from '../../ui/Problem'
import { Chip, Status } from '../../ui/Status'
import { loadWords, sourceOf } from './parts'
import './etl.css'

const runColumns: Column<Run>[] = [
  { id: 'status', header: 'Status', width: 110, cell: (r) => <Status state={r.status} /> },
  { id: 'n', header: 'Run', width: 70, cell: (r) => <span className="mono">#{r.number}</span> },
  { id: 'read', header: 'Read', right: true, cell: (r) => <span className="mono">{count(r.rows_read)}</span> },
  { id: 'rej', header: 'Rejected', right: true, wide: true, cell: (r) => <span className={`mono${r.rows_rejected ? ' err' : ' t3'}`}>{count(r.rows_rejected)}</span> },
  { id: 'at', header: 'Started', right: true, wide: true, cell: (r) => <span className="t2"><Ago t={r.created_at} /></span> },
  { id: 'took', header: 'Duration', right: true, cell: (r) => <Took start={r.started_at ?? r.created_at} end={r.ended_at} /> },
]
const columns: Column<EtlColumn>[] = [
  { id: 'source', header: 'At the source', cell: (c) => <>{c.source} <span className="mono small t3">{c.source_type}</span></> },
  { id: 'name', header: 'In the table', cell: (c) => <span className="mono">{c.name}</span> },
  { id: 'type', header: 'Type', cell: (c) => <span className="mono small">{c.type}</span> },
]

/** One job: what it does, its runs, its columns. */
export function JobPage() {
  const { id = '' } = useParams({ strict: false })
  const client = useQueryClient()
  const navigate = useNavigate()
  const [remove, setRemove] = useState(false)
  const job = useQuery(q.job(id))
  const runs = useQuery(q.runs({ job: id, limit: 20 }))
  const start = useMutation({ mutationFn: () => api.runJob(id, idempotencyKey()), onSuccess: (r) => void navigate({ to: `/etl/runs/${r.id}` }) })
  const edit = useMutation({ mutationFn: (body: { enabled: boolean }) => api.updateJob(id, body), onSuccess: (j) => client.setQueryData([col.jobs, 'item', id], j) })
  const del = useMutation({
    mutationFn: () => api.deleteJob(id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [col.jobs, 'list'] })
      void navigate({ to: '/etl/jobs' })
    },
  })
  const j = job.data
  const crumbs = [{ label: 'ETL', to: '/etl' }, { label: 'Jobs', to: '/etl/jobs' }, { label: j?.name ?? 'Job' }]
  if (job.error) return <Page crumbs={crumbs}><Failed error={job.error} retry={() => void job.refetch()} /></Page>
  if (!j) return <Page crumbs={crumbs}><Skeleton rows={6} /></Page>
  return (
    <Page
      crumbs={crumbs}
      actions={<>
        <Button className="btn-danger" leftSection={<IconTrash size={16} stroke={1.75} />} onClick={() => setRemove(true)}>Delete</Button>
        <Button leftSection={j.enabled ? <IconPlayerPause size={16} stroke={1.75} /> : <IconPlayerPlay size={16} stroke={1.75} />} loading={edit.isPending} onClick={() => edit.mutate({ enabled: !j.enabled })}>{j.enabled ? 'Pause' : 'Resume'}</Button>
        <Button variant="filled" leftSection={<IconPlayerPlay size={16} stroke={1.75} />} disabled={!!j.active_run} loading={start.isPending} onClick={() => start.mutate()}>{j.active_run ? 'Running' : 'Run now'}</Button>
      </>}
      phone={<Button variant="filled" disabled={!!j.active_run} loading={start.isPending} onClick={() => start.mutate()}>Run now</Button>}
    >
      <div>
        <Title after={!j.enabled && <Chip tone="warn">Paused</Chip>}>{j.name}</Title>
        <p className="page-sub"><span className="mono">{sourceOf(j)}</span><span className="mono">{j.destination.dataset}.{j.destination.name}</span><span>{loadWords(j)}</span></p>
      </div>
      <ActionError error={start.error ?? edit.error} />
      <div className="cols-side">
        <Panel title="Runs" flush>
          <DataTable label="Runs of this job" rows={runs.data?.items} columns={runColumns} rowId={(r) => r.id} to={(r) => `/etl/runs/${r.id}`} skeleton={4} empty={<p className="no-match t3">It has not run yet.</p>} />
        </Panel>
        <Panel title="Settings">
          <dl className="kv">
            <dt>Schedule</dt><dd>{j.schedule ? <><span className="mono">{j.schedule.cron}</span> {j.schedule.time_zone}</> : j.files ? 'when a file arrives' : 'by hand'}</dd>
            {j.timestamp_column && <><dt>Watermark</dt><dd className="mono small">{j.watermark || 'none yet'}</dd></>}
            {j.keys?.length ? <><dt>Keys</dt><dd className="mono small">{j.keys.join(', ')}</dd></> : null}
            {j.files && <><dt>Files</dt><dd className="mono small">{j.files.prefix}{j.files.pattern}{j.files.format && `, ${j.files.format}`}</dd></>}
            <dt>Stop limit</dt><dd>{share(j.max_reject_share)} rejected</dd>
            <dt>Created</dt><dd><Ago t={j.created_at} />{j.created_by && ` by ${j.created_by}`}</dd>
          </dl>
        </Panel>
      </div>
      {!!j.columns?.length && <Panel title="Columns" flush><DataTable label="Columns" rows={j.columns} columns={columns} rowId={(c) => c.name} height={28} /></Panel>}
      <Modal opened={remove} onClose={() => setRemove(false)} title={`Delete ${j.name}?`} size={420}>
        <div className="stack">
          <p className="t2">The loaded table and the runs stay; nothing is loaded into it any more.</p>
          <ActionError error={del.error} />
          <div className="row"><Button variant="filled" className="btn-stop" loading={del.isPending} onClick={() => del.mutate()}>Delete the job</Button><Button onClick={() => setRemove(false)}>Keep it</Button></div>
        </div>
      </Modal>
    </Page>
  )
}
