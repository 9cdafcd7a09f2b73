import { expect, test } from 'vitest'

import { light } from '../theme/tokens'
import { escape, nice } from './charts'
import { trend } from './trend'

test.each([
  [[0.119, 0.243], { min: 0.1, max: 0.25, step: 0.05 }],
  [[4.8, 6.3], { min: 4.5, max: 6.5, step: 0.5 }],
  [[0, 1], { min: 0, max: 1, step: 0.25 }],
  [[5, 5], { min: 4, max: 6, step: 2 }],
])('bounds around %j', (values, want) => {
  const got = nice(values)
  expect(got.min).toBeLessThanOrEqual(Math.min(...values))
  expect(got.max).toBeGreaterThanOrEqual(Math.max(...values))
  expect((got.max - got.min) / got.step).toBeLessThanOrEqual(6)
  if (values[0] !== values[1]) expect(got).toEqual(want)
})

test('names of documents are text in a tooltip', () => expect(escape('<img src=x onerror="a">&\'')).not.toMatch(/[<>"']/))

test('the best in time has the baselines as named lines, and a selected run has its name', () => {
  const option = trend(light, [{ at: 1, value: 0.2, name: '<b>#1' }, { at: 2, value: 0.1, name: '#2', color: light.s2, mark: '#2' }], [[1, 0.2], [2, 0.2]], [{ name: 'item-kNN', value: 0.15, kind: 'knn' }, { name: 'popularity', value: 0.05, kind: 'pop' }], { time: String, value: String })
  const [steps, runs] = option.series as unknown as [{ step: string; data: unknown; markLine: { data: { name: string; yAxis: number; label: { position: string } }[] } }, { data: { label: { show: boolean; formatter?: string } }[] }]
  expect([steps.step, steps.data]).toEqual(['end', [[1, 0.2], [2, 0.2]]])
  expect(steps.markLine.data.map((m) => [m.name, m.yAxis, m.label.position])).toEqual([['item-kNN', 0.15, 'end'], ['popularity', 0.05, 'end']])
  expect(runs.data.map((d) => (d.label.show ? d.label.formatter : ''))).toEqual(['', '#2'])
  const { formatter } = option.tooltip as { formatter: (raw: unknown) => string }
  expect(formatter({ data: runs.data[0] })).not.toContain('<b>#1')
  expect(formatter({ data: undefined })).toBe('')
})
