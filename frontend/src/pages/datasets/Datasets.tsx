import { Button, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconPlus, IconSearch } from '@tabler/icons-react'

import { q } from '../../api/queries'
import type { Dataset } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { count } from '../../format/numbers'
import { Ago, Panel } from '../../ui/basics'
import { DataTable, Paging, type Column } from '../../ui/DataTable'
import { Empty, GhostRow, NoMatch } from '../../ui/Empty'
import { Failed } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { ratingOf } from '../overview/life'
import { datesWords, refId } from './definition'

/** The datasets of the project. */
export function Datasets() {
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const list = useQuery(q.datasets(project, { limit: 50, cursor: search.cursor }))
  const shown = list.data?.items.filter((d) => !search.q || d.name.toLowerCase().includes(search.q.toLowerCase()))
  const add = <Button component={Link} to={`/projects/${project}/datasets/new`} variant="filled" leftSection={<IconPlus size={16} stroke={1.75} />}>New dataset</Button>
  const columns: Column<Dataset>[] = [
    { id: 'name', header: 'Dataset', cell: (d) => <span className="two-line"><span className="em">{d.name}</span><span>{datesWords(d.definition)}</span></span> },
    { id: 'v', header: 'Version', width: 76, wide: true, cell: (d) => <span className="mono">v{d.version}</span> },
    { id: 'tables', header: 'Tables', wide: true, cell: (d) => <span className="mono small">{[d.definition.primary, ...d.definition.joins.map((j) => j.table)].map((r) => refId(r).replace('raw_data.', '')).join(', ')}</span> },
    { id: 'rows', header: 'Rows', width: 110, right: true, wide: true, cell: (d) => <ProfileCell project={project} d={d} what="rows" /> },
    { id: 'ready', header: 'Readiness', width: 150, cell: (d) => <ProfileCell project={project} d={d} what="rating" /> },
    { id: 'at', header: 'Changed', width: 110, right: true, wide: true, cell: (d) => <span className="t2"><Ago t={d.updated_at} /></span> },
  ]
  return (
    <Page crumbs={[{ label: 'Datasets' }]} actions={add}>
      <Title>Datasets</Title>
      {list.error ? <Failed error={list.error} retry={() => void list.refetch()} /> : (
        <Panel flush label="Datasets">
          {!!list.data?.items.length && <div className="filters" data-search><TextInput aria-label="Search datasets" placeholder="Search datasets" leftSection={<IconSearch size={14} />} value={search.q ?? ''} onChange={(e) => set({ q: e.currentTarget.value })} w={260} /></div>}
          <DataTable
            label="Datasets" rows={shown} columns={columns} rowId={(d) => d.id} to={(d) => `/projects/${project}/datasets/${d.id}`} height={41}
            empty={search.q ? <NoMatch what="dataset" filters={1} clear={() => set({ q: undefined })} /> : <Empty title="Make a dataset of the raw tables" action={add} ghost={<GhostRow labels={['transactions', 'products', 'customers']} />}>It says which rows and columns feed training. Roles and joins are suggested with how sure the suggestion is; it takes about a minute.</Empty>}
            foot={list.data && <Paging shown={shown?.length} what="datasets" next={list.data.next} cursor={search.cursor} go={(cursor) => set({ cursor }, true)} />}
          />
        </Panel>
      )}
    </Page>
  )
}

/** One figure of the dataset's profile; a dataset that has not been analysed says so. */
function ProfileCell({ project, d, what }: { project: string; d: Dataset; what: 'rows' | 'rating' }) {
  const p = useQuery({ ...q.profile(project, d.id, d.version), retry: false })
  if (!p.data) return what === 'rows' ? <span className="t3">—</span> : p.isPending ? null : <Status state="waiting">Not analysed</Status>
  if (what === 'rows') return <span className="mono">{count(p.data.rows)}</span>
  const r = ratingOf(p.data)
  return <Status state={r.state}>{r.word}</Status>
}
