import { Button, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconUpload } from '@tabler/icons-react'

import { q } from '../../api/queries'
import type { Run } from '../../api/types'
import { Live, Page, Title } from '../../app/Page'
import { useAddress } from '../../app/search'
import { count, share } from '../../format/numbers'
import { Ago, Panel, Took } from '../../ui/basics'
import { DataTable, Paging, type Column } from '../../ui/DataTable'
import { Empty, GhostRow, NoMatch } from '../../ui/Empty'
import { Failed } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { runProgress } from '../overview/life'
import { EtlTabs, runActive } from './parts'
import './etl.css'

const columns: Column<Run>[] = [
  { id: 'status', header: 'Status', width: 120, cell: (r) => <Status state={r.status}>{r.status === 'running' ? progressWord(r) : undefined}</Status> },
  { id: 'n', header: 'Run', width: 70, wide: true, cell: (r) => <span className="mono">#{r.number}</span> },
  { id: 'job', header: 'Job', cell: (r) => <span className="em">{r.job_name}</span> },
  { id: 'to', header: 'Into', wide: true, cell: (r) => <span className="mono small t2">{r.destination.dataset}.{r.destination.name}</span> },
  { id: 'by', header: 'Started by', width: 100, wide: true, cell: (r) => <span className="t2">{r.by || r.trigger}</span> },
  { id: 'read', header: 'Read', width: 100, right: true, cell: (r) => <span className="mono">{count(r.rows_read)}</span> },
  { id: 'rej', header: 'Rejected', width: 90, right: true, wide: true, cell: (r) => (r.rows_rejected ? <span className="mono err" title={share(r.rows_rejected / Math.max(1, r.rows_read))}>{count(r.rows_rejected)}</span> : <span className="mono t3">0</span>) },
  { id: 'started', header: 'Started', width: 110, right: true, wide: true, cell: (r) => <span className="t2"><Ago t={r.created_at} /></span> },
  { id: 'took', header: 'Duration', width: 90, right: true, wide: true, cell: (r) => <Took start={r.started_at ?? r.created_at} end={r.ended_at} /> },
]

function progressWord(r: Run): string {
  const p = runProgress(r)
  return p === undefined ? 'Running' : `Loading ${Math.round(p * 100)}\u2009%`
}

const STATES = ['pending', 'running', 'completed', 'partial', 'failed', 'cancelled']

/** Every load, newest first. */
export function Runs() {
  const [search, set] = useAddress()
  const jobs = useQuery(q.jobs({ limit: 200 }))
  const runs = useQuery(q.runs({ limit: 50, status: search.status, job: search.job, cursor: search.cursor }))
  const filters = [search.status, search.job].filter(Boolean).length
  return (
    <Page crumbs={[{ label: 'ETL' }]} actions={<><Live /><Button component={Link} to="/etl/upload" variant="filled" leftSection={<IconUpload size={16} stroke={1.75} />}>Upload a file</Button></>}>
      <Title>ETL</Title>
      <EtlTabs at="runs" />
      {runs.error ? <Failed error={runs.error} retry={() => void runs.refetch()} /> : (
        <Panel flush label="Runs">
          {(filters > 0 || !runs.data || runs.data.items.length > 0) && (
            <div className="filters">
              <Select aria-label="Status" placeholder="Any status" data={STATES.map((s) => ({ value: s, label: s.charAt(0).toUpperCase() + s.slice(1) }))} value={search.status ?? null} onChange={(v) => set({ status: v ?? undefined, cursor: undefined })} clearable w={150} />
              <Select aria-label="Job" placeholder="Any job" data={(jobs.data?.items ?? []).map((j) => ({ value: j.id, label: j.name }))} value={search.job ?? null} onChange={(v) => set({ job: v ?? undefined, cursor: undefined })} clearable searchable w={240} data-search />
            </div>
          )}
          <DataTable
            label="Runs" rows={runs.data?.items} columns={columns} rowId={(r) => r.id} to={(r) => `/etl/runs/${r.id}`} skeleton={10}
            selected={(r) => runActive(r)}
            empty={filters ? <NoMatch what="run" filters={filters} clear={() => set({ status: undefined, job: undefined, cursor: undefined })} /> : (
              <Empty title="Bring the first transactions in" action={<Button component={Link} to="/etl/upload" variant="filled">Upload a file</Button>} other={<Button component={Link} to="/connections/new">Connect a database</Button>} ghost={<GhostRow labels={['Completed', '#1', 'orders.csv', '90,000 rows', '12s']} />}>
                A CSV or Parquet file becomes a table here. A file of 100,000 rows takes a few seconds.
              </Empty>
            )}
            foot={runs.data && <Paging shown={runs.data.items.length} what="runs" next={runs.data.next} cursor={search.cursor} go={(cursor) => set({ cursor }, true)} />}
          />
        </Panel>
      )}
    </Page>
  )
}
