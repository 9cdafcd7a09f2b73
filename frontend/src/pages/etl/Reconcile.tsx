import { useQuery } from '@tanstack/react-query'

import { q } from '../../api/queries'
import type { Reject, Run } from '../../api/types'
import { count, plural, share } from '../../format/numbers'
import { Download, Figure, Panel, Skeleton } from '../../ui/basics'
import { DataTable, FactTable, type Column } from '../../ui/DataTable'
import { Failed } from '../../ui/Problem'
import { Chip, Status } from '../../ui/Status'
import { runActive } from './parts'

/** Whether the counts of a run add up, and in which words. */
export function verdict(r: Run): { state: string; text: string; detail: string } {
  const flight = r.rows_read - r.rows_staged - r.rows_rejected
  if (runActive(r)) {
    return flight < 0 ? { state: 'failed', text: 'More rows out than in', detail: 'checked live' } : { state: 'running', text: 'Counting', detail: 'checked again at the commit' }
  }
  if (flight !== 0 && r.status !== 'cancelled') return { state: 'failed', text: `${plural(Math.abs(flight), 'row does', 'rows do')} not add up`, detail: 'the run is not green' }
  if (r.commit && r.commit.read !== r.rows_staged) return { state: 'failed', text: `The table took ${count(r.commit.read)} of ${count(r.rows_staged)} rows`, detail: 'the run is not green' }
  if (r.commit) return { state: 'completed', text: 'Adds up, no row lost', detail: `${count(r.commit.inserted)} new, ${count(r.commit.updated)} replaced${r.commit.deleted ? `, ${count(r.commit.deleted)} removed` : ''}` }
  if (r.status === 'completed' && r.rows_read === 0) return { state: 'completed', text: 'Nothing new at the source', detail: 'the table keeps what it had' }
  return { state: r.status, text: 'Nothing was committed', detail: 'the table keeps what it had' }
}

/** Rows read = loaded + rejected + in flight, with a verdict. */
export function Equation({ r }: { r: Run }) {
  const v = verdict(r)
  const flight = Math.max(0, r.rows_read - r.rows_staged - r.rows_rejected)
  return (
    <Panel label="Reconciliation" flush>
      <div className="equation">
        <Figure value={count(r.rows_read)} label="rows read" />
        <span className="op" aria-label="equals">=</span>
        <Figure value={count(r.rows_staged)} label={r.commit ? 'loaded' : 'staged'} />
        <span className="op" aria-label="plus">+</span>
        <Figure value={count(r.rows_rejected)} tone={r.rows_rejected ? 'err' : undefined} label={r.rows_rejected ? `rejected, ${share(r.rows_rejected / Math.max(1, r.rows_read))}` : 'rejected'} />
        {(runActive(r) || flight > 0) && <><span className="op" aria-label="plus">+</span><Figure value={count(flight)} label="in flight" /></>}
        <span className="end col" style={{ gap: 0, alignItems: 'flex-end' }}><Status state={v.state}>{v.text}</Status><span className="t3 small">{v.detail}</span></span>
      </div>
    </Panel>
  )
}

const columns: Column<Reject>[] = [
  { id: 'reason', header: 'Reason', cell: (r) => <span className="em">{r.reason}</span> },
  { id: 'column', header: 'Column', width: 130, cell: (r) => <span className="mono small">{r.column || 'the row'}</span> },
  { id: 'where', header: 'Where', width: 180, wide: true, cell: (r) => <span className="mono small t2">{[r.file, r.line && `line ${r.line}`].filter(Boolean).join(', ') || '—'}</span> },
  { id: 'row', header: 'The row', wide: true, cell: (r) => <span className="mono small t2 cell-pre" title={String(r.row)}>{typeof r.row === 'string' ? r.row : JSON.stringify(r.row)}</span> },
]

/** Rejected rows: the reasons with counts, then the first rows themselves. */
export function Rejects({ r, limit }: { r: Run; limit: number | undefined }) {
  const rows = useQuery(q.rejects(r.id, r.rows_rejected))
  const reasons = Object.entries(r.reject_reasons ?? {}).sort((a, b) => b[1] - a[1])
  const part = r.rows_rejected / Math.max(1, r.rows_read)
  return (
    <Panel
      title={<>Rejected rows <Chip tone="err">{count(r.rows_rejected)}</Chip></>} label="Rejected rows" flush
      note={`${plural(reasons.length, 'reason')}${limit !== undefined ? `, ${part <= limit ? 'below' : 'above'} the ${share(limit)} stop limit` : ''}`}
      right={rows.data && <Download name={`rejected-${r.number}.csv`} label="Download these rows as CSV" text={() => csv(rows.data.items)} />}
    >
      {reasons.length > 0 && <FactTable label="Reasons" columns={['Reason', 'Share', 'Rows']} rows={reasons.map(([why, n]) => [why, share(n / r.rows_rejected), count(n)])} />}
      <div className="filters t3 small">The first rejected rows, as they came</div>
      {rows.error ? <Failed error={rows.error} retry={() => void rows.refetch()} /> : rows.data ? <DataTable label="First rejected rows" rows={rows.data.items} columns={columns} rowId={(x) => `${x.file}:${x.line}:${x.reason}:${String(x.row)}`} height={28} /> : <Skeleton rows={3} height={28} />}
    </Panel>
  )
}

function csv(rows: Reject[]): string {
  const cell = (v: unknown) => `"${String(v ?? '').replaceAll('"', '""')}"`
  return ['reason,column,file,line,row', ...rows.map((r) => [r.reason, r.column, r.file, r.line, r.row].map(cell).join(','))].join('\n') + '\n'
}
