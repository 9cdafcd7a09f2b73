import type { Listed } from '../../api/types'
import type { Search } from '../../app/search'
import { count } from '../../format/numbers'
import { active, batchSize, learningRate, titleOf } from './facts'

/** The metric the board is sorted and drawn by. */
export const METRIC = 'recall@10'
/** More different values than this are a range, not a list of boxes. */
const MOST = 10

/** Something an experiment was started with, or what came out of it. */
export interface Trait {
  id: string
  name: string
  of: (e: Listed) => string | number | undefined
  /** A value as people read it. */
  show: (v: string | number) => string
}

const layers = (e: Listed) => [...(e.snapshot.model.query ?? []), ...(e.snapshot.model.candidate ?? [])]
const largest = (values: (number | undefined)[]) => Math.max(0, ...values.map((v) => v ?? 0))
const parts = (t: { features: unknown[]; crosses: unknown[] }) => (t.features?.length ?? 0) + (t.crosses?.length ?? 0)

/** The hyper-parameters of a snapshot and its settings, in the order of the axes. */
export const HYPER: Trait[] = [
  { id: 'lr', name: 'learning rate', of: learningRate, show: String },
  { id: 'batch', name: 'batch', of: batchSize, show: (v) => count(Number(v)) },
  { id: 'epochs', name: 'epochs', of: (e) => e.settings.epochs || e.snapshot.model.epochs, show: String },
  { id: 'width', name: 'output', of: (e) => e.snapshot.model.output_dim, show: String },
  { id: 'hidden', name: 'hidden units', of: (e) => largest(layers(e).map((l) => l.units)), show: String },
  { id: 'dropout', name: 'dropout', of: (e) => largest(layers(e).map((l) => l.rate)), show: String },
  { id: 'l2', name: 'embedding L2', of: (e) => e.snapshot.model.embedding_l2 || 0, show: String },
  { id: 'inputs', name: 'features', of: (e) => parts(e.snapshot.features.query) + parts(e.snapshot.features.candidate), show: String },
  { id: 'temp', name: 'temperature', of: (e) => e.snapshot.model.temperature, show: String },
  { id: 'optimizer', name: 'optimizer', of: (e) => e.snapshot.model.optimizer, show: String },
  { id: 'logq', name: 'log-Q', of: (e) => (e.snapshot.model.log_q ? 'on' : 'off'), show: String },
]
export const recall: Trait = { id: 'recall', name: 'Recall@10', of: (e) => e.metrics?.model[METRIC], show: (v) => Number(v).toFixed(3) }

const STATES = ['running', 'completed', 'failed', 'cancelled']
/** What the configs of a run are called; a value is the id, so that two of one name stay apart. */
const configs = (all: Listed[]): Trait[] => {
  const named = (id: string, name: string, key: (e: Listed) => string, label: (e: Listed) => string): Trait => {
    const names = new Map(all.map((e) => [key(e), label(e)]))
    return { id, name, of: key, show: (v) => names.get(String(v)) ?? String(v) }
  }
  return [
    named('dataset', 'Dataset', (e) => `${e.snapshot.dataset}.${e.snapshot.dataset_version.number}`, (e) => `${e.snapshot.dataset_name} v${e.snapshot.dataset_version.number}`),
    named('features', 'Features', (e) => `${e.snapshot.feature_config}.${e.snapshot.feature_version}`, (e) => `${e.snapshot.feature_name} v${e.snapshot.feature_version}`),
    named('model', 'Model', (e) => `${e.snapshot.model_config}.${e.snapshot.model_version}`, (e) => `${e.snapshot.model_name} v${e.snapshot.model_version}`),
  ]
}

export const upper = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1)

export interface Facet { trait: Trait; kind: 'choice' | 'range'; values: (string | number)[] }

/** The different values of a trait: numbers by size, texts as they come. */
export function valuesOf(t: Trait, all: Listed[]): (string | number)[] {
  const seen = [...new Set(all.map(t.of))].filter((v) => v !== undefined && v !== '')
  return seen.every((v) => typeof v === 'number') ? (seen as number[]).sort((a, b) => a - b) : (seen as (string | number)[])
}

/** What a list of experiments can be filtered by; what all have in common is no filter. */
export function facetsOf(all: Listed[]): Facet[] {
  const status: Trait = { id: 'status', name: 'Status', of: (e) => (active(e) ? 'running' : e.status), show: String }
  const present = valuesOf(status, all)
  const by: Trait = { id: 'by', name: 'Started by', of: (e) => e.created_by, show: String }
  const facet = (trait: Trait): Facet => {
    const values = valuesOf(trait, all)
    return { trait, values, kind: values.length > MOST && values.every((v) => typeof v === 'number') ? 'range' : 'choice' }
  }
  const more = [...configs(all), ...HYPER, by].map(facet).filter((f) => f.values.length > 1)
  const measured = valuesOf(recall, all)
  return [
    { trait: status, kind: 'choice', values: STATES.filter((s) => present.includes(s)) },
    ...(measured.length > 2 ? [{ trait: recall, kind: 'range' as const, values: measured }] : []),
    ...more,
  ]
}

/** The chosen values of a facet as the address holds them. */
export const chosen = (search: Search, id: string): string[] => (search[id] ?? '').split('|').filter(Boolean).map(decodeURIComponent)
export const choice = (values: string[]): string | undefined => values.map(encodeURIComponent).join('|') || undefined
/** A range as the address holds it: "0.2..0.35". */
export function bounds(search: Search, id: string): [number, number] | undefined {
  const m = /^(-?[\d.e-]+)\.\.(-?[\d.e-]+)$/.exec(search[id] ?? '')
  const pair: [number, number] | undefined = m ? [Number(m[1]), Number(m[2])] : undefined
  return pair && pair.every(Number.isFinite) ? pair : undefined
}

type Test = (e: Listed) => boolean
const words = (e: Listed) => `#${e.number} ${titleOf(e)} ${e.snapshot.dataset_name} ${e.snapshot.feature_name} ${e.snapshot.model_name}`.toLowerCase()

function tests(facets: Facet[], search: Search): Map<string, Test> {
  const out = new Map<string, Test>()
  const typed = (search.q ?? '').trim().toLowerCase()
  if (typed) out.set('q', (e) => words(e).includes(typed))
  for (const f of facets) {
    const range = f.kind === 'range' ? bounds(search, f.trait.id) : undefined
    const picked = f.kind === 'choice' ? chosen(search, f.trait.id) : []
    if (range) out.set(f.trait.id, (e) => { const v = f.trait.of(e); return typeof v === 'number' && v >= range[0] && v <= range[1] })
    if (picked.length) out.set(f.trait.id, (e) => picked.includes(String(f.trait.of(e))))
  }
  return out
}

/** The experiments that pass every filter, and how many filters there are. */
export function filtered(all: Listed[], facets: Facet[], search: Search): { rows: Listed[]; filters: string[] } {
  const t = tests(facets, search)
  return { rows: all.filter((e) => [...t.values()].every((f) => f(e))), filters: [...t.keys()] }
}

/** How often each value of a facet is found among what the other filters leave. */
export function countsOf(all: Listed[], facets: Facet[], search: Search): Map<string, Map<string, number>> {
  const t = [...tests(facets, search)]
  const out = new Map(facets.map((f) => [f.trait.id, new Map<string, number>()]))
  for (const e of all) {
    const failed = t.filter(([, f]) => !f(e)).map(([id]) => id)
    if (failed.length > 1) continue
    for (const f of facets) {
      if (failed.length && failed[0] !== f.trait.id) continue
      const of = out.get(f.trait.id)!
      const v = String(f.trait.of(e))
      of.set(v, (of.get(v) ?? 0) + 1)
    }
  }
  return out
}

/** Whether two runs were measured on the same rows in the same way: only those can stand on one axis. */
export function sameProtocol(a: Listed, b: Listed): boolean {
  const [p, o] = [a.metrics?.protocol, b.metrics?.protocol]
  return !!p && !!o && p.split === o.split && p.seen_items === o.seen_items && p.items === o.items && p.customers === o.customers
}

/** The measured runs that the newest of rows can stand beside, newest first: no picture mixes protocols. */
export function likeNewest(all: Listed[], rows: Listed[]): Listed[] {
  const measured = (l: Listed[]) => l.filter((e) => e.status === 'completed' && e.metrics).sort((a, b) => b.number - a.number)
  const newest = measured(rows)[0] ?? measured(all)[0]
  return newest ? measured(all).filter((e) => sameProtocol(e, newest)) : []
}

/** How many measured rows a picture leaves out. */
export const measuredElsewhere = (rows: Listed[], like: Listed[]): number => rows.filter((e) => e.status === 'completed' && e.metrics && !like.some((l) => l.id === e.id)).length

/** A run in time, and the best of the runs up to it. */
export interface Step { e: Listed; at: number; value: number; best: Listed; top: number }

/** The runs by their end, each with the best so far; a run that equals the best does not replace it. */
export function trendOf(runs: Listed[]): Step[] {
  const out: Step[] = []
  const timed = runs.map((e) => ({ e, at: Date.parse(e.ended_at ?? e.created_at), value: e.metrics?.model[METRIC] }))
  for (const { e, at, value } of timed.sort((a, b) => a.at - b.at || a.e.number - b.e.number)) {
    if (value === undefined || !Number.isFinite(at)) continue
    const last = out[out.length - 1]
    const better = !last || value > last.top
    out.push({ e, at, value, best: better ? e : last.best, top: better ? value : last.top })
  }
  return out
}

export interface Axis { trait: Trait; /** Even steps for few values; a scale for many. */ steps?: (string | number)[]; min?: number; max?: number }

/** The axes of the parallel coordinates: learning rate and batch, and whatever else differs. */
export function axesOf(runs: Listed[]): Axis[] {
  const some = HYPER.map((trait) => ({ trait, values: valuesOf(trait, runs) })).filter((a, i) => a.values.length > 1 || (i < 2 && a.values.length === 1))
  return some.slice(0, 8).map(({ trait, values }) =>
    values.length <= MOST || values.some((v) => typeof v !== 'number') ? { trait, steps: values } : { trait, min: values[0] as number, max: values[values.length - 1] as number })
}

/** Where a run stands on an axis. */
export function placeOf(a: Axis, e: Listed): number {
  const v = a.trait.of(e)
  return a.steps ? a.steps.indexOf(v as string | number) : Number(v)
}

/** The address that keeps what a stroke over an axis covers. */
export function cut(a: Axis, from: number, to: number): string | undefined {
  if (!a.steps) return `${Number(from.toPrecision(6))}..${Number(to.toPrecision(6))}`
  return choice(a.steps.filter((_, i) => i >= from - 1e-9 && i <= to + 1e-9).map(String))
}

/** The best three in ten, at least one. */
export function best(runs: Listed[]): Set<string> {
  const sorted = runs.toSorted((a, b) => (b.metrics?.model[METRIC] ?? 0) - (a.metrics?.model[METRIC] ?? 0))
  return new Set(sorted.slice(0, Math.max(1, Math.round(sorted.length * 0.3))).map((e) => e.id))
}
