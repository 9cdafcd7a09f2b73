import { describe, expect, test } from 'vitest'

import { diff, fold, type DiffRow } from './diff'
import { highlight } from './python'

const kinds = (line: string) => highlight(line)[0].filter((t) => t.kind).map((t) => [t.kind, t.text])

describe('highlight', () => {
  test('keywords, calls, numbers, strings and comments', () => {
    expect(kinds("def f(x):  # sum")).toEqual([['kw', 'def'], ['fn', 'f'], ['com', '# sum']])
    expect(kinds("y = g('a\\'b', 1_000, 2.5e-3)")).toEqual([['fn', 'g'], ['str', "'a\\'b'"], ['num', '1_000'], ['num', '2.5e-3']])
  })
  test('a hash inside a string is no comment, a quote inside a comment no string', () => {
    expect(kinds("a = '#1'")).toEqual([['str', "'#1'"]])
    expect(kinds("# don't")).toEqual([['com', "# don't"]])
  })
  test('a docstring runs over lines', () => {
    const all = highlight('x = """one\ntwo\nthree""" + y')
    expect(all[0].at(-1)).toEqual({ text: '"""one'.slice(3), kind: 'str' })
    expect(all[1]).toEqual([{ text: 'two', kind: 'str' }])
    expect(all[2][0]).toEqual({ text: 'three"""', kind: 'str' })
  })
  test('nothing is lost', () => {
    const source = 'class A(b.C):\n    """Doc # no."""\n    x = {"k": [1, 2.0], \'é\': None}\n\n    def run_fn(self, a=\'\\n\'):\n        return a @ b  # done\n'
    expect(highlight(source).map((l) => l.map((t) => t.text).join('')).join('\n') + '\n').toBe(source)
  })
})

describe('diff', () => {
  const apply = (rows: DiffRow[], drop: string) => rows.filter((r) => r.sign !== drop).map((r) => r.text)
  test.each([
    [[], []], [['a'], []], [[], ['a']], [['a', 'b', 'c'], ['a', 'x', 'c']], [['a', 'b', 'c', 'd'], ['b', 'd', 'e']], [['x', 'x', 'y'], ['y', 'x', 'x']],
  ])('%j to %j gives both sides back', (a: string[], b: string[]) => {
    const rows = diff(a, b)
    expect(apply(rows, '+')).toEqual(a)
    expect(apply(rows, '-')).toEqual(b)
  })
  test('it is minimal, and lines are numbered', () => {
    const rows = diff(['a', 'b', 'c'], ['a', 'x', 'c'])
    expect(rows).toEqual([{ sign: '', text: 'a', before: 1, after: 1 }, { sign: '-', text: 'b', before: 2 }, { sign: '+', text: 'x', after: 2 }, { sign: '', text: 'c', before: 3, after: 3 }])
  })
  test('random edits are found again', () => {
    let seed = 7
    const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n
    for (let round = 0; round < 60; round++) {
      const a = Array.from({ length: random(30) }, () => 'abcd'[random(4)])
      const b = a.flatMap((x) => (random(4) === 0 ? [] : random(5) === 0 ? [x, 'z'] : [x]))
      const rows = diff(a, b)
      expect(apply(rows, '+')).toEqual(a)
      expect(apply(rows, '-')).toEqual(b)
    }
  })
  test('unchanged runs fold away', () => {
    const a = Array.from({ length: 40 }, (_, i) => `line ${i}`)
    const folded = fold(diff(a, [...a.slice(0, 20), 'new', ...a.slice(20)]), 2)
    expect(folded.filter((r) => 'folded' in r)).toEqual([{ folded: 18 }, { folded: 18 }])
    expect(folded).toHaveLength(7)
  })
})
