import type { Experiment, History, SchemaFeature, StatFeature } from '../../api/types'
import { count, figure, plural } from '../../format/numbers'
import { range } from '../../format/time'
import { Figure, Panel, Skeleton } from '../../ui/basics'
import { MiniBars } from '../../ui/Chart'
import { DataTable, type Column } from '../../ui/DataTable'
import { active } from './facts'

const pct = (v: number | undefined) => (v === undefined ? '—' : `${figure(v)}\u2009%`)

/** A statistic of a time column, which reaches training as Unix seconds, is a date to people. */
const at = (v: number | undefined) => (v === undefined || v === null ? '—' : new Date(v * 1000).toISOString().slice(0, 10))

const numericColumns = (times: Set<string>): Column<StatFeature>[] => [
  { id: 'n', header: 'Feature', cell: (f) => <span className="mono">{f.name}</span> },
  { id: 'count', header: 'Count', right: true, cell: (f) => <span className="mono">{count(f.numeric_stats?.count)}</span> },
  { id: 'miss', header: 'Missing', right: true, cell: (f) => <span className={`mono${f.numeric_stats?.missing ? ' warn' : ' t3'}`}>{pct(f.numeric_stats?.missing_pct)}</span> },
  { id: 'mean', header: 'Mean', right: true, cell: (f) => <span className="mono">{(times.has(f.name) ? at : figure)(f.numeric_stats?.mean)}</span> },
  { id: 'std', header: 'Std dev', right: true, wide: true, cell: (f) => <span className="mono">{times.has(f.name) && f.numeric_stats?.std_dev !== undefined ? `${figure(f.numeric_stats.std_dev / 86_400)}\u2009d` : figure(f.numeric_stats?.std_dev)}</span> },
  { id: 'zeros', header: 'Zeros', right: true, wide: true, cell: (f) => <span className="mono">{pct(f.numeric_stats?.zeros_pct)}</span> },
  { id: 'min', header: 'Min', right: true, wide: true, cell: (f) => <span className="mono">{(times.has(f.name) ? at : figure)(f.numeric_stats?.min_val)}</span> },
  { id: 'med', header: 'Median', right: true, wide: true, cell: (f) => <span className="mono">{(times.has(f.name) ? at : figure)(f.numeric_stats?.median)}</span> },
  { id: 'max', header: 'Max', right: true, wide: true, cell: (f) => <span className="mono">{(times.has(f.name) ? at : figure)(f.numeric_stats?.max_val)}</span> },
  { id: 'h', header: 'Shape', width: 110, wide: true, cell: (f) => <MiniBars values={(f.numeric_stats?.histogram ?? []).slice(0, 10).map((b) => b.count)} height={20} color="var(--s1)" /> },
]
const categorical: Column<StatFeature>[] = [
  { id: 'n', header: 'Feature', cell: (f) => <span className="mono">{f.name}</span> },
  { id: 'count', header: 'Count', right: true, cell: (f) => <span className="mono">{count(f.categorical_stats?.count)}</span> },
  { id: 'miss', header: 'Missing', right: true, cell: (f) => <span className={`mono${f.categorical_stats?.missing ? ' warn' : ' t3'}`}>{pct(f.categorical_stats?.missing_pct)}</span> },
  { id: 'uniq', header: 'Unique', right: true, cell: (f) => <span className="mono">{count(f.categorical_stats?.unique)}</span> },
  { id: 'top', header: 'Most frequent', wide: true, cell: (f) => <span className="small t2">{(f.categorical_stats?.top_values ?? []).slice(0, 3).map((v) => `${v.value.slice(0, 15)} ${figure(v.frequency_pct)}\u2009%`).join(', ')}</span> },
  { id: 'bars', header: 'First five', width: 110, wide: true, cell: (f) => <MiniBars values={(f.categorical_stats?.top_values ?? []).slice(0, 5).map((v) => v.frequency)} height={20} color="var(--s4)" /> },
]
const schema: Column<SchemaFeature>[] = [
  { id: 'n', header: 'Feature', cell: (f) => <span className="mono">{f.name}</span> },
  { id: 't', header: 'Type', cell: (f) => <span className="mono small">{f.feature_type}</span> },
  { id: 'p', header: 'Presence', cell: (f) => f.presence ?? '—' },
  { id: 's', header: 'Shape', wide: true, cell: (f) => <span className="t2">{typeof f.shape === 'string' ? f.shape : f.shape ? JSON.stringify(f.shape) : '—'}</span> },
  { id: 'd', header: 'Domain', wide: true, cell: (f) => <span className="mono small">{f.domain || '—'}</span> },
]

/** What the training rows look like: the split, the statistics, the schema. */
export function DataInsights({ e, history }: { e: Experiment; history: History | undefined }) {
  const x = e.examples
  const s = history?.statistics
  const sc = history?.schema
  if (!x && !s && !sc) return active(e) ? <><p className="t2">The statistics appear when their stage is done.</p><Skeleton rows={5} /></> : <p className="t2">This run ended before the data was looked at.</p>
  return (
    <>
      {x && (
        <Panel title="Split" note={e.metrics?.protocol.split} flush foot={x.dropped ? `${plural(x.dropped, 'row')} without a customer or a product were left out.` : undefined}>
          <div className="figures">
            <Figure value={count(x.rows.train)} label={`train${x.train_from ? `, ${range(x.train_from, x.eval_from)}` : ''}`} />
            <Figure value={count(x.rows.eval)} label={`evaluation${x.eval_from ? `, ${range(x.eval_from, x.test_from)}` : ''}`} />
            <Figure value={count(x.rows.test)} label={`test${x.test_from ? `, ${range(x.test_from, x.to)}` : ''}`} />
            <Figure value={count(x.customers)} label="customers" />
            <Figure value={count(x.products)} label="products" />
            {s && <Figure value={pct(s.avg_missing_pct)} label="missing on average" />}
            {s && <Figure value={`${s.num_numeric_features} / ${s.num_categorical_features}`} label="numeric / categorical" />}
          </div>
        </Panel>
      )}
      {!!s?.numeric_features?.length && <Panel title="Numeric features" flush><DataTable label="Numeric features" rows={s.numeric_features.slice(0, 30)} columns={numericColumns(new Set(e.snapshot.dataset_version.schema.filter((c) => /^(DATE|DATETIME|TIMESTAMP)$/.test(c.type)).map((c) => c.name)))} rowId={(f) => f.name} /></Panel>}
      {!!s?.categorical_features?.length && <Panel title="Categorical features" flush><DataTable label="Categorical features" rows={s.categorical_features.slice(0, 30)} columns={categorical} rowId={(f) => f.name} /></Panel>}
      {!!sc?.features?.length && <Panel title="Schema" note={plural(sc.features.length, 'feature')} flush><DataTable label="Schema" rows={sc.features.slice(0, 50)} columns={schema} rowId={(f) => f.name} height={28} /></Panel>}
    </>
  )
}
