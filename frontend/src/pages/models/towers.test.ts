import { describe, expect, test } from 'vitest'

import type { Feature, Layer, ModelDefinition, Tower } from '../../api/types'
import { dropFeature, embeddingDim, embeddingParams, featureParts, layerRows, moveFeature, newFeature, presetOf, sum, sumWords, towerDim, transformWords } from './towers'

const dense = (units: number): Layer => ({ type: 'dense', units, activation: 'relu' })
const tower: Tower = {
  features: [
    { column: 'customer_id', type: 'STRING', data_type: 'text', primary_id: true, embedding: { dim: 64 }, cardinality: 100 },
    { column: 'revenue', type: 'FLOAT64', data_type: 'numeric', normalize: { kind: 'zscore' }, bucketize: { buckets: 100, dim: 32 } },
    { column: 'date', type: 'DATE', data_type: 'temporal', normalize: { kind: 'zscore' }, cyclical: { quarterly: true, monthly: true, weekly: true, yearly: false } },
  ],
  crosses: [],
}

describe('dims', () => {
  test('the example of the specification: 64 + 1+32 + 1+6 = 104', () => {
    expect(towerDim(tower)).toBe(104)
    expect(sumWords(tower)).toBe('64 + 1+32 + 1+6')
  })
  test('yearly counts, crosses count', () => {
    const t = { features: [{ ...tower.features[2], cyclical: { yearly: true, daily: true } }], crosses: [{ features: [{ column: 'a' }, { column: 'b' }], hash_buckets: 1000, dim: 16 }] }
    expect(towerDim(t)).toBe(1 + 4 + 16)
  })
  test('a feature without a transform gives nothing', () => {
    const f: Feature = { column: 'x', type: 'INT64', data_type: 'numeric' }
    expect(featureParts(f)).toEqual([])
    expect(transformWords(f)).toBe('no transform')
  })
})

describe('parameters, as Keras counts them for 100 inputs', () => {
  test.each([
    ['minimal', [dense(64)], 32, 8544],
    ['standard', [dense(128), dense(64)], 32, 23264],
    ['deep', [dense(256), dense(128), dense(64)], 32, 69088],
  ])('%s', (_, layers, out, want) => expect(sum(layerRows(layers, 100, out).map((r) => r.params))).toBe(want))
  test('dropout costs nothing, norms cost by width, the width changes at dense layers only', () => {
    expect(layerRows([{ type: 'dropout', rate: 0.2 }, { type: 'batch_norm' }, { type: 'layer_norm' }, dense(8)], 10, 4).map((r) => r.params)).toEqual([0, 40, 20, 88, 36])
  })
  test('embedding rows are vocabulary and out-of-vocabulary', () => expect(embeddingParams(tower)).toBe((100 + 1) * 64 + 101 * 32))
})

describe('defaults and edits', () => {
  test('a preset is known by what it sets, whatever the order', () => {
    const m = { type: 'retrieval', output_dim: 64, query: [{ type: 'dense', units: 8 }] } as unknown as ModelDefinition
    const presets = [{ name: 'a', title: '', description: '', definition: { ...m, output_dim: 32 } }, { name: 'b', title: '', description: '', definition: { query: [{ units: 8, type: 'dense' }], output_dim: 64, type: 'retrieval' } as unknown as ModelDefinition }]
    expect(presetOf(m, presets)).toBe('b')
    expect(presetOf({ ...m, output_dim: 8 }, presets)).toBeUndefined()
  })
  test.each([[49, 8], [50, 16], [4999, 32], [5000, 64], [50_000, 96], [500_000, 128]])('%s values: %s dims', (n, dim) => expect(embeddingDim(n)).toBe(dim))
  test('the type decides the transforms', () => {
    expect(newFeature('c', 'STRING', undefined).embedding).toMatchObject({ dim: 32, max_size: 100_000, oov_buckets: 10 })
    expect(newFeature('n', 'NUMERIC', { name: 'n', type: 'NUMERIC', nulls: 0, distinct: 5000 }).bucketize).toEqual({ buckets: 100, dim: 32 })
    expect(newFeature('n', 'INT64', { name: 'n', type: 'INT64', nulls: 0, distinct: 12 }).bucketize).toBeUndefined()
    expect(newFeature('t', 'TIMESTAMP', undefined).cyclical).toEqual({ quarterly: true, monthly: true, weekly: true })
  })
  test('a dropped feature takes its crosses along', () => {
    const t = { ...tower, crosses: [{ features: [{ column: 'revenue' }, { column: 'date' }], hash_buckets: 1000, dim: 8 }] }
    expect(dropFeature(t, 'revenue')).toEqual({ features: [tower.features[0], tower.features[2]], crosses: [] })
  })
  test('the primary id stays first', () => {
    expect(moveFeature(tower, 2, 1).features.map((f) => f.column)).toEqual(['customer_id', 'date', 'revenue'])
    expect(moveFeature(tower, 1, 0)).toBe(tower)
    expect(moveFeature(tower, 0, 1)).toBe(tower)
  })
})
