import { describe, expect, test } from 'vitest'

import type { DatasetDefinition } from '../../api/types'
import { blocker, datesWords, freeName, removeTable, setJoin, setRole, toggleColumn } from './definition'

const raw = (name: string) => ({ dataset: 'raw_data', name })
const d: DatasetDefinition = {
  primary: raw('sales'),
  joins: [
    { table: raw('products'), left_table: raw('sales'), left_column: 'sku', right_column: 'sku', type: 'left' },
    { table: raw('brands'), left_table: raw('products'), left_column: 'brand', right_column: 'brand', type: 'left' },
  ],
  columns: [{ table: raw('sales'), column: 'customer', name: 'customer' }, { table: raw('sales'), column: 'sku', name: 'sku' }, { table: raw('sales'), column: 'day', name: 'day' }, { table: raw('products'), column: 'brand', name: 'brand' }],
  roles: { customer: 'customer', product: 'sku', time: 'day' }, dates: { column: 'day', rolling_days: 365 }, positive_only: false,
}

describe('names', () => {
  test('a repeated name gets its table in front, then a number', () => {
    expect(freeName(d, raw('products'), 'name')).toBe('name')
    expect(freeName(d, raw('products'), 'SKU')).toBe('products_SKU')
    const more = { ...d, columns: [...d.columns, { table: raw('x'), column: 'sku', name: 'products_sku' }] }
    expect(freeName(more, raw('products'), 'sku')).toBe('products_sku_2')
  })
  test('signs become underscores, a digit does not lead', () => expect(freeName(d, raw('products'), '2nd price €')).toBe('_2nd_price__'))
})

describe('edits', () => {
  test('a column that goes takes its role and the date filter along', () => {
    const out = toggleColumn(d, raw('sales'), 'day')
    expect(out.roles).toEqual({ customer: 'customer', product: 'sku' })
    expect(out.dates).toBeUndefined()
    expect(toggleColumn(out, raw('sales'), 'day').columns.at(-1)?.name).toBe('day')
  })
  test('a column has one role', () => expect(setRole(d, 'value', 'day').roles).toEqual({ customer: 'customer', product: 'sku', value: 'day' }))
  test('without a value role nothing can be positive only', () => expect(setRole({ ...d, roles: { ...d.roles, value: 'v' }, positive_only: true }, 'value', undefined)).toMatchObject({ positive_only: false }))
  test('a removed table takes what hangs on it along', () => {
    const out = removeTable(d, raw('products'))
    expect(out.joins).toEqual([])
    expect(out.columns.map((c) => c.name)).toEqual(['customer', 'sku', 'day'])
  })
  test('a join is changed in its place', () => expect(setJoin(d, { ...d.joins[0], type: 'inner' }).joins.map((j) => j.type)).toEqual(['inner', 'left']))
  test('what keeps it from being saved is said', () => {
    expect(blocker(d)).toBeUndefined()
    expect(blocker(setRole(d, 'product', undefined))).toBe('Choose the product column')
    expect(blocker(setJoin(d, { ...d.joins[0], right_column: '' }))).toBe('Choose the columns that join products')
  })
  test('dates read as a sentence', () => {
    expect(datesWords(d)).toBe('last 365 days by day')
    expect(datesWords({ ...d, dates: { column: 'day', start: '2025-01-01' } })).toBe('from 2025-01-01 by day')
    expect(datesWords({ ...d, dates: undefined })).toBe('all dates')
  })
})
