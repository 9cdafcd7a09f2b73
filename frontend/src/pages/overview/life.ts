import type { Connection, Dataset, FeatureConfig, Job, Listed, ModelConfig, Problem, Profile, Run, TableInfo, Turn } from '../../api/types'
import { count, headline, plural } from '../../format/numbers'
import { date, parse } from '../../format/time'

/** All the facts the overview draws from. undefined = not read yet. */
export interface Facts {
  project: string
  connections: Connection[]; jobs: Job[]; runs: Run[]; tables: TableInfo[]
  datasets: Dataset[]; profile?: Profile; features: FeatureConfig[]; models: ModelConfig[]; experiments: Listed[]
}

export type Tone = 'ok' | 'run' | 'warn' | 'err' | 'idle'
/** One node of the life of the data. */
export interface LifeNode {
  key: string; name: string; to: string; figure?: string; unit: string; line: string
  state: string; word: string; progress?: number; facts: [string, { text?: string; time?: string; took?: [string | undefined, string | undefined] }][]
  /** The edge that leads here. */
  edge: 'done' | 'moving' | 'stale' | 'pending' | 'failed'
}

const active = (s: string) => ['pending', 'preparing', 'running'].includes(s)
const newest = <T extends { modified?: string; created_at?: string; updated_at?: string }>(list: T[], key: (t: T) => string | undefined): T | undefined =>
  list.reduce<T | undefined>((a, b) => (!a || (parse(key(b))?.getTime() ?? 0) > (parse(key(a))?.getTime() ?? 0) ? b : a), undefined)

/** The experiment whose lists are served: the last started one that completed, as the server chooses it. */
export function currentModel(experiments: Listed[]): Listed | undefined {
  return experiments.filter((e) => e.status === 'completed' && e.metrics).sort((a, b) => b.number - a.number)[0]
}

/** Raw tables a dataset reads. */
export function tablesOf(d: Dataset): string[] {
  return [d.definition.primary, ...d.definition.joins.map((j) => j.table)].map((r) => `${r.dataset}.${r.name}`)
}

/** The six nodes, each from what the state says. */
export function lifeOf(f: Facts): LifeNode[] {
  const raw = f.tables.filter((t) => t.ref.dataset !== 'ml')
  const rows = raw.reduce((n, t) => n + Math.max(0, t.rows), 0)
  const loading = f.runs.find((r) => active(r.status))
  const lastRun = newest(f.runs, (r) => r.created_at)
  const newestTable = newest(raw, (t) => t.modified)
  const dataset = newest(f.datasets, (d) => d.updated_at)
  const features = newest(f.features, (c) => c.updated_at)
  const model = newest(f.models, (m) => m.updated_at)
  const run = f.experiments.find((e) => active(e.status)) ?? newest(f.experiments, (e) => e.created_at)
  const serving = currentModel(f.experiments)
  // Uploads are a source too; they have no connection of their own in the list.
  const sources = new Map([...f.jobs.map((j): [string, string] => [j.connection, j.kind]), ...f.connections.map((c): [string, string] => [c.id, c.type])])
  const kinds = [...new Set([...sources.values()].map(kindName))].join(', ')
  const badConnection = f.connections.find((c) => c.test_status === 'failed' || c.test_status === 'error')
  const behind = dataset && f.profile ? staleTables(f.tables, dataset, f.profile.analyzed_at) : []
  const base = `/projects/${f.project}`
  const loadPart = loading ? runProgress(loading) : undefined

  return [
    {
      key: 'sources', name: 'Sources', to: '/connections', figure: sources.size ? count(sources.size) : undefined, unit: sources.size === 1 ? 'source' : 'sources',
      line: kinds || 'none yet', edge: 'done',
      ...(badConnection ? { state: 'failed', word: `${badConnection.name} fails` } : sources.size ? { state: 'completed', word: f.connections.some((c) => c.test_status === 'success' && c.type !== 'uploads') ? 'All reachable' : 'Ready' } : { state: 'waiting', word: 'None yet' }),
      facts: [['Jobs', { text: count(f.jobs.length) }], ['Last run', lastRun ? { time: lastRun.created_at } : { text: 'none yet' }]],
    },
    {
      key: 'tables', name: 'Raw tables', to: '/etl/tables', figure: raw.length ? headline(rows) : undefined, unit: 'rows',
      line: raw.length ? `${plural(raw.length, 'table')}${loading ? ', 1 loading' : ''}` : 'none yet', progress: loadPart,
      edge: loading ? 'moving' : lastRun?.status === 'failed' ? 'failed' : raw.length ? 'done' : 'pending',
      ...(loading ? { state: 'loading', word: loadPart === undefined ? 'Loading' : `Loading ${Math.round(loadPart * 100)}\u2009%` } : lastRun?.status === 'failed' ? { state: 'failed', word: `Run #${lastRun.number} failed` } : raw.length ? { state: 'completed', word: 'Loaded' } : { state: 'waiting', word: 'None yet' }),
      facts: [['Fresh to', newestTable ? { time: newestTable.modified } : { text: '—' }], ['Last run', lastRun ? { took: [lastRun.started_at ?? lastRun.created_at, lastRun.ended_at] } : { text: '—' }]],
    },
    {
      key: 'dataset', name: 'Dataset', to: dataset ? `${base}/datasets/${dataset.id}` : `${base}/datasets`,
      figure: f.profile ? headline(f.profile.rows) : dataset ? `v${dataset.version}` : undefined, unit: f.profile ? 'rows' : '', line: dataset ? `${dataset.name} · v${dataset.version}` : 'none yet',
      edge: !dataset ? 'pending' : behind.length ? 'stale' : 'done',
      ...(!dataset ? { state: 'waiting', word: 'None yet' } : behind.length ? { state: 'warning', word: `Behind ${behind.length === 1 ? behind[0].ref.name : plural(behind.length, 'table')}` } : f.profile ? ratingOf(f.profile) : { state: 'waiting', word: 'Not analysed' }),
      facts: [['Data to', { text: date(f.profile?.to) }], ['Analysed', f.profile ? { time: f.profile.analyzed_at } : { text: '—' }]],
    },
    {
      key: 'models', name: 'Features & model', to: features ? `${base}/models/${features.id}` : `${base}/models`,
      figure: features ? `${features.query_dim} + ${features.candidate_dim}` : undefined, unit: 'dims', line: features ? `${features.name} v${features.version}${model ? `, ${model.name}` : ''}` : 'none yet',
      edge: features ? 'done' : 'pending',
      ...(features && model ? { state: features.warnings?.length ? 'warning' : 'completed', word: features.warnings?.length ? plural(features.warnings.length, 'warning') : 'Towers fit' } : features ? { state: 'waiting', word: 'No model yet' } : { state: 'waiting', word: 'None yet' }),
      facts: [['Built on', { text: features ? `${f.datasets.find((d) => d.id === features.definition.dataset)?.name ?? 'dataset'} v${features.definition.dataset_version}` : '—' }], ['Changed', features ? { time: features.updated_at } : { text: '—' }]],
    },
    {
      key: 'experiment', name: 'Experiment', to: run ? `${base}/experiments/${run.id}` : `${base}/experiments`,
      figure: run ? (active(run.status) ? `${run.epoch} / ${run.settings.epochs}` : `#${run.number}`) : undefined, unit: run && active(run.status) ? 'epochs' : '',
      line: run ? `${active(run.status) ? `#${run.number} ` : ''}${run.name || run.snapshot.feature_name}` : 'none yet', progress: run && active(run.status) ? run.progress : undefined,
      edge: !run ? 'pending' : active(run.status) ? 'moving' : run.status === 'failed' ? 'failed' : 'done',
      ...(run ? { state: run.status === 'running' ? 'training' : run.status, word: wordOf(run) } : { state: 'waiting', word: 'None yet' }),
      facts: [['Built on', { text: run ? `v${run.snapshot.dataset_version.number}, v${run.snapshot.feature_version}` : '—' }], ['Last run', run ? { took: [run.started_at ?? run.created_at, run.ended_at] } : { text: '—' }]],
    },
    {
      key: 'recommendations', name: 'Recommendations', to: `${base}/recommendations`,
      figure: serving ? headline(serving.recommendations ?? undefined) : undefined, unit: 'rows', line: serving ? `lists of experiment #${serving.number}` : 'none yet',
      edge: serving ? 'done' : 'pending',
      ...(serving ? { state: 'completed', word: 'Can be asked for' } : { state: 'waiting', word: 'None yet' }),
      facts: [['Fresh to', { text: date(serving?.examples?.to) }], ['Written', serving ? { time: serving.ended_at } : { text: '—' }]],
    },
  ]
}

function wordOf(e: Listed): string {
  if (e.status === 'running') return e.stages.find((s) => s.state === 'RUNNING')?.name === 'trainer' ? 'Training' : 'Running'
  return { pending: 'Queued', preparing: 'Preparing', completed: 'Completed', failed: 'Failed', cancelled: 'Cancelled' }[e.status]
}

/** A source kind as people write it. */
export function kindName(kind: string): string {
  return { uploads: 'Uploads', postgresql: 'PostgreSQL' }[kind] ?? kind
}

/** How far a load is, 0 to 1; undefined before the plan. */
export function runProgress(r: Run): number | undefined {
  if (r.status === 'completed' || r.status === 'partial') return 1
  if (r.estimate_rows > 0) return Math.min(0.99, r.rows_read / r.estimate_rows)
  if (r.chunks > 0) return Math.min(0.99, (r.chunks_extracted + r.chunks_loaded) / (2 * r.chunks))
  return undefined
}

/** Tables that changed after the dataset was analysed. */
export function staleTables(tables: TableInfo[], d: Dataset, since: string): TableInfo[] {
  const names = new Set(tablesOf(d))
  const at = parse(since)?.getTime() ?? 0
  return tables.filter((t) => names.has(`${t.ref.dataset}.${t.ref.name}`) && (parse(t.modified)?.getTime() ?? 0) > at + 1000)
}

/** A blocking finding caps the word of the score. */
export function ratingOf(p: Profile): { state: string; word: string } {
  if (p.rating === 'blocked' || p.findings.some((x) => x.severity === 'blocking')) return { state: 'failed', word: 'Blocked' }
  const word = p.rating.charAt(0).toUpperCase() + p.rating.slice(1)
  return { state: p.rating === 'excellent' || p.rating === 'good' ? 'completed' : 'warning', word: `${word}, ${p.score} of 100` }
}

/** One line that asks for a person: what, why it matters, whose turn, and where to go. */
export interface Attention { key: string; severity: 'err' | 'warn'; title: string; why: string; turn: Turn; action: string; to: string }

/** What needs a person, most damage first, never more than five. */
export function attentionOf(f: Facts): Attention[] {
  const out: Attention[] = []
  const base = `/projects/${f.project}`
  const problemWhy = (p: Problem | undefined, otherwise: string) => p?.cause || p?.next || otherwise
  const lastOfJob = new Map<string, Run>()
  for (const r of f.runs) if (!lastOfJob.has(r.job)) lastOfJob.set(r.job, r)
  for (const r of lastOfJob.values()) {
    if (r.status === 'failed') out.push({ key: 'r' + r.id, severity: 'err', title: `ETL #${r.number} ${r.job_name} failed`, why: r.error ? `${r.error.message}. ${problemWhy(r.error, '')}` : 'Its table keeps the data of the run before.', turn: r.error?.turn ?? 'you', action: 'Open the run', to: `/etl/runs/${r.id}` })
    else if (r.rows_rejected > 0) {
      const [reason, n] = Object.entries(r.reject_reasons ?? {}).sort((a, b) => b[1] - a[1])[0] ?? ['', 0]
      out.push({ key: 'j' + r.id, severity: 'warn', title: `${plural(r.rows_rejected, 'row')} rejected in ETL #${r.number}`, why: reason ? `${count(n)} of them: ${reason}` : r.job_name, turn: 'source', action: 'See the rows', to: `/etl/runs/${r.id}` })
    }
  }
  const last = f.experiments[0]
  if (last?.status === 'failed') out.push({ key: 'x' + last.id, severity: 'err', title: `Experiment #${last.number} failed`, why: last.error ? `${last.error.message}. ${problemWhy(last.error, '')}` : 'No metrics were written.', turn: last.error?.turn ?? 'you', action: 'See the fix', to: `${base}/experiments/${last.id}?tab=errors` })
  const model = currentModel(f.experiments)
  const m = model?.metrics
  if (model && m && (m.model['recall@10'] ?? 0) < (m.item_knn['recall@10'] ?? 0)) {
    out.push({ key: 'v' + model.id, severity: 'err', title: `The model of #${model.number} loses to item-kNN`, why: 'A list from item-kNN would be better than the one served', turn: 'you', action: 'See the metrics', to: `${base}/experiments/${model.id}` })
  }
  for (const c of f.connections) {
    if (c.test_status === 'failed' || c.test_status === 'error') out.push({ key: 'c' + c.id, severity: 'err', title: `${c.name} cannot be reached`, why: c.test_message || 'The last test failed', turn: 'you', action: 'Test again', to: `/connections/${c.id}` })
  }
  if (f.profile) {
    const dataset = f.datasets.find((d) => d.id === f.profile?.dataset)
    const blocking = f.profile.findings.find((x) => x.severity === 'blocking')
    if (blocking && dataset) out.push({ key: 'b' + dataset.id, severity: 'err', title: blocking.message, why: blocking.why, turn: 'you', action: 'Open the dataset', to: `${base}/datasets/${dataset.id}` })
    const stale = dataset ? staleTables(f.tables, dataset, f.profile.analyzed_at) : []
    if (dataset && stale.length) out.push({ key: 's' + dataset.id, severity: 'warn', title: `${dataset.name} is behind its raw tables`, why: `${stale.map((t) => t.ref.name).join(', ')} changed after the last analysis`, turn: 'you', action: 'Analyse again', to: `${base}/datasets/${dataset.id}?tab=profile` })
  }
  return out.sort((a, b) => (a.severity === b.severity ? 0 : a.severity === 'err' ? -1 : 1)).slice(0, 5)
}
