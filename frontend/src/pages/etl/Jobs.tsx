import { Button, Tooltip, UnstyledButton } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { IconPlayerPlay, IconPlus } from '@tabler/icons-react'

import { api, idempotencyKey } from '../../api/calls'
import { q } from '../../api/queries'
import type { Job } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useAddress } from '../../app/search'
import { Ago, Panel } from '../../ui/basics'
import { DataTable, Paging, type Column } from '../../ui/DataTable'
import { Empty } from '../../ui/Empty'
import { ActionError, Failed } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { EtlTabs, loadWords, sourceOf } from './parts'
import './etl.css'

const columns: Column<Job>[] = [
  { id: 'name', header: 'Job', cell: (j) => <span className="two-line"><span className="em">{j.name}</span><span>{loadWords(j)}</span></span> },
  { id: 'source', header: 'Reads', wide: true, cell: (j) => <span className="mono small">{sourceOf(j)}</span> },
  { id: 'to', header: 'Into', wide: true, cell: (j) => <span className="mono small">{j.destination.dataset}.{j.destination.name}</span> },
  { id: 'when', header: 'Runs', width: 150, wide: true, cell: (j) => <span className="t2">{!j.enabled ? 'paused' : j.schedule ? <span className="mono small">{j.schedule.cron}</span> : j.files ? 'when a file arrives' : 'by hand'}</span> },
  { id: 'last', header: 'Last run', width: 130, cell: (j) => (j.active_run ? <Status state="running" /> : j.last_status ? <Status state={j.last_status} /> : <span className="t3">never</span>) },
  { id: 'at', header: 'When', width: 100, right: true, wide: true, cell: (j) => <span className="t2"><Ago t={j.last_run_at} /></span> },
]

/** What is copied from where, how, and when. */
export function Jobs() {
  const [search, set] = useAddress()
  const navigate = useNavigate()
  const jobs = useQuery(q.jobs({ limit: 50, cursor: search.cursor }))
  const start = useMutation({ mutationFn: (j: Job) => api.runJob(j.id, idempotencyKey()), onSuccess: (r) => void navigate({ to: `/etl/runs/${r.id}` }) })
  return (
    <Page crumbs={[{ label: 'ETL', to: '/etl' }, { label: 'Jobs' }]} actions={<Button component={Link} to="/etl/jobs/new" variant="filled" leftSection={<IconPlus size={16} stroke={1.75} />}>New job</Button>}>
      <Title>ETL</Title>
      <EtlTabs at="jobs" />
      <ActionError error={start.error} />
      {jobs.error ? <Failed error={jobs.error} retry={() => void jobs.refetch()} /> : (
        <Panel flush label="Jobs">
          <DataTable
            label="Jobs" rows={jobs.data?.items} columns={columns} rowId={(j) => j.id} to={(j) => `/etl/jobs/${j.id}`} height={41}
            actions={(j) => <Tooltip label="Run now"><UnstyledButton className="icon-btn" aria-label={`Run ${j.name} now`} disabled={!!j.active_run} onClick={() => start.mutate(j)}><IconPlayerPlay size={16} stroke={1.75} /></UnstyledButton></Tooltip>}
            empty={<Empty title="Make the first job" action={<Button component={Link} to="/etl/jobs/new" variant="filled">New job</Button>} other={<Button component={Link} to="/etl/upload">Upload a file</Button>}>A job copies one table, or the files of a pattern, to one raw table: by hand, on a schedule, or when a file arrives.</Empty>}
            foot={jobs.data && <Paging shown={jobs.data.items.length} what="jobs" next={jobs.data.next} cursor={search.cursor} go={(cursor) => set({ cursor }, true)} />}
          />
        </Panel>
      )}
    </Page>
  )
}
