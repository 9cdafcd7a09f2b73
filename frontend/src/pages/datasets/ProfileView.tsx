import { SegmentedControl } from '@mantine/core'

import type { ColumnProfile, DatasetRole, ParetoPoint, Profile } from '../../api/types'
import { useAddress } from '../../app/search'
import { count, figure, headline, plural, share } from '../../format/numbers'
import { duration, range } from '../../format/time'
import { Ago, Figure, Help, Panel, Term } from '../../ui/basics'
import { ChartOrTable, MiniBars, useChartOrTable } from '../../ui/Chart'
import { bars, lines } from '../../ui/charts'
import { DataTable, type Column } from '../../ui/DataTable'
import { Chip, Status } from '../../ui/Status'
import { ratingOf } from '../overview/life'
import { Findings } from './Builder'

/** Counts, readiness, rows over time and concentration of one version. */
export function ProfileView({ p }: { p: Profile }) {
  const months = useChartOrTable()
  const rating = ratingOf(p)
  const density = p.customers && p.products ? p.pairs / (p.customers * p.products) : undefined
  return (
    <div className="cols-side">
      <div className="stack">
        <Panel label="Counts" flush foot={<>{p.from && <>{range(p.from, p.to)}. </>}Analysed <Ago t={p.analyzed_at} /> in {duration(p.seconds)}. {p.rows_before > p.rows ? `Filters and joins leave out ${count(p.rows_before - p.rows)} of ${count(p.rows_before)} rows of the transaction table.` : ''}</>}>
          <div className="figures">
            <Figure value={count(p.rows)} label="rows" />
            <Figure value={count(p.customers)} label="customers" />
            <Figure value={count(p.products)} label="products" />
            <Figure value={count(p.pairs)} label={<Term tip="Distinct pairs of a customer and a product. Repeat purchases count once.">pairs</Term>} />
            <Figure value={density === undefined ? '—' : share(density, 2)} label={<Term tip="Pairs divided by all that would be possible. Below 0.1 % a model sees little of each product.">density</Term>} />
            <Figure value={p.customers ? figure(p.rows / p.customers) : '—'} label="rows per customer" />
            {p.value !== undefined && p.value !== null && <Figure value={headline(p.value)} label="sum of the value" />}
          </div>
        </Panel>
        {!!p.rows_per_month?.length && (
          <Panel title="Rows per month" right={months.button}>
            <ChartOrTable
              table={months.table} height={170} label="Rows of each month"
              facts={{ columns: ['Month', 'Rows'], rows: p.rows_per_month.map((m) => [m.value, count(m.count)]) }}
              option={(t) => bars(t, p.rows_per_month!.map((m) => m.value), p.rows_per_month!.map((m) => m.count), { y: (v) => (v >= 1000 ? `${v / 1000}k` : String(v)) })}
            />
          </Panel>
        )}
        <Pareto p={p} />
      </div>
      <Panel
        title={<>Readiness <Help label="the readiness score">It starts at 100; each finding takes its points. Few rows per customer or product, few customers or products, sparse pairs and short time spans cost the most. A blocking finding caps the word whatever the score.</Help></>}
        label="Readiness" right={<span className="quality-score"><span className="mono" style={{ color: 'var(--text)' }}>{p.score}</span> of 100 <Status state={rating.state}>{rating.word.split(',')[0]}</Status></span>}
      >
        <div className="col"><Findings list={p.findings} /></div>
      </Panel>
    </div>
  )
}

/** How few products or customers carry most of the value. */
function Pareto({ p }: { p: Profile }) {
  const [search, set] = useAddress()
  const { table, button } = useChartOrTable()
  const by = search.pareto === 'customers' && p.customer_pareto?.length ? 'customers' : 'products'
  const points: ParetoPoint[] = (by === 'customers' ? p.customer_pareto : p.product_pareto) ?? []
  if (!points.length) return null
  const at = points.find((x) => x.value_share >= 0.8) ?? points[points.length - 1]
  const what = p.value === undefined || p.value === null ? 'rows' : 'value'
  return (
    <Panel
      title={`Who carries the ${what}`} flush
      right={<><SegmentedControl aria-label="Pareto of" value={by} onChange={(v) => set({ pareto: v === 'products' ? undefined : v })} data={[{ value: 'products', label: 'Products' }, { value: 'customers', label: 'Customers' }]} />{button}</>}
    >
      <div style={{ padding: '8px 12px 0' }}>
        <ChartOrTable
          table={table} height={190} label={`Cumulative share of the ${what} by ${by}`}
          facts={{ columns: [`First ${by}`, 'Share of them', `Share of the ${what}`], rows: points.map((x) => [count(x.rank), share(x.share), share(x.value_share, 1)]) }}
          option={(t) => lines(t, [{ name: `share of the ${what}`, color: t.s1, points: [[0, 0], ...points.map((x): [number, number] => [x.rank, x.value_share])], area: true }], [{ name: '80 %', value: 0.8, kind: 'pop' }], { y: (v) => `${Math.round(v * 100)}%`, x: (v) => count(v), min: 0, max: 1, step: 0.25, xName: `first ${by}`, right: 20 })}
        />
      </div>
      <p className="pareto-line"><span className="em">{plural(at.rank, by.slice(0, -1))} carry {share(at.value_share)}</span> of the {what}: {share(at.share)} of all {by}.</p>
    </Panel>
  )
}

/** Every column's statistics. */
export function ColumnStatistics({ p, roles }: { p: Profile; roles: Partial<Record<DatasetRole, string>> }) {
  const role = new Map(Object.entries(roles).map(([r, n]) => [n, r]))
  const columns: Column<ColumnProfile>[] = [
    { id: 'name', header: 'Column', cell: (c) => <span className="row"><span className="mono">{c.name}</span>{role.has(c.name) && <Chip tone="run">{role.get(c.name)}</Chip>}</span> },
    { id: 'type', header: 'Type', width: 92, wide: true, cell: (c) => <span className="mono small t2">{c.type}</span> },
    { id: 'nulls', header: 'Missing', width: 84, right: true, cell: (c) => <span className={`mono${c.nulls ? ' warn' : ' t3'}`} title={count(c.nulls)}>{share(c.nulls / Math.max(1, p.rows))}</span> },
    { id: 'distinct', header: <Term tip="Approximate">Distinct</Term>, width: 90, right: true, cell: (c) => <span className="mono">{count(c.distinct)}</span> },
    { id: 'min', header: 'Min', right: true, wide: true, cell: (c) => <span className="mono small">{short(c.min)}</span> },
    { id: 'median', header: 'Median', right: true, wide: true, cell: (c) => <span className="mono small">{c.quantiles?.length ? figure(c.quantiles[Math.floor(c.quantiles.length / 2)]) : '—'}</span> },
    { id: 'max', header: 'Max', right: true, wide: true, cell: (c) => <span className="mono small">{short(c.max)}</span> },
    { id: 'mean', header: 'Mean ± std', right: true, wide: true, cell: (c) => <span className="mono small">{c.mean === undefined || c.mean === null ? '—' : `${figure(c.mean)} ± ${figure(c.std_dev)}`}</span> },
    { id: 'shape', header: 'Most frequent, or deciles', width: 230, wide: true, cell: (c) => (c.top?.length ? <span className="row"><MiniBars values={c.top.map((t) => t.count)} /><span className="small t2 clip" title={c.top.map((t) => `${t.value}: ${count(t.count)}`).join('\n')}>{c.top.slice(0, 2).map((t) => t.value).join(', ')}</span></span> : c.quantiles?.length ? <MiniBars values={spread(c.quantiles)} /> : null) },
  ]
  return <Panel title="Columns" note={`${plural(p.columns.length, 'column')} of v${p.version}, over ${count(p.rows)} rows`} flush><DataTable label="Column statistics" rows={p.columns} columns={columns} rowId={(c) => c.name} /></Panel>
}

const short = (s: string | undefined) => (s === undefined || s === '' ? '—' : /^-?\d+(\.\d+)?$/.test(s) ? figure(Number(s)) : s.slice(0, 10))
/** Density between deciles: a tenth of the rows divided by how wide the decile is. */
function spread(q: number[]): number[] {
  const widths = q.slice(1).map((v, i) => v - q[i])
  const least = Math.min(...widths.filter((w) => w > 0), Infinity)
  return widths.map((w) => (Number.isFinite(least) ? least / Math.max(w, least) : 1))
}
