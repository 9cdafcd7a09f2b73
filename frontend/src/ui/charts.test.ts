import { expect, test } from 'vitest'

import { escape, nice } from './charts'

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
