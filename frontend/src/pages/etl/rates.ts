import type { Chunk } from '../../api/types'

/** A stretch of a chunk's reading, in milliseconds, and the rows and bytes it brought. */
export interface Piece { from: number; to: number; rows: number; bytes: number }

/** When how many rows of a chunk were heard of; another attempt begins anew. */
export type Heard = ReadonlyMap<string, { attempts: number; points: readonly (readonly [at: number, rows: number])[] }>

/** A chunk that is read tells its rows every 5 seconds at the latest; one that is silent for so long reads nothing. */
const SILENT = 15_000

/** Puts the rows that a list of chunks tells beside the time they were heard at; the same map when nothing is new. */
export function hear(heard: Heard, chunks: Chunk[], now: number): Heard {
  let out: Map<string, { attempts: number; points: readonly (readonly [number, number])[] }> | undefined
  for (const c of chunks) {
    if (c.state !== 'running' || !c.rows) continue
    const known = heard.get(c.id)
    const points = known?.attempts === c.attempts ? known.points : []
    if (points.length && points[points.length - 1][1] >= c.rows) continue
    out ??= new Map(heard)
    out.set(c.id, { attempts: c.attempts, points: [...points, [now, c.rows]] })
  }
  return out ?? heard
}

const ms = (t: string | undefined) => (t ? Date.parse(t) : NaN)
const read = (c: Chunk) => c.state === 'extracted' || c.state === 'loaded'

/**
 * The stretches of a run's chunks. Between two times that are known rows are spread
 * evenly; bytes are known when a chunk was read whole, and spread over all of it. What
 * a failed attempt read is read again and counts once.
 */
export function piecesOf(chunks: Chunk[], heard: Heard): Piece[] {
  return chunks.flatMap((c) => {
    const start = ms(c.started_at)
    const end = read(c) ? ms(c.ended_at) : NaN
    if (Number.isNaN(start) || !(read(c) ? end >= start : c.state === 'running')) return []
    const told = heard.get(c.id)
    const points = (told?.attempts === c.attempts ? told.points : []).filter(([at, rows]) => at > start && !(at >= end) && !(read(c) && rows > c.rows))
    const marks = [[start, 0] as const, ...points, ...(read(c) ? [[end, c.rows] as const] : [])]
    return marks.slice(1).map(([to, rows], i) => ({ from: marks[i][0], to, rows: rows - marks[i][1], bytes: read(c) ? c.bytes * (end > start ? (to - marks[i][0]) / (end - start) : 1) : 0 }))
  })
}

export interface Throughput {
  /** Milliseconds of a step, and when each one begins. */
  step: number
  at: number[]
  rows: number[]
  /** Shorter than rows while a chunk is read: its bytes are not known yet. */
  bytes: number[]
  /** Chunks that were read at one time, at most. */
  workers: number
}

/** A step is no finer than what is known: about two to a stretch. */
const stepsOf = (pieces: number) => Math.min(60, 2 * pieces)
/** Fewer stretches, or less time, are no curve: an average says all that is known. */
const ENOUGH = { pieces: 8, ms: 3_000 }

/** How many rows and bytes came in each step of a run's reading; undefined where too little is known for a curve. */
export function throughputOf(chunks: Chunk[], heard: Heard, now: number): Throughput | undefined {
  const pieces = piecesOf(chunks, heard)
  const running = chunks.filter((c) => c.state === 'running' && c.started_at)
  const last = Math.max(...pieces.map((p) => p.to))
  const known = Math.min(running.length ? now : last, ...running.map((c) => {
    const points = heard.get(c.id)
    return Math.max(points?.attempts === c.attempts ? points.points[points.points.length - 1][0] : ms(c.started_at), now - SILENT)
  }))
  const weighed = Math.min(known, ...running.map((c) => ms(c.started_at)))
  const first = Math.min(...pieces.map((p) => p.from))
  if (pieces.length < ENOUGH.pieces || !(known - first >= ENOUGH.ms)) return undefined
  const n = stepsOf(pieces.length)
  const step = (known - first) / n
  const steps = Array.from({ length: n }, (_, i) => i)
  const rows = steps.map(() => 0)
  const bytes = steps.map(() => 0)
  for (const p of pieces) {
    const from = Math.floor((p.from - first) / step)
    // A stretch without length falls into one step, at the very end into the last one.
    const instant = p.to <= p.from && p.from <= known ? Math.min(n - 1, from) : undefined
    for (let i = instant ?? from; i < n && first + i * step <= p.to; i++) {
      const share = i === instant ? 1 : Math.max(0, Math.min(p.to, first + (i + 1) * step) - Math.max(p.from, first + i * step)) / (p.to - p.from || 1)
      rows[i] += (p.rows * share * 1000) / step
      bytes[i] += (p.bytes * share * 1000) / step
    }
  }
  return { step, at: steps.map((i) => first + i * step), rows, bytes: bytes.slice(0, Math.floor((weighed - first) / step + 1e-9)), workers: together(chunks) }
}

/** How many chunks were read at one time, at most. */
function together(chunks: Chunk[]): number {
  const marks = chunks.flatMap((c): [number, number][] => (c.started_at && (read(c) || c.state === 'running') ? [[ms(c.started_at), 1], [read(c) ? ms(c.ended_at) : Infinity, -1]] : []))
  let n = 0
  return marks.sort((a, b) => a[0] - b[0] || a[1] - b[1]).reduce((most, [, d]) => Math.max(most, (n += d)), 0)
}

export function median(values: number[]): number | undefined {
  const v = values.toSorted((a, b) => a - b)
  return v.length ? (v[Math.floor((v.length - 1) / 2)] + v[Math.ceil((v.length - 1) / 2)]) / 2 : undefined
}
