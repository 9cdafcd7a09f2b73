import { MantineProvider } from '@mantine/core'
import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { useState } from 'react'
import { describe, expect, test } from 'vitest'

import type { FormField, Run } from '../../api/types'
import { check, ConnectionFields, initial, inputs, type Values } from './ConnectionForm'
import { matches, tableName } from './parts'
import { verdict } from './Reconcile'
import { chosen, draftOf, nameError } from './SchemaEditor'

const fields: FormField[] = [
  { name: 'host', title: 'Host', type: 'text', required: true }, { name: 'port', title: 'Port', type: 'number', default: 5432, min: 1, max: 65535 },
  { name: 'password', title: 'Password', type: 'text', secret: true, required: true }, { name: 'tls', title: 'TLS', type: 'choice', choices: ['require', 'disable'], default: 'require' }, { name: 'ca', title: 'CA certificate', type: 'block' },
]

describe('the connection form', () => {
  test('defaults are filled in, what is missing is named', () => {
    const values = initial(fields)
    expect(values).toMatchObject({ port: 5432, tls: 'require' })
    expect(check(fields, values)).toEqual({ host: 'Host is needed', password: 'Password is needed' })
    expect(check(fields, { ...values, host: 'db' }, true)).toEqual({})
    expect(check(fields, { ...values, host: 'db', password: 'x', port: 70000 })).toEqual({ port: 'Between 1 and 65535' })
    expect(check(fields, { ...values, host: 'db', password: 'x', port: 1.5 })).toEqual({ port: 'A whole number' })
    expect(check(fields, { ...values, host: 'db', password: 'x', tls: 'maybe' })).toEqual({ tls: 'One of require, disable' })
  })
  test('numbers are sent as numbers, an empty secret is not sent', () => expect(inputs(fields, { host: 'db', port: '5433', password: '', tls: 'require', ca: '' })).toEqual({ params: { host: 'db', port: 5433, tls: 'require' } }))
  test('every field has its label and takes what is typed', async () => {
    let last: Values = {}
    function Form() {
      const [v, set] = useState<Values>(initial(fields))
      last = v
      return <MantineProvider><ConnectionFields fields={fields} values={v} errors={{ host: 'Host is needed' }} onChange={set} /></MantineProvider>
    }
    render(<Form />)
    await userEvent.type(screen.getByLabelText(/Host/), 'db.example.com')
    await userEvent.type(screen.getByLabelText(/Password/), 'p4ss')
    expect(screen.queryByLabelText('CA certificate')).toBeNull() // optional, so it is folded
    await userEvent.click(screen.getByRole('button', { name: 'Optional CA certificate' }))
    await userEvent.type(screen.getByLabelText('CA certificate'), 'PEM')
    expect(last).toMatchObject({ host: 'db.example.com', password: 'p4ss', ca: 'PEM' })
    expect(screen.getByText('Host is needed')).toBeTruthy()
    expect(screen.getByLabelText(/Password/).getAttribute('type')).toBe('password')
  })
})

describe('the schema editor', () => {
  const drafts = [{ source: 'A', source_type: 'text', name: 'a', type: 'STRING' }, { source: 'a ', source_type: 'text', name: 'A', type: 'INT64', samples: ['1'] }].map(draftOf)
  test('names are compared without case, left-out columns do not count', () => {
    expect(nameError(drafts, 0)).toBe('Another column has this name')
    expect(nameError(drafts.map((d, i) => ({ ...d, keep: i === 0 })), 0)).toBeUndefined()
    expect(nameError([{ ...drafts[0], name: '1a' }], 0)).toMatch(/Letters/)
  })
  test('only what is kept is sent, without samples', () => expect(chosen([drafts[1], { ...drafts[0], keep: false }])).toEqual([{ source: 'a ', source_type: 'text', name: 'A', type: 'INT64', confidence: undefined, note: undefined }]))
})

test.each([['Orders 2026.csv', 'orders_2026'], ['2026-sales.parquet', 't_2026_sales'], ['Продажи.csv', 'table_1'], ['Überblick.csv', 'uberblick'], ['a.b.csv', 'a_b']])('%s becomes %s', (file, table) => expect(tableName(file)).toBe(table))

test.each([['*.csv', 'a.csv', true], ['*.csv', 'a.csv.gz', false], ['a?.csv', 'ab.csv', true], ['sales\\*.csv', 'sales*.csv', true], ['sales\\*.csv', 'sales1.csv', false], ['[ab]*', 'b1', true], ['', 'x', true], ['(x+', '(x+', true]])('%s takes %s: %s', (pattern, name, want) => expect(matches(pattern, name)).toBe(want))

describe('the reconciliation', () => {
  const run = { status: 'completed', rows_read: 100, rows_staged: 95, rows_rejected: 5, commit: { id: 'r', read: 95, inserted: 90, updated: 5, deleted: 0, repeated: false } } as Run
  test.each<[string, Partial<Run>, string, string]>([
    ['adds up', {}, 'completed', 'Adds up, no row lost'],
    ['a lost row', { rows_staged: 94 }, 'failed', '1 row does not add up'],
    ['a short commit', { commit: { ...run.commit!, read: 90 } }, 'failed', 'The table took 90 of 95 rows'],
    ['still running', { status: 'running', rows_staged: 40 }, 'running', 'Counting'],
    ['more out than in', { status: 'running', rows_staged: 99 }, 'failed', 'More rows out than in'],
    ['nothing new', { rows_read: 0, rows_staged: 0, rows_rejected: 0, commit: undefined }, 'completed', 'Nothing new at the source'],
    ['cancelled', { status: 'cancelled', commit: undefined }, 'cancelled', 'Nothing was committed'],
  ])('%s', (_, patch, state, text) => expect(verdict({ ...run, ...patch })).toMatchObject({ state, text }))
})
