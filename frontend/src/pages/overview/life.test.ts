import { describe, expect, test } from 'vitest'

import type { Dataset, Experiment, Metrics, Profile, Run, TableInfo } from '../../api/types'
import { attentionOf, currentModel, lifeOf, ratingOf, runProgress, type Facts } from './life'

const none: Facts = { project: 'p', connections: [], jobs: [], runs: [], tables: [], datasets: [], features: [], models: [], experiments: [] }
const raw = (name: string) => ({ dataset: 'raw_data', name })
const run = (more: Partial<Run>) => ({ id: 'r1', number: 1, job: 'j', job_name: 'sales', status: 'completed', phases: [], estimate_rows: -1, chunks: 0, chunks_extracted: 0, chunks_loaded: 0, rows_read: 0, rows_staged: 0, rows_rejected: 0, created_at: '2026-11-23T10:00:00Z', destination: raw('sales'), ...more }) as Run
const metrics = (model: number, knn: number, pop: number) => ({ protocol: {}, model: { 'recall@10': model }, item_knn: { 'recall@10': knn }, popularity: { 'recall@10': pop }, verdict: '' }) as unknown as Metrics
const experiment = (more: Partial<Experiment>) => ({ id: 'e1', number: 1, status: 'completed', stages: [], settings: { epochs: 10 }, snapshot: { dataset_version: { number: 1 }, feature_name: 'f' }, created_at: '2026-11-23T10:00:00Z', ...more }) as Experiment

test('an empty project has six waiting nodes and needs nothing', () => {
  expect(lifeOf(none).map((n) => n.state)).toEqual(Array(6).fill('waiting'))
  expect(attentionOf(none)).toEqual([])
})

describe('progress of a load', () => {
  test.each<[Partial<Run>, number | undefined]>([
    [{ status: 'running', estimate_rows: 100, rows_read: 61 }, 0.61], [{ status: 'running', estimate_rows: 100, rows_read: 130 }, 0.99],
    [{ status: 'running', chunks: 4, chunks_extracted: 2, chunks_loaded: 1 }, 0.375], [{ status: 'running' }, undefined], [{ status: 'completed' }, 1],
  ])('%j', (r, want) => expect(runProgress(run(r))).toBe(want))
})

describe('what needs attention', () => {
  test('only the newest run of a job counts, failures come first', () => {
    const list = attentionOf({ ...none, runs: [run({ id: 'a', number: 3, rows_rejected: 5, reject_reasons: { 'no customer': 4, other: 1 } }), run({ id: 'b', number: 2, status: 'failed' }), run({ id: 'c', number: 1, job: 'k', status: 'failed', error: { code: 'unavailable', message: 'the source is away', turn: 'source' } })] })
    expect(list.map((a) => a.key)).toEqual(['rc', 'ja'])
    expect(list[0]).toMatchObject({ severity: 'err', turn: 'source' })
    expect(list[1].why).toBe('4 of them: no customer')
  })
  test('a model below item-kNN is said', () => expect(attentionOf({ ...none, experiments: [experiment({ metrics: metrics(0.1, 0.2, 0.05), ended_at: '2026-11-23T11:00:00Z' })] })[0]).toMatchObject({ severity: 'err', title: 'The model of #1 loses to item-kNN' }))
  test('a table that changed after the analysis makes the dataset old', () => {
    const dataset = { id: 'd', name: 'D', version: 1, updated_at: '2026-11-23T09:00:00Z', definition: { primary: raw('sales'), joins: [], columns: [], roles: {}, positive_only: false } } as unknown as Dataset
    const profile = { dataset: 'd', analyzed_at: '2026-11-23T09:00:00Z', findings: [], rating: 'good', score: 70 } as unknown as Profile
    const table = (modified: string) => ({ ref: raw('sales'), columns: [], rows: 5, bytes: 1, modified }) as TableInfo
    expect(attentionOf({ ...none, datasets: [dataset], profile, tables: [table('2026-11-23T10:00:00Z')] })).toHaveLength(1)
    expect(attentionOf({ ...none, datasets: [dataset], profile, tables: [table('2026-11-23T08:00:00Z')] })).toHaveLength(0)
    expect(lifeOf({ ...none, datasets: [dataset], profile, tables: [table('2026-11-23T10:00:00Z')] })[2].edge).toBe('stale')
  })
  test('never more than five', () => expect(attentionOf({ ...none, runs: Array.from({ length: 9 }, (_, i) => run({ id: String(i), job: String(i), status: 'failed' })) })).toHaveLength(5))
})

test('a blocking finding caps the word of the score', () => {
  expect(ratingOf({ rating: 'excellent', score: 86, findings: [{ severity: 'blocking' }] } as unknown as Profile)).toEqual({ state: 'failed', word: 'Blocked' })
  expect(ratingOf({ rating: 'excellent', score: 86, findings: [] } as unknown as Profile).word).toBe('Excellent, 86 of 100')
})

test('the current model is the newest one that was measured', () => {
  const m = metrics(0.3, 0.2, 0.1)
  expect(currentModel([experiment({ id: 'x', status: 'running' }), experiment({ id: 'a', number: 2, metrics: m, ended_at: '2026-11-03T00:00:00Z' }), experiment({ id: 'b', number: 3, metrics: m, ended_at: '2026-11-02T00:00:00Z' }), experiment({ id: 'c', number: 4, status: 'failed' })])?.id).toBe('b')
})
