import type { Experiment, History, Listed, Settings, Stage } from '../../api/types'
import type { Segment } from '../../ui/Progress'

export const active = (e: Pick<Experiment, 'status'>): boolean => ['pending', 'preparing', 'running'].includes(e.status)

/** What an experiment is called: its name, else what it is made of. */
export const titleOf = (e: Listed): string => e.name || `${e.snapshot.feature_name}, ${e.snapshot.model_name}`

/** A stage's state in the words of the page. */
export function stageState(s: Stage): string {
  return { PENDING: 'waiting', '': 'waiting', RUNNING: 'running', SUCCEEDED: 'completed', FAILED: 'failed', CANCELLED: 'cancelled', SKIPPED: 'skipped' }[s.state] ?? 'waiting'
}

/** The stages as parts of one bar; the running one is filled by what is known of it. */
export function segments(e: Experiment): Segment[] {
  return e.stages.map((s) => {
    const state = stageState(s)
    const part = s.name === 'trainer' && e.settings.epochs ? e.epoch / e.settings.epochs : 0.5
    return { name: s.name, value: state === 'running' ? Math.max(0.06, part) : state === 'waiting' ? 0 : 1, tone: state === 'running' ? 'run' : state === 'failed' ? 'err' : state === 'completed' ? 'ok' : 'idle' }
  })
}

/** "Stage 5 of 7", counted by what runs or ran last. */
export function stageWords(e: Experiment): string {
  const at = e.stages.findLastIndex((s) => s.state && s.state !== 'PENDING')
  return `Stage ${Math.max(1, at + 1)} of ${e.stages.length}`
}

/** Time passes mostly in training, so the share that is done is the server's own figure. */
export function learningRate(e: Listed): number {
  return e.settings.learning_rate || e.snapshot.model.learning_rate
}
export function batchSize(e: Listed): number {
  return e.settings.batch_size || e.snapshot.model.batch_size
}

/** The epochs and values of a series; epochs count from 1, unknown values are left out. */
export function points(h: History | undefined, name: string): [number, number][] {
  const values = h?.series?.[name]
  if (!h || !values) return []
  const base = h.epochs[0] === 0 ? 1 : 0
  return values.map((v, i): [number, number] => [(h.epochs[i] ?? i) + base, v]).filter(([, v]) => typeof v === 'number' && Number.isFinite(v))
}

/** The recall that training watches: val_recall@10, else the first recall there is. */
export function recallSeries(h: History | undefined): string | undefined {
  const names = Object.keys(h?.series ?? {}).filter((n) => /^val_recall@\d+$/.test(n))
  return names.includes('val_recall@10') ? 'val_recall@10' : names[0]
}

export interface Difference { what: string; values: string[] }

/** What differs between experiments, one line per setting; what is equal is left out. */
export function differences(list: Experiment[]): Difference[] {
  const rows: Difference[] = [
    { what: 'Dataset', values: list.map((e) => `${e.snapshot.dataset_name} v${e.snapshot.dataset_version.number}`) },
    { what: 'Features', values: list.map((e) => `${e.snapshot.feature_name} v${e.snapshot.feature_version}`) },
    { what: 'Model', values: list.map((e) => `${e.snapshot.model_name} v${e.snapshot.model_version}`) },
    { what: 'Learning rate', values: list.map((e) => String(learningRate(e))) },
    { what: 'Batch', values: list.map((e) => batchSize(e).toLocaleString('en-US')) },
    { what: 'Epochs', values: list.map((e) => String(e.settings.epochs)) },
    { what: 'Optimizer', values: list.map((e) => e.snapshot.model.optimizer) },
    { what: 'Output width', values: list.map((e) => String(e.snapshot.model.output_dim)) },
    { what: 'log-Q', values: list.map((e) => (e.snapshot.model.log_q ? 'on' : 'off')) },
    { what: 'Split', values: list.map((e) => splitWords(e.settings)) },
    { what: 'Seen items', values: list.map((e) => (e.settings.exclude_seen ? 'removed' : 'kept')) },
    { what: 'Seed', values: list.map((e) => String(e.settings.seed)) },
  ]
  return rows.filter((r) => new Set(r.values).size > 1)
}

/** A split in words. */
export function splitWords(s: Settings): string {
  const x = s.split
  const sample = x.sample_percent && x.sample_percent < 100 ? `, ${x.sample_percent} % of customers` : ''
  if (x.strategy === 'random') return `random 80/10/10, seed ${x.seed}${sample}`
  return x.test_days ? `temporal, last ${x.test_days} days held out${sample}` : `temporal, last tenth held out${sample}`
}

/** A stage's name with a capital letter. */
export const label = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

/** One fact of a stage: its own, or what it waits for. */
export function factOf(s: Stage, e: Experiment): string {
  if (s.error) return s.error.message
  if (s.name === 'trainer' && s.state === 'RUNNING') return `epoch ${e.epoch} / ${e.settings.epochs}`
  if (s.fact) return s.fact
  if (s.state === 'PENDING' || !s.state) {
    const at = e.stages.findIndex((o) => o.name === s.name)
    return at > 0 ? `waits for ${label(e.stages[at - 1].name)}` : 'waits'
  }
  return { RUNNING: 'running', SUCCEEDED: 'done', FAILED: 'failed', CANCELLED: 'cancelled', SKIPPED: 'skipped' }[s.state] ?? ''
}

