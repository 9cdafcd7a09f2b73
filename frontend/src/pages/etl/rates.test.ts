import { describe, expect, test } from 'vitest'

import type { Chunk } from '../../api/types'
import { hear, median, piecesOf, throughputOf, type Heard, type Throughput } from './rates'

const t0 = Date.parse('2026-11-23T10:00:00Z')
const at = (s: number) => new Date(t0 + s * 1000).toISOString()
const chunk = (number: number, state: string, from: number | undefined, to: number | undefined, rows: number, more: object = {}) => ({ id: `r-1-${number}`, number, state, attempts: 1, rows, bytes: state === 'running' ? 0 : rows * 10, ...(from === undefined ? {} : { started_at: at(from) }), ...(to === undefined ? {} : { ended_at: at(to) }), ...more }) as Chunk
const none: Heard = new Map()
const sum = (v: number[], step: number) => v.reduce((a, b) => a + b, 0) * step / 1000

describe('after the end', () => {
  // Two workers: 150 rows/s for ten seconds, 350 for ten, 60 for ten.
  const chunks = [chunk(0, 'loaded', 0, 5, 500), chunk(1, 'loaded', 0, 20, 1000), chunk(2, 'loaded', 5, 10, 500), chunk(3, 'loaded', 10, 15, 1500), chunk(4, 'loaded', 15, 20, 1500), ...[0, 1, 2, 3, 4].map((i) => chunk(5 + i, 'loaded', 20 + 2 * i, 22 + 2 * i, 120))]
  test('no row and no byte is lost or made up', () => {
    const t = throughputOf(chunks, none, 0)!
    expect(sum(t.rows, t.step)).toBeCloseTo(5600, 6)
    expect(sum(t.bytes, t.step)).toBeCloseTo(56_000, 6)
    expect(t.rows).toHaveLength(20)
    expect(t.workers).toBe(2)
  })
  test('a rate is what the chunks read at that time', () => {
    const t = throughputOf(chunks, none, 0)!
    const rate = (s: number) => t.rows[Math.floor((s * 1000) / t.step)]
    expect([rate(5), rate(15), rate(25)].map((v) => Math.round(v))).toEqual([150, 350, 60])
  })
  test('what failed or was cancelled brought nothing', () => {
    const t = throughputOf([...chunks, chunk(10, 'failed', 0, 10, 900), chunk(11, 'cancelled', 0, 30, 900), chunk(12, 'planned', undefined, undefined, 0)], none, 0)!
    expect(sum(t.rows, t.step)).toBeCloseTo(5600, 6)
  })
  test('a chunk that took no time still counts', () => {
    const t = throughputOf([...chunks, chunk(10, 'loaded', 7, 7, 50), chunk(11, 'loaded', 30, 30, 40)], none, 0)!
    expect(sum(t.rows, t.step)).toBeCloseTo(5690, 6)
  })
  test('too short or too few is no curve', () => {
    expect(throughputOf([0, 1, 2, 3, 4, 5, 6, 7].map((i) => chunk(i, 'loaded', i * 0.3, i * 0.3 + 0.3, 100)), none, 0)).toBeUndefined()
    expect(throughputOf([0, 1, 2, 3].map((i) => chunk(i, 'loaded', i * 60, i * 60 + 60, 100)), none, 0)).toBeUndefined()
    expect(throughputOf([], none, 0)).toBeUndefined()
    expect(throughputOf([chunk(0, 'planned', undefined, undefined, 0)], none, 0)).toBeUndefined()
  })
})

describe('while it reads', () => {
  const done = Array.from({ length: 8 }, (_, i) => chunk(i, 'extracted', i * 2.5, i * 2.5 + 2.5, 250))
  const end = (t: Throughput) => t.at[t.at.length - 1] + t.step - t0
  const running = (rows: number, attempts = 1, from = 20) => chunk(8, 'running', from, undefined, rows, { attempts })
  test('rows count where they were heard, bytes when a chunk is whole', () => {
    let heard = hear(none, [...done, running(0)], t0 + 21_000)
    expect(heard).toBe(none)
    heard = hear(heard, [...done, running(300)], t0 + 23_000)
    heard = hear(heard, [...done, running(900)], t0 + 26_000)
    expect(piecesOf([running(900)], heard).map((p) => [p.from - t0, p.to - t0, p.rows])).toEqual([[20_000, 23_000, 300], [23_000, 26_000, 600]])
    const t = throughputOf([...done, running(900)], heard, t0 + 28_000)!
    expect(end(t)).toBeCloseTo(26_000, 3)
    expect(sum(t.rows, t.step)).toBeCloseTo(2900, 6)
    expect(t.bytes.length).toBe(Math.floor((20 / 26) * 20))
    expect(Math.round(t.rows[t.rows.length - 1])).toBe(200)
  })
  test('hearing the same again changes nothing', () => {
    const heard = hear(none, [running(300)], t0 + 23_000)
    expect(hear(heard, [running(300)], t0 + 24_000)).toBe(heard)
  })
  test('a chunk that is silent reads nothing', () => {
    const heard = hear(none, [running(300)], t0 + 23_000)
    const t = throughputOf([...done, running(300)], heard, t0 + 60_000)!
    expect(end(t)).toBeCloseTo(45_000, 3)
    expect(t.rows[t.rows.length - 1]).toBe(0)
  })
  test('another attempt begins anew', () => {
    let heard = hear(none, [running(300)], t0 + 23_000)
    heard = hear(heard, [running(100, 2, 25)], t0 + 26_000)
    expect(piecesOf([running(100, 2, 25)], heard).map((p) => [p.from - t0, p.to - t0, p.rows])).toEqual([[25_000, 26_000, 100]])
  })
  test('the end of a chunk rules what was heard of it', () => {
    const heard = hear(hear(none, [running(300)], t0 + 23_000), [running(700)], t0 + 99_000)
    const pieces = piecesOf([chunk(8, 'loaded', 20, 30, 800)], heard)
    expect(pieces.map((p) => [p.to - t0, p.rows])).toEqual([[23_000, 300], [30_000, 500]])
    expect(pieces.reduce((n, p) => n + p.bytes, 0)).toBeCloseTo(8000, 6)
  })
})

test('median', () => expect([median([]), median([3]), median([1, 9, 2]), median([1, 2, 3, 9])]).toEqual([undefined, 3, 2, 2.5]))
