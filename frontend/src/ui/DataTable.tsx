import { createColumnHelper, tableFeatures, useTable, type ColumnDef } from '@tanstack/react-table'
import { useNavigate } from '@tanstack/react-router'
import { useMemo, useRef } from 'react'

import { Skeleton } from './basics'
import './table.css'

const features = tableFeatures({})

/** A column of a table: how to read a row, and how wide and on which side it stands. */
export interface Column<T> {
  id: string
  header: React.ReactNode
  cell: (row: T) => React.ReactNode
  /** Numbers stand at the right. */
  right?: boolean
  width?: number | string
  /** Left out below 700 px. */
  wide?: boolean
  /** The header sorts by it. */
  sorts?: boolean
}

/** The column a table is sorted by, e.g. "took", or "-took" for the largest first. */
export type Sort = string

interface Props<T> {
  rows: T[] | undefined
  columns: Column<T>[]
  rowId: (row: T) => string
  label: string
  /** Where a row leads; the whole row opens it. */
  to?: (row: T) => string | undefined
  /** Buttons at the end of a row, shown on hover and focus. */
  actions?: (row: T) => React.ReactNode
  height?: 28 | 33 | 41
  empty?: React.ReactNode
  foot?: React.ReactNode
  selected?: (row: T) => boolean
  /** A colour for the row's left edge. */
  edge?: (row: T) => string | undefined
  skeleton?: number
  sort?: Sort
  onSort?: (s: Sort) => void
}

/**
 * A table whose rows open with a click or Enter; j and k move between rows. What
 * is listed, filtered and paged is the caller's business: the server does it.
 */
export function DataTable<T>({ rows, columns, rowId, label, to, actions, height = 33, empty, foot, selected, edge, skeleton = 6, sort, onSort }: Props<T>) {
  const navigate = useNavigate()
  const body = useRef<HTMLTableSectionElement>(null)
  const defs = useMemo(() => {
    const helper = createColumnHelper<typeof features, T & object>()
    return columns.map((c) => helper.display({ id: c.id, header: () => c.header, cell: (x) => c.cell(x.row.original) })) as ColumnDef<typeof features, T & object>[]
  }, [columns])
  const data = useMemo(() => (rows ?? []) as (T & object)[], [rows])
  const table = useTable({ features, columns: defs, data, getRowId: rowId })
  const meta = new Map(columns.map((c) => [c.id, c]))
  const cls = (id: string) => `${meta.get(id)?.right ? 'right' : ''}${meta.get(id)?.wide ? ' wide' : ''}`

  const open = (row: T) => {
    const href = to?.(row)
    if (href) void navigate({ to: href })
  }
  const keys = (e: React.KeyboardEvent) => {
    const list = [...(body.current?.querySelectorAll<HTMLElement>('tr[tabindex]') ?? [])]
    const at = list.indexOf(document.activeElement as HTMLElement)
    if (at < 0) return
    const next = e.key === 'j' || e.key === 'ArrowDown' ? at + 1 : e.key === 'k' || e.key === 'ArrowUp' ? at - 1 : -1
    if (next >= 0 && list[next]) {
      e.preventDefault()
      list[next].focus()
    }
  }

  if (rows && rows.length === 0 && empty) return <>{empty}</>
  return (
    <div className="table-box">
      <div className="table-scroll" tabIndex={0} role="region" aria-label={`${label}, scrolls sideways`}>
        <table className={`table table-${height}`} aria-label={label}>
          <colgroup>
            {columns.map((c) => <col key={c.id} style={c.width ? { width: c.width } : undefined} className={c.wide ? 'wide' : undefined} />)}
            {actions && <col style={{ width: 1 }} />}
          </colgroup>
          <thead>
            {table.getHeaderGroups().map((g) => (
              <tr key={g.id}>
                {g.headers.map((h) => {
                  const id = h.column.id
                  if (!onSort || !meta.get(id)?.sorts) return <th key={h.id} scope="col" className={cls(id)}><table.FlexRender header={h} /></th>
                  const way = sort === id ? 'ascending' : sort === '-' + id ? 'descending' : undefined
                  return (
                    <th key={h.id} scope="col" className={cls(id)} aria-sort={way}>
                      <button type="button" className="sorts" onClick={() => onSort(way === 'descending' ? id : '-' + id)}><table.FlexRender header={h} />{way && <span aria-hidden>{way === 'descending' ? '↓' : '↑'}</span>}</button>
                    </th>
                  )
                })}
                {actions && <th><span className="visually-hidden">Actions</span></th>}
              </tr>
            ))}
          </thead>
          {rows && (
            <tbody ref={body} onKeyDown={keys}>
              {table.getRowModel().rows.map((r) => {
                const href = to?.(r.original)
                return (
                  <tr
                    key={r.id} className={`${href ? 'opens' : ''}${selected?.(r.original) ? ' selected' : ''}`} tabIndex={href ? 0 : undefined} style={{ '--edge': edge?.(r.original) } as React.CSSProperties}
                    onClick={(e) => {
                      if ((e.target as HTMLElement).closest('button, a, input, label')) return
                      if (href && (e.metaKey || e.ctrlKey)) window.open(href, '_blank', 'noopener')
                      else open(r.original)
                    }}
                    onKeyDown={(e) => {
                      if (e.key === 'Enter' && e.target === e.currentTarget) open(r.original)
                    }}
                  >
                    {r.getAllCells().map((c) => <td key={c.id} className={cls(c.column.id)}><table.FlexRender cell={c} /></td>)}
                    {actions && <td className="row-actions">{actions(r.original)}</td>}
                  </tr>
                )
              })}
            </tbody>
          )}
        </table>
      </div>
      {!rows && <Skeleton rows={skeleton} height={height} />}
      {foot && <div className="table-foot">{foot}</div>}
    </div>
  )
}

/** The foot of a paged list: how many rows are shown, and the way to the other pages. */
export function Paging({ shown, what, next, cursor, go }: { shown: number | undefined; what: string; next: string | undefined; cursor: string | undefined; go: (cursor: string | undefined) => void }) {
  return (
    <>
      <span>{shown === undefined ? 'Loading' : `${shown.toLocaleString('en-US')} ${shown === 1 && !next ? what.replace(/s$/, '') : what}${next ? ' on this page, more follow' : cursor ? ' on this last page' : ''}`}</span>
      <span className="end row">
        {cursor && <button type="button" className="link" onClick={() => go(undefined)}>First page</button>}
        {next && <button type="button" className="link" onClick={() => go(next)}>Next page</button>}
      </span>
    </>
  )
}

/** A plain table of facts, e.g. what a chart draws. */
export function FactTable({ columns, rows, label }: { columns: string[]; rows: React.ReactNode[][]; label: string }) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={`${label}, scrolls sideways`}>
      <table className="table table-28 facts" aria-label={label}>
        <thead><tr>{columns.map((c, i) => <th key={i} scope="col" className={i ? 'right' : ''}>{c}</th>)}</tr></thead>
        <tbody>{rows.map((r, i) => <tr key={i}>{r.map((v, j) => <td key={j} className={j ? 'right mono' : 'mono'}>{v}</td>)}</tr>)}</tbody>
      </table>
    </div>
  )
}
