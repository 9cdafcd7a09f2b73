import { Button, Modal, Tabs } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { IconTopologyStar3, IconRefresh, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'

import { api } from '../../api/calls'
import { problemOf } from '../../api/problem'
import { col, q } from '../../api/queries'
import type { Dataset, DatasetVersion } from '../../api/types'
import { useWatch } from '../../api/watch'
import { Page, Title } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { count, reads } from '../../format/numbers'
import { Ago, Panel, Skeleton } from '../../ui/basics'
import { PlainCode } from '../../ui/CodePane'
import { DataTable, type Column } from '../../ui/DataTable'
import { Empty } from '../../ui/Empty'
import { ActionError, Failed } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { RowsTable } from '../etl/Tables'
import { ratingOf } from '../overview/life'
import { datesWords, refId } from './definition'
import { Edit } from './Edit'
import { ColumnStatistics, ProfileView } from './ProfileView'
import './datasets.css'

/** One dataset: profile and readiness, tables and joins, statistics, rows, SQL, versions. */
export function DatasetPage() {
  const { id = '' } = useParams({ strict: false })
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [remove, setRemove] = useState(false)
  useWatch(col.profiles(project))
  const dataset = useQuery(q.dataset(project, id))
  const d = dataset.data
  const profile = useQuery({ ...q.profile(project, id, d?.version ?? 0), enabled: !!d, retry: false })
  const analyze = useMutation({
    mutationFn: () => api.analyze(project, id),
    onSuccess: () => void client.invalidateQueries({ queryKey: [col.profiles(project)] }),
  })
  const del = useMutation({
    mutationFn: () => api.deleteDataset(project, id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [col.datasets(project), 'list'] })
      void navigate({ to: `/projects/${project}/datasets` })
    },
  })
  const crumbs = [{ label: 'Datasets', to: `/projects/${project}/datasets` }, { label: d?.name ?? 'Dataset' }]
  if (dataset.error) return <Page crumbs={crumbs}><Failed error={dataset.error} retry={() => void dataset.refetch()} /></Page>
  if (!d) return <Page crumbs={crumbs}><Skeleton rows={8} /></Page>
  const tab = search.tab ?? 'profile'
  const rating = profile.data && ratingOf(profile.data)
  const full = tab === 'tables'
  const tabs = (
    <Tabs value={tab} onChange={(v) => set({ tab: v === 'profile' ? undefined : v ?? undefined })} className="page-tabs">
      <Tabs.List>{[['profile', 'Profile'], ['tables', 'Tables and joins'], ['statistics', 'Statistics'], ['preview', 'Rows'], ['sql', 'SQL'], ['versions', 'Versions']].map(([v, l]) => <Tabs.Tab key={v} value={v}>{l}</Tabs.Tab>)}</Tabs.List>
    </Tabs>
  )
  return (
    <Page
      crumbs={crumbs} full={full}
      actions={<>
        <Button className="btn-danger" leftSection={<IconTrash size={16} stroke={1.75} />} onClick={() => setRemove(true)}>Delete</Button>
        <Button leftSection={<IconRefresh size={16} stroke={1.75} />} loading={analyze.isPending} onClick={() => analyze.mutate()}>Analyse</Button>
        <Button component={Link} to={`/projects/${project}/models/new?dataset=${d.id}`} variant="filled" leftSection={<IconTopologyStar3 size={16} stroke={1.75} />}>Make features</Button>
      </>}
    >
      {full ? <div className="full-tabs">{tabs}</div> : (
        <>
          <div>
            <Title after={<><span className="mono">v{d.version}</span>{rating && <Status state={rating.state} chip>{rating.word}</Status>}</>}>{d.name}</Title>
            <p className="page-sub"><span className="mono">{[d.definition.primary, ...d.definition.joins.map((j) => j.table)].map((r) => refId(r)).join(' + ')}</span><span>{datesWords(d.definition)}</span><span>changed <Ago t={d.updated_at} />{d.created_by && ` by ${d.created_by}`}</span></p>
          </div>
          <ActionError error={analyze.error} />
          {tabs}
        </>
      )}
      {tab === 'profile' && (profile.data ? <ProfileView p={profile.data} /> : profile.isPending ? <Skeleton rows={8} /> : problemOf(profile.error).status === 404 ? <Empty title="Analyse the dataset" action={<Button variant="filled" loading={analyze.isPending} onClick={() => analyze.mutate()}>Analyse</Button>}>One pass over the rows gives counts, statistics, the Pareto curve and a readiness score; 100,000 rows take a second.</Empty> : <Failed error={profile.error} retry={() => void profile.refetch()} />)}
      {tab === 'tables' && <Edit project={project} d={d} />}
      {tab === 'statistics' && (profile.data ? <ColumnStatistics p={profile.data} roles={d.definition.roles} /> : <p className="t2">The statistics come with the analysis.</p>)}
      {tab === 'preview' && <Preview project={project} d={d} rows={profile.data?.rows} />}
      {tab === 'sql' && <Sql project={project} d={d} />}
      {tab === 'versions' && <Versions project={project} d={d} />}
      <Modal opened={remove} onClose={() => setRemove(false)} title={`Delete ${d.name}?`} size={420}>
        <div className="stack">
          <p className="t2">Raw tables and finished experiments stay: an experiment keeps its own copy of the definition.</p>
          <ActionError error={del.error} />
          <div className="row"><Button variant="filled" className="btn-stop" loading={del.isPending} onClick={() => del.mutate()}>Delete the dataset</Button><Button onClick={() => setRemove(false)}>Keep it</Button></div>
        </div>
      </Modal>
    </Page>
  )
}

function Preview({ project, d, rows }: { project: string; d: Dataset; rows: number | undefined }) {
  const preview = useQuery(q.datasetPreview(project, d.id, d.version, 50))
  if (preview.error) return <Failed error={preview.error} retry={() => void preview.refetch()} />
  return (
    <Panel title="Rows" note={`the first 50${rows ? ` of ${count(rows)}` : ''}, with the output's names${preview.data?.cost ? `; ${reads(preview.data.cost)} at list price` : ''}`} flush>
      {preview.data ? <RowsTable reply={preview.data} label="First rows of the dataset" /> : <Skeleton rows={10} height={28} />}
    </Panel>
  )
}

function Sql({ project, d }: { project: string; d: Dataset }) {
  const [search, set] = useAddress()
  const form = search.form === 'training' ? 'training' : 'plain'
  const sql = useQuery(q.datasetSql(project, d.id, d.version, form))
  return (
    <Panel
      title="The statement" note={form === 'plain' ? 'what a person would query' : 'what training reads: no NULL, times as seconds'} flush
      right={<Button size="compact-sm" onClick={() => set({ form: form === 'plain' ? 'training' : undefined })}>{form === 'plain' ? 'Show the training form' : 'Show the plain form'}</Button>}
    >
      {sql.error ? <Failed error={sql.error} /> : sql.data ? <div style={{ maxHeight: 560, display: 'flex' }}><PlainCode text={sql.data.sql} name={`${d.name}.sql`} /></div> : <Skeleton rows={8} />}
    </Panel>
  )
}

const versionColumns: Column<DatasetVersion>[] = [
  { id: 'n', header: 'Version', width: 80, cell: (v) => <span className="mono">v{v.number}</span> },
  { id: 'what', header: 'Rows and columns', cell: (v) => <>{datesWords(v.definition)}, {v.schema?.length ?? v.definition.columns.length} columns of {1 + (v.definition.joins?.length ?? 0)} tables</> },
  { id: 'hash', header: 'Hash', width: 110, wide: true, cell: (v) => <span className="mono small t3" title={v.hash}>{v.hash.slice(0, 10)}</span> },
  { id: 'by', header: 'By', width: 100, wide: true, cell: (v) => <span className="t2">{v.created_by || '—'}</span> },
  { id: 'at', header: 'Made', width: 120, right: true, cell: (v) => <span className="t2"><Ago t={v.created_at} /></span> },
]

function Versions({ project, d }: { project: string; d: Dataset }) {
  const versions = useQuery(q.datasetVersions(project, d.id, d.version))
  if (versions.error) return <Failed error={versions.error} retry={() => void versions.refetch()} />
  return <Panel title="Versions" note="a version never changes; experiments name the one they used" flush><DataTable label="Versions" rows={versions.data?.items.toSorted((a, b) => b.number - a.number)} columns={versionColumns} rowId={(v) => String(v.number)} skeleton={2} /></Panel>
}
