import { IconDatabase } from '@tabler/icons-react'
import { expect, test } from 'vitest'

import { dark, light, variables } from '../theme/tokens'
import { navOf } from './nav'
import { rank } from './Palette'
import { parseSearch, stringifySearch } from './search'

test('the address keeps texts as they are', () => {
  expect(parseSearch('?customer=004711&new=1')).toEqual({ customer: '004711', new: '1' })
  expect(stringifySearch({ customer: '004711', k: undefined, q: '' })).toBe('?customer=004711')
  expect(parseSearch(stringifySearch({ q: 'a&b=c ä' }))).toEqual({ q: 'a&b=c ä' })
})

test('the palette needs every word and prefers early matches', () => {
  const e = (label: string, hint: string) => ({ id: label, label, hint, icon: IconDatabase, to: '/' })
  const list = [e('New dataset', 'command'), e('Datasets', 'go to, g d'), e('#12 no log-Q', 'experiment, completed')]
  expect(rank(list, 'data').map((x) => x.label)).toEqual(['Datasets', 'New dataset'])
  expect(rank(list, '12 exp').map((x) => x.label)).toEqual(['#12 no log-Q'])
  expect(rank(list, 'nothing')).toEqual([])
  expect(rank(list, '')).toHaveLength(3)
})

test('every place of the navigation knows its own addresses', () => {
  const nav = navOf('p', true)
  expect(new Set(nav.map((n) => n.letter)).size).toBe(nav.length)
  const at = (path: string) => nav.filter((n) => n.match.test(path)).map((n) => n.key)
  expect(at('/projects/p')).toEqual(['overview'])
  expect(at('/projects/p/datasets/d1')).toEqual(['datasets'])
  expect(at('/etl/runs/r1')).toEqual(['etl'])
  expect(at('/projects/p/models/new')).toEqual(['models'])
  expect(navOf('p', false).map((n) => n.key)).not.toContain('people')
})

/** Contrast by WCAG 2.2. */
function contrast(a: string, b: string): number {
  const l = (hex: string) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((s, c, i) => s + c * [0.2126, 0.7152, 0.0722][i], 0)
  const [x, y] = [l(a), l(b)].sort((p, q) => q - p)
  return (x + 0.05) / (y + 0.05)
}

test.each([['light', light], ['dark', dark]] as const)('text and status colours of the %s scheme are readable', (_, t) => {
  for (const ground of [t.surface, t.bg, t.sunken, t.hover]) for (const ink of [t.text, t.text2, t.text3, t.accent, t.ok, t.warn, t.err]) expect(contrast(ink, ground), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5)
  expect(contrast(t.accFg, t.accent)).toBeGreaterThanOrEqual(4.5)
  expect(variables(t)['--acc-bg']).toBe(t.accBg)
})
