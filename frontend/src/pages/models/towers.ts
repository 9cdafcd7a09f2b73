import type { ColumnProfile, Cross, Cyclical, DataType, Feature, Layer, ModelDefinition, ModelPreset, Tower } from '../../api/types'

export type Side = 'query' | 'candidate'
export const CYCLES: (keyof Cyclical)[] = ['yearly', 'quarterly', 'monthly', 'weekly', 'daily']

/** How many numbers a feature gives the tower: its parts, e.g. [1, 32]. */
export function featureParts(f: Feature): number[] {
  const out: number[] = []
  if (f.data_type === 'text') return f.embedding ? [f.embedding.dim] : []
  if (f.normalize) out.push(1)
  if (f.bucketize) out.push(f.bucketize.dim)
  const cycles = f.data_type === 'temporal' ? CYCLES.filter((c) => f.cyclical?.[c]).length : 0
  if (cycles) out.push(2 * cycles)
  return out
}

export const sum = (list: number[]): number => list.reduce((a, b) => a + b, 0)

/** The width of a tower's input. */
export function towerDim(t: Tower): number {
  return sum(t.features.map((f) => sum(featureParts(f)))) + sum(t.crosses.map((c) => c.dim))
}

/** Feature by feature, what stands in the sum. */
export function sumWords(t: Tower): string {
  const parts = [...t.features.map((f) => featureParts(f).join('+') || '0'), ...t.crosses.map((c) => String(c.dim))]
  return parts.join(' + ')
}

export interface LayerRow { layer: Layer; params: number; width: number }

/** Layers with the parameters Keras counts for each, the linear output layer last. */
export function layerRows(layers: Layer[], input: number, output: number): LayerRow[] {
  let width = input
  const rows = layers.map((layer) => {
    let params = 0
    if (layer.type === 'dense') {
      params = width * (layer.units ?? 0) + (layer.units ?? 0)
      width = layer.units ?? 0
    } else if (layer.type === 'batch_norm') params = 4 * width
    else if (layer.type === 'layer_norm') params = 2 * width
    return { layer, params, width }
  })
  return [...rows, { layer: { type: 'output', units: output }, params: width * output + output, width: output }]
}

/** Embedding parameters of a tower; rows are what the profile counted, so the sum is an estimate. */
export function embeddingParams(t: Tower): number {
  let n = 0
  for (const f of t.features) {
    if (f.embedding) n += (Math.min(f.cardinality || 1000, f.embedding.max_size || Infinity) + (f.embedding.oov_buckets || 1)) * f.embedding.dim
    if (f.bucketize) n += ((f.bucketize.boundaries?.length ? f.bucketize.boundaries.length + 1 : f.bucketize.buckets ?? 0) + 1) * f.bucketize.dim
  }
  for (const c of t.crosses) n += c.hash_buckets * c.dim
  return n
}

/** The recommended width of an embedding for so many distinct values. */
export function embeddingDim(cardinality: number): number {
  if (cardinality < 50) return 8
  if (cardinality < 500) return 16
  if (cardinality < 5000) return 32
  if (cardinality < 50_000) return 64
  return cardinality < 500_000 ? 96 : 128
}

/** What a type of column usually is. */
export function dataTypeOf(type: string): DataType {
  if (/^(INT64|FLOAT64|NUMERIC|BIGNUMERIC)$/.test(type)) return 'numeric'
  if (/^(DATE|DATETIME|TIMESTAMP|TIME)$/.test(type)) return 'temporal'
  return 'text'
}

/** A column as a new feature, with the transforms its type usually has. */
export function newFeature(column: string, type: string, profile: ColumnProfile | undefined, as: DataType = dataTypeOf(type)): Feature {
  const cardinality = profile?.distinct
  const base = { column, type, data_type: as, ...(cardinality ? { cardinality } : {}) }
  if (as === 'text') return { ...base, embedding: { dim: embeddingDim(cardinality ?? 1000), max_size: cardinality ? Math.min(Math.ceil(1.5 * cardinality), 500_000) : 100_000, oov_buckets: 10, min_frequency: 1 } }
  if (as === 'temporal') return { ...base, normalize: { kind: 'zscore' }, cyclical: { quarterly: true, monthly: true, weekly: true } }
  return { ...base, normalize: { kind: 'minmax', range: [-1, 1] }, ...((cardinality ?? 0) > 100 ? { bucketize: { buckets: 100, dim: 32 } } : {}) }
}

const KINDS: Record<string, string> = { zscore: 'z-score', minmax: 'normalise', log_zscore: 'log z-score', log_minmax: 'log normalise' }

/** A feature's transforms as one line. */
export function transformWords(f: Feature): string {
  if (f.data_type === 'text') {
    if (!f.embedding) return 'no transform'
    const n = f.cardinality ? f.cardinality.toLocaleString('en-US') : 'all'
    return `vocabulary ${n} → embedding`
  }
  const parts: string[] = []
  if (f.normalize) parts.push(KINDS[f.normalize.kind] ?? f.normalize.kind)
  if (f.bucketize) parts.push(f.bucketize.boundaries?.length ? `${f.bucketize.boundaries.length + 1} own buckets` : `${f.bucketize.buckets} buckets`)
  const cycles = CYCLES.filter((c) => f.cyclical?.[c])
  if (cycles.length) parts.push(cycles.join(', ').replace(/ly\b/g, '').replace('dai', 'day') + (cycles.length === 1 ? ' cycle' : ' cycles'))
  return parts.join(' + ') || 'no transform'
}

export const crossName = (c: Cross): string => c.features.map((m) => m.column).join(' × ')

/** Removes a feature and the crosses that used it. */
export function dropFeature(t: Tower, column: string): Tower {
  return { features: t.features.filter((f) => f.column !== column), crosses: t.crosses.filter((c) => !c.features.some((m) => m.column === column)) }
}

/** Moves a feature up or down; the primary id stays first. */
export function moveFeature(t: Tower, from: number, to: number): Tower {
  if (to < 1 || to >= t.features.length || from < 1) return t
  const features = t.features.slice()
  const [f] = features.splice(from, 1)
  features.splice(to, 0, f)
  return { ...t, features }
}

/** A layer as words: "Dense 128", and what else is set. */
export function layerWords(l: Layer): [string, string] {
  switch (l.type) {
    case 'dense': return [`Dense ${l.units}`, [l.activation || 'linear', l.l1 ? `l1 ${l.l1}` : '', l.l2 ? `l2 ${l.l2}` : ''].filter(Boolean).join(', ')]
    case 'dropout': return [`Dropout ${l.rate}`, '']
    case 'batch_norm': return ['Batch norm', '']
    case 'layer_norm': return ['Layer norm', '']
    default: return [`Output ${l.units}`, 'linear']
  }
}

/** A model on one line. */
export function modelWords(m: ModelDefinition): string {
  const dense = (ls: Layer[]) => ls.filter((l) => l.type === 'dense').map((l) => l.units).concat(m.output_dim).join('-')
  const a = dense(m.query)
  const b = dense(m.candidate)
  return `${a === b ? a : `${a} and ${b}`}, ${m.optimizer} ${m.learning_rate}, batch ${m.batch_size.toLocaleString('en-US')}`
}

/** How wide a layer is drawn: between a third and the whole. */
export function drawnWidth(units: number, most: number): number {
  return Math.round(100 * (0.4 + 0.6 * Math.sqrt(Math.max(1, units) / Math.max(1, most))))
}

const canonical = (v: unknown): string => JSON.stringify(v, (_, x: unknown) => (x && typeof x === 'object' && !Array.isArray(x) ? Object.fromEntries(Object.entries(x).filter(([, y]) => y !== undefined).sort()) : x))

/** The preset whose definition this is, if it is one of them. */
export function presetOf(m: ModelDefinition, presets: ModelPreset[]): string | undefined {
  const own = canonical(m)
  return presets.find((p) => canonical(p.definition) === own)?.name
}
