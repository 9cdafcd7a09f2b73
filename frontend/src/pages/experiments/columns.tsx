import type { Listed } from '../../api/types'
import type { Search } from '../../app/search'
import { count, figure, metric } from '../../format/numbers'
import { between } from '../../format/time'
import { Ago, Took } from '../../ui/basics'
import type { Column } from '../../ui/DataTable'
import { InlineMetric, metricName } from '../../ui/Metric'
import { Status } from '../../ui/Status'
import { HYPER, METRIC, upper } from './board'
import { splitWords } from './facts'
import { LossSpark } from './LossSpark'

export type Group = 'Run' | 'Parameters' | 'Metrics'
/** What the cells of the board need beside their run. */
export interface Drawn { project: string; top: number; colourOf: (id: string) => string | undefined }
type Cell = string | number | undefined

/** What the board can tell of a run. The address holds the ids of those that are shown. */
export interface BoardColumn {
  id: string
  /** As the list of columns and a file name it. */
  name: string
  /** Of the exact value. */
  unit?: string
  group: Group
  /** The exact value, as a file holds it; a picture has none, and does not sort. */
  of?: (e: Listed) => Cell
  /** What it sorts by, where that is not the exact value. */
  by?: (e: Listed) => number
  /** A metric has baselines and a protocol. */
  score?: string
  draw: (d: Drawn) => Omit<Column<Listed>, 'id'>
}

const mono = (v: React.ReactNode) => <span className="mono">{v}</span>
const text = (id: string, name: string, width: number, of: (e: Listed) => string | undefined, group: Group = 'Run'): BoardColumn => ({ id, name, group, of, draw: () => ({ header: name, width, cell: (e) => <span className="t2" title={of(e)}>{of(e) || '—'}</span> }) })
const number = (id: string, name: string, header: string, width: number, group: Group, of: (e: Listed) => Cell, show: (v: number) => string): BoardColumn => ({
  id, name, group, of,
  draw: () => ({ header: <span title={name}>{header}</span>, width, right: true, cell: (e) => { const v = of(e); return mono(typeof v === 'number' ? show(v) : v ?? '—') } }),
})

const SHORT: Record<string, [string, number]> = { lr: ['lr', 58], batch: ['Batch', 62], epochs: ['Epochs', 60], width: ['Out', 44], hidden: ['Hidden', 60], dropout: ['Dropout', 64], l2: ['Emb. L2', 66], inputs: ['Feat.', 50], temp: ['Temp.', 54], optimizer: ['Optimizer', 76], logq: ['log-Q', 52] }

const RUN: BoardColumn[] = [
  { id: 'status', name: 'Status', group: 'Run', of: (e) => e.status, draw: () => ({ header: 'Status', width: 104, cell: (e) => <Status state={e.status} /> }) },
  {
    id: 'data', name: 'Data · features', group: 'Run', of: (e) => `${e.snapshot.dataset_name} v${e.snapshot.dataset_version.number} · ${e.snapshot.feature_name} v${e.snapshot.feature_version}`,
    draw: () => ({ header: 'Data · features', width: 96, cell: (e) => <span className="mono t2" title={`${e.snapshot.dataset_name}, ${e.snapshot.feature_name}, ${e.snapshot.model_name}`}>v{e.snapshot.dataset_version.number} · v{e.snapshot.feature_version}</span> }),
  },
  text('model', 'Model', 110, (e) => `${e.snapshot.model_name} v${e.snapshot.model_version}`),
  number('rows', 'Training rows', 'Rows', 76, 'Run', (e) => e.examples?.rows.train, count),
  number('best', 'Best epoch', 'Best ep.', 66, 'Run', (e) => e.best_epoch, String),
  text('by', 'Started by', 90, (e) => e.created_by),
  { id: 'took', name: 'Duration', unit: 's', group: 'Run', of: (e) => between(e.started_at ?? e.created_at, e.ended_at, new Date()), draw: () => ({ header: 'Duration', width: 74, right: true, cell: (e) => <Took start={e.started_at ?? e.created_at} end={e.ended_at} /> }) },
  { id: 'at', name: 'Started', group: 'Run', of: (e) => e.created_at, by: (e) => Date.parse(e.created_at), draw: () => ({ header: 'Started', width: 92, right: true, cell: (e) => <span className="t2"><Ago t={e.created_at} /></span> }) },
]
const PARAMETERS: BoardColumn[] = [
  ...HYPER.map((t) => number(t.id, upper(t.name), SHORT[t.id]?.[0] ?? t.name, SHORT[t.id]?.[1] ?? 70, 'Parameters', t.of, (v) => t.show(v))),
  text('split', 'Split', 150, (e) => splitWords(e.settings), 'Parameters'),
  number('seed', 'Seed', 'Seed', 54, 'Parameters', (e) => e.settings.seed, String),
]
const LOSS: BoardColumn[] = [
  number('loss', 'Training loss of the best epoch', 'Loss', 64, 'Metrics', (e) => e.loss, figure),
  { id: 'curve', name: 'Loss curve', group: 'Metrics', draw: (d) => ({ header: <span style={{ paddingLeft: 12 }}>Val. loss</span>, width: 88, cell: (e) => <LossSpark e={e} project={d.project} color={d.colourOf(e.id)} /> }) },
]

const KINDS = ['recall', 'ndcg', 'coverage']
const place = (s: string) => { const [kind, k] = s.split('@'); return (KINDS.indexOf(kind) + 1 || KINDS.length + 1) * 1e6 + Number(k ?? 0) }

/** A metric as a column; the board's own has a bar with a tick at item-kNN, the others say their baselines on hover. */
function score(id: string): BoardColumn {
  const of = (e: Listed) => e.metrics?.model[id]
  const short = metricName(id).replace('Recall', 'R').replace('Coverage', 'Cov.')
  return {
    id, name: metricName(id), group: 'Metrics', of, score: id,
    draw: (d) => (id === METRIC
      ? { header: <span className="em" style={{ color: 'var(--text)' }}>{metricName(id)}</span>, width: 132, right: true, cell: (e) => <InlineMetric value={of(e)} knn={e.metrics?.item_knn[id]} top={d.top} color={d.colourOf(e.id)} /> }
      : { header: <span title={metricName(id)}>{short}</span>, width: short.length > 5 ? 76 : 60, right: true, cell: (e) => <span className="mono" title={e.metrics && `item-kNN ${metric(e.metrics.item_knn[id])}, popularity ${metric(e.metrics.popularity[id])}`}>{metric(of(e))}</span> }),
  }
}

/** Everything that can be shown of these runs, in the order of the board: what was measured is as the runs have it. */
export function columnsOf(all: Listed[]): BoardColumn[] {
  const scores = new Set([...ALWAYS, ...all.flatMap((e) => Object.keys(e.metrics?.model ?? {}))])
  const [status, data, model, rows, best, by, took, at] = RUN
  return [status, data, model, rows, ...PARAMETERS, ...[...scores].sort((a, b) => place(a) - place(b)).map(score), ...LOSS, best, took, by, at]
}
const ALWAYS = [METRIC, 'recall@50', 'ndcg@10']
export const USUAL = ['status', 'data', 'lr', 'batch', 'width', ...ALWAYS, 'curve', 'took', 'at']

/** The columns the address names; the usual ones where it names none. */
export function shownOf(columns: BoardColumn[], search: Search): BoardColumn[] {
  const named = search.cols?.split(',')
  const found = columns.filter((c) => named?.includes(c.id))
  return found.length || search.cols === NONE ? found : columns.filter((c) => USUAL.includes(c.id))
}
export const NONE = 'none'
/** The address of a choice; the usual columns need none. */
export function addressOf(ids: string[]): string | undefined {
  if (ids.length === USUAL.length && USUAL.every((u) => ids.includes(u))) return undefined
  return ids.join(',') || NONE
}

/** Runs by a column; unknown values come last either way, equal ones newest first. */
export function sorted(rows: Listed[], columns: BoardColumn[], sort: string): Listed[] {
  const column = columns.find((c) => c.id === sort.replace(/^-/, ''))
  const of = column?.by ?? column?.of ?? ((e: Listed) => e.number)
  const way = sort.startsWith('-') ? -1 : 1
  return rows.map((e) => ({ e, v: of(e) })).sort((a, b) => {
    if (a.v === undefined || b.v === undefined) return Number(a.v === undefined) - Number(b.v === undefined) || b.e.number - a.e.number
    const by = typeof a.v === 'number' && typeof b.v === 'number' ? a.v - b.v : String(a.v).localeCompare(String(b.v))
    return by * way || b.e.number - a.e.number
  }).map((x) => x.e)
}
