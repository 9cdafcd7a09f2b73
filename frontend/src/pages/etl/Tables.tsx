import { Button, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconSearch } from '@tabler/icons-react'

import { q } from '../../api/queries'
import type { Ref, RowsReply, TableInfo } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useAddress } from '../../app/search'
import { bytes, count, plural } from '../../format/numbers'
import { Ago, Panel, Skeleton } from '../../ui/basics'
import { DataTable, type Column } from '../../ui/DataTable'
import { Empty, NoMatch } from '../../ui/Empty'
import { Failed } from '../../ui/Problem'
import { EtlTabs } from './parts'
import './etl.css'

const columns: Column<TableInfo>[] = [
  { id: 'name', header: 'Table', cell: (t) => <span className="mono">{t.ref.dataset}.{t.ref.name}</span> },
  { id: 'cols', header: 'Columns', width: 90, right: true, cell: (t) => <span className="mono">{count(t.columns?.length)}</span> },
  { id: 'rows', header: 'Rows', width: 130, right: true, cell: (t) => <span className="mono">{t.rows < 0 ? '—' : count(t.rows)}</span> },
  { id: 'bytes', header: 'Size', width: 100, right: true, wide: true, cell: (t) => <span className="mono">{bytes(t.bytes)}</span> },
  { id: 'mod', header: 'Changed', width: 120, right: true, wide: true, cell: (t) => <span className="t2"><Ago t={t.modified} /></span> },
]
const id = (r: Ref) => `${r.dataset}.${r.name}`

/** What loads have filled; a row shows its columns and first rows below. */
export function Tables() {
  const [search, set] = useAddress()
  const tables = useQuery(q.tables())
  const open = tables.data?.items.find((t) => id(t.ref) === search.table)
  const shown = tables.data?.items.filter((t) => !search.q || id(t.ref).toLowerCase().includes(search.q.toLowerCase()))
  return (
    <Page crumbs={[{ label: 'ETL', to: '/etl' }, { label: 'Raw tables' }]}>
      <Title>ETL</Title>
      <EtlTabs at="tables" />
      {tables.error ? <Failed error={tables.error} retry={() => void tables.refetch()} /> : (
        <Panel flush label="Raw tables">
          {!!tables.data?.items.length && <div className="filters" data-search><TextInput aria-label="Search tables" placeholder="Search tables" leftSection={<IconSearch size={14} />} value={search.q ?? ''} onChange={(e) => set({ q: e.currentTarget.value })} w={260} /></div>}
          <DataTable
            label="Raw tables" rows={shown} columns={columns} rowId={(t) => id(t.ref)} to={(t) => `/etl/tables?${new URLSearchParams({ ...(search.q ? { q: search.q } : {}), table: id(t.ref) })}`} selected={(t) => id(t.ref) === search.table}
            empty={search.q ? <NoMatch what="table" filters={1} clear={() => set({ q: undefined })} /> : <Empty title="Load the first table" action={<Button component={Link} to="/etl/upload" variant="filled">Upload a file</Button>}>Tables appear here when their first load has been committed.</Empty>}
          />
        </Panel>
      )}
      {open && <TablePreview table={open} />}
    </Page>
  )
}

function TablePreview({ table }: { table: TableInfo }) {
  const [search, set] = useAddress()
  const limit = Number(search.rows ?? 20)
  const rows = useQuery(q.tableRows(table.ref, limit))
  return (
    <Panel title={<span className="mono">{table.ref.name}</span>} note={`first rows of ${count(table.rows)}, ${plural(table.columns?.length ?? 0, 'column')}`} flush
      right={<Select aria-label="How many rows" w={104} data={['20', '50', '100'].map((v) => ({ value: v, label: `${v} rows` }))} value={String(limit)} onChange={(v) => set({ rows: v ?? undefined })} />}
    >
      {rows.error ? <Failed error={rows.error} retry={() => void rows.refetch()} /> : rows.data ? <RowsTable reply={rows.data} label={`Rows of ${table.ref.name}`} /> : <Skeleton rows={8} height={28} />}
    </Panel>
  )
}

const NUMBERS = /^(INT64|FLOAT64|NUMERIC|BIGNUMERIC)$/

/** A value of the warehouse as text; ids keep their digits, nothing is grouped. */
export function cellText(v: unknown): string {
  if (typeof v === 'string') return /^\d{4}-\d\d-\d\dT00:00:00(\.0+)?Z$/.test(v) ? v.slice(0, 10) : v.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z$/, '$1 $2')
  if (typeof v === 'number' && !Number.isInteger(v)) return String(Number(v.toPrecision(12))) // 27.549999999999997 is 27.55
  return typeof v === 'object' ? JSON.stringify(v) : String(v)
}

/** Rows of the warehouse as they are. */
export function RowsTable({ reply, label }: { reply: RowsReply; label: string }) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="table table-28">
        <thead><tr>{reply.columns.map((c) => <th key={c.name} scope="col" className={NUMBERS.test(c.type) ? 'right' : ''} title={c.type}>{c.name}</th>)}</tr></thead>
        <tbody>
          {reply.rows.map((r, i) => (
            <tr key={i}>{reply.columns.map((c, j) => <td key={c.name} className={NUMBERS.test(c.type) ? 'right mono' : c.type === 'STRING' ? '' : 'mono'} title={typeof r[j] === 'number' ? String(r[j]) : undefined}>{r[j] === null || r[j] === undefined ? <span className="null">NULL</span> : cellText(r[j])}</td>)}</tr>
          ))}
        </tbody>
      </table>
      {reply.rows.length === 0 && <p className="no-match t3">The table has no rows.</p>}
    </div>
  )
}
