import { describe, expect, test } from 'vitest'

import type { Listed } from '../../api/types'
import { axesOf, best, bounds, choice, chosen, countsOf, cut, facetsOf, filtered, likeNewest, measuredElsewhere, placeOf, sameProtocol, trendOf } from './board'

const run = (number: number, lr: number, recall: number | undefined, more: object = {}) => ({
  id: 'e' + number, number, name: `run ${number}`, status: recall === undefined ? 'failed' : 'completed', created_by: 'owner', epoch: 8,
  settings: { learning_rate: lr, batch_size: 0, epochs: 10, split: {} },
  snapshot: {
    dataset: 'd', dataset_name: 'Sales', dataset_version: { number: 1 }, feature_config: 'f', feature_name: 'Towers', feature_version: 2, model_config: 'm', model_name: 'compact', model_version: 1,
    features: { query: { features: [{}], crosses: [] }, candidate: { features: [{}], crosses: [{}] } },
    model: { learning_rate: 0.004, batch_size: 1024, output_dim: 64, query: [{ type: 'dense', units: 128 }, { type: 'dropout', rate: 0.2 }], candidate: [], optimizer: 'adam', log_q: true, temperature: 1 },
  },
  metrics: recall === undefined ? undefined : { protocol: { split: 's', seen_items: 'kept', items: 10, customers: 5 }, model: { 'recall@10': recall }, item_knn: {}, popularity: {} }, ...more,
}) as unknown as Listed

const all = [run(1, 0.001, 0.2), run(2, 0.01, 0.3), run(3, 0, 0.25), run(4, 0.01, undefined), run(5, 0.01, 0.31, { created_by: 'an|alyst' })]

describe('facets', () => {
  const facets = facetsOf(all)
  test('what differs is a facet, what all have in common is none', () => {
    expect(facets.map((f) => f.trait.id)).toEqual(['status', 'recall', 'lr', 'by'])
    expect(facets[2].values).toEqual([0.001, 0.004, 0.01]) // 0 is the model's own rate
  })

  test('filters hold together, and the counts of a facet leave its own choice out', () => {
    const search = { lr: '0.01', status: 'completed' }
    expect(filtered(all, facets, search)).toMatchObject({ rows: [{ number: 2 }, { number: 5 }], filters: ['lr', 'status'].sort().reverse() })
    const counts = countsOf(all, facets, search)
    expect(Object.fromEntries(counts.get('lr')!)).toEqual({ '0.001': 1, '0.004': 1, '0.01': 2 })
    expect(Object.fromEntries(counts.get('status')!)).toEqual({ completed: 2, failed: 1 })
    expect(filtered(all, facets, { recall: '0.25..0.3' }).rows.map((e) => e.number)).toEqual([2, 3])
    expect(filtered(all, facets, { q: '#5' }).rows.map((e) => e.number)).toEqual([5])
  })

  test('the address keeps any value, and nonsense in it filters nothing', () => {
    const kept = choice(['an|alyst', 'a b'])
    expect(chosen({ by: kept }, 'by')).toEqual(['an|alyst', 'a b'])
    expect(filtered(all, facets, { by: choice(['an|alyst']) }).rows.map((e) => e.number)).toEqual([5])
    expect(bounds({ recall: 'a..b' }, 'recall')).toBeUndefined()
    expect(filtered(all, facets, { recall: '..' }).filters).toEqual([])
  })

  test('many different numbers are a range', () => {
    const many = Array.from({ length: 12 }, (_, i) => run(i, 0.001 * (i + 1), 0.2))
    expect(facetsOf(many).find((f) => f.trait.id === 'lr')?.kind).toBe('range')
    expect(axesOf(many)[0]).toMatchObject({ min: 0.001, max: 0.012 })
  })
})

describe('axes', () => {
  const measured = all.filter((e) => e.metrics)
  const axes = axesOf(measured)
  test('learning rate and batch are always there, others when they differ', () => {
    expect(axes.map((a) => a.trait.id)).toEqual(['lr', 'batch'])
    expect(axesOf([...measured, run(6, 0.01, 0.2, { settings: { learning_rate: 0.01, batch_size: 4096, epochs: 20 } })]).map((a) => a.trait.id)).toEqual(['lr', 'batch', 'epochs'])
  })
  test('a stroke becomes the choice it covers', () => {
    expect(placeOf(axes[0], all[2])).toBe(1)
    expect(cut(axes[0], 0.4, 2.2)).toBe('0.004|0.01')
    expect(cut({ trait: axes[0].trait, min: 0, max: 1 }, 0.1234567, 0.5)).toBe('0.123457..0.5')
    expect(cut(axes[0], 0.2, 0.6)).toBeUndefined()
  })
  test('three in ten are the best, at least one', () => {
    expect([...best(measured)]).toEqual(['e5'])
    expect(best([]).size).toBe(0)
  })
  test('runs on other rows do not stand on the same axis', () => {
    expect(sameProtocol(all[0], all[1])).toBe(true)
    expect(sameProtocol(all[0], run(9, 0.1, 0.2, { metrics: { protocol: { split: 'other' } } }))).toBe(false)
    expect(sameProtocol(all[0], all[3])).toBe(false)
  })
})

describe('the best in time', () => {
  const at = (n: number, recall: number, day: number) => run(n, 0.01, recall, { created_at: `2026-11-${String(day).padStart(2, '0')}T10:00:00Z`, ended_at: `2026-11-${String(day).padStart(2, '0')}T11:00:00Z` })
  test('runs stand by their end, and an equal one does not replace the best', () => {
    const steps = trendOf([at(1, 0.2, 3), at(2, 0.25, 1), at(3, 0.25, 5), at(4, 0.3, 7), run(5, 0.01, undefined)])
    expect(steps.map((s) => [s.e.number, s.value, s.best.number, s.top])).toEqual([[2, 0.25, 2, 0.25], [1, 0.2, 2, 0.25], [3, 0.25, 2, 0.25], [4, 0.3, 4, 0.3]])
    expect(steps[0].at).toBe(Date.parse('2026-11-01T11:00:00Z'))
    expect(trendOf([])).toEqual([])
  })
  test('only runs on the protocol of the newest that is shown', () => {
    const other = run(9, 0.1, 0.9, { metrics: { protocol: { split: 'other' }, model: { 'recall@10': 0.9 }, item_knn: {}, popularity: {} } })
    expect(likeNewest([...all, other], all).map((e) => e.number)).toEqual([5, 3, 2, 1])
    expect(likeNewest([...all, other], [other, ...all]).map((e) => e.number)).toEqual([9])
    expect(measuredElsewhere([other, ...all], likeNewest(all, all))).toBe(1)
  })
})
