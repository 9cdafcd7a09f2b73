import { describe, expect, test } from 'vitest'

import type { Listed } from '../../api/types'
import { addressOf, columnsOf, NONE, shownOf, sorted, USUAL, type BoardColumn } from './columns'
import { boardCsv, cell } from './csv'

const metrics = (recall: number, more: object = {}) => ({ protocol: { split: 'temporal', candidates: 'all 10 products', seen_items: 'kept', customers: 1103, items: 10, seed: 42, ...more }, model: { 'recall@10': recall, 'coverage@10': 0.5 }, item_knn: { 'recall@10': 0.1 }, popularity: { 'recall@10': 0.05 }, verdict: '' })
const run = (number: number, more: object = {}) => ({
  id: 'e' + number, number, name: 'run', status: 'completed', created_at: `2026-11-0${number}T10:00:00.5Z`, started_at: `2026-11-0${number}T10:00:00Z`, ended_at: `2026-11-0${number}T10:01:05.25Z`, epoch: 3, stages: [],
  settings: { learning_rate: 0.1 + 0.2, batch_size: 0, epochs: 10, seed: -7, split: { strategy: 'random', seed: 1 } },
  snapshot: { dataset_name: 'Sales', dataset_version: { number: 2 }, feature_name: 'Towers', feature_version: 1, model_name: 'compact', model_version: 1, features: { query: { features: [], crosses: [] }, candidate: { features: [], crosses: [] } }, model: { query: [], candidate: [], output_dim: 64, batch_size: 1024, optimizer: 'adam' } },
  ...more,
}) as unknown as Listed

const pick = (all: Listed[], ...ids: string[]) => ids.map((id) => columnsOf(all).find((c) => c.id === id) as BoardColumn)
const lines = (rows: Listed[], ...ids: string[]) => boardCsv(rows, pick(rows, ...ids)).replace('\ufeff', '').trimEnd().split('\r\n')

describe('a cell', () => {
  test.each([
    ['=cmd|\' /C calc\'!A0', `"'=cmd|' /C calc'!A0"`], ['+1', `"'+1"`], ['-10 % lr', `"'-10 % lr"`], ['@SUM(1)', `"'@SUM(1)"`], ['\t=1', `"'\t=1"`], ['  =1', `"'  =1"`], ['＝1', `"'＝1"`],
    // A spreadsheet that separates by semicolons begins a cell in the middle, whatever the quotes.
    ['x;=1', `"x;'=1"`], ['x\n=1', `"x\n'=1"`], ['x";-1', `"x"";'-1"`],
    ['a, b', '"a, b"'], ['say "no"', '"say ""no"""'], ['lr 0.003 - wide', '"lr 0.003 - wide"'], ['', '""'],
  ])('%j', (v, want) => expect(cell(v)).toBe(want))
  test('a number stays what it is, negative and small ones too; what is unknown is empty', () => {
    expect([-0.5, 0.1 + 0.2, 1e-7, 0, NaN, undefined].map(cell)).toEqual(['-0.5', '0.30000000000000004', '1e-7', '0', '', ''])
  })
})

describe('the file', () => {
  test('exact values, with the protocol and the baselines of each metric', () => {
    const [head, first] = lines([run(1, { metrics: metrics(0.2680054513387847) })], 'lr', 'seed', 'recall@10', 'took', 'at')
    const stamp = 'temporal · 1,103 customers · all 10 products · repeat purchases kept · seed 42'
    expect(head).toBe(`"Run","Id","Name","Learning rate","Seed","Recall@10, model [${stamp}]","Recall@10, item-kNN [${stamp}]","Recall@10, popularity [${stamp}]","Duration, s","Started"`)
    expect(first).toBe('1,"e1","run",0.30000000000000004,-7,0.2680054513387847,0.1,0.05,65.25,"2026-11-01T10:00:00.5Z"')
  })
  test('runs measured otherwise do not stand in one column', () => {
    const [head, first, second, third] = lines([run(1, { metrics: metrics(0.2) }), run(2, { metrics: metrics(0.3, { seed: 1 }) }), run(3)], 'recall@10')
    expect(head.match(/model \[/g)).toHaveLength(2)
    expect([first, second, third]).toEqual(['1,"e1","run",0.2,0.1,0.05,,,', '2,"e2","run",,,,0.3,0.1,0.05', '3,"e3","run",,,,,,'])
  })
  test('a picture is left out, and a hostile name is a text', () => {
    expect(lines([run(1, { name: '=HYPERLINK("http://x")' })], 'curve')).toEqual(['"Run","Id","Name"', `1,"e1","'=HYPERLINK(""http://x"")"`])
  })
})

describe('columns', () => {
  const all = [run(1, { metrics: metrics(0.2) }), run(2), run(3, { metrics: metrics(0.3), created_by: 'vera' })]
  const columns = columnsOf(all)
  const ids = (l: BoardColumn[]) => l.map((c) => c.id)
  test('what was measured can be shown, and no id stands twice', () => {
    expect(ids(columns)).toEqual([...new Set(ids(columns))])
    expect(ids(columns)).toContain('coverage@10')
    expect(USUAL.every((u) => ids(columns).includes(u))).toBe(true)
  })
  test('the address names them; nonsense in it shows the usual ones', () => {
    expect(ids(shownOf(columns, { cols: 'seed,coverage@10,nothing' }))).toEqual(['seed', 'coverage@10'])
    expect(ids(shownOf(columns, { cols: 'nothing' })).sort()).toEqual([...USUAL].sort())
    expect(shownOf(columns, { cols: NONE })).toEqual([])
    expect([addressOf(ids(shownOf(columns, {}))), addressOf([]), addressOf(['seed'])]).toEqual([undefined, NONE, 'seed'])
  })
  test('they sort by what they hold, unknown ones last', () => {
    const order = (sort: string) => sorted(all, columns, sort).map((e) => e.number)
    expect(order('-recall@10')).toEqual([3, 1, 2])
    expect(order('recall@10')).toEqual([1, 3, 2])
    expect(order('at')).toEqual([1, 2, 3])
    expect(order('by')).toEqual([3, 2, 1])
    expect(order('-nothing')).toEqual([3, 2, 1])
  })
})
