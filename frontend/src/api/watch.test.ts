import { QueryClient } from '@tanstack/react-query'
import { describe, expect, test } from 'vitest'

import { applyChange, patchList } from './watch'

const list = { items: [{ id: 'a', n: 1 }, { id: 'b', n: 2 }], next: 'c' }

describe('patchList', () => {
  test('a changed document takes its place', () => {
    const out = patchList(list, { collection: 'runs', id: 'b', version: 2, data: { id: 'b', n: 3 } })
    expect(out.items).toEqual([{ id: 'a', n: 1 }, { id: 'b', n: 3 }])
    expect(out.next).toBe('c')
    expect(list.items[1]).toEqual({ id: 'b', n: 2 })
  })
  test('a deleted document goes', () => expect(patchList(list, { collection: 'runs', id: 'a', version: 2, data: null }).items).toEqual([{ id: 'b', n: 2 }]))
  test('a foreign document changes nothing', () => expect(patchList(list, { collection: 'runs', id: 'z', version: 1, data: { id: 'z' } })).toBe(list))
})

describe('applyChange', () => {
  const setup = () => {
    const client = new QueryClient()
    client.setQueryData(['runs', 'list', {}], list)
    client.setQueryData(['runs', 'list', { status: 'failed' }], { items: [], next: '' })
    client.setQueryData(['runs', 'item', 'a'], { id: 'a', n: 1 })
    client.setQueryData(['jobs', 'list', {}], list)
    return client
  }
  test('item and lists are patched, other collections are left alone', () => {
    const client = setup()
    const missing = applyChange(client, { collection: 'runs', id: 'a', version: 2, data: { id: 'a', n: 9 } })
    expect(client.getQueryData(['runs', 'item', 'a'])).toEqual({ id: 'a', n: 9 })
    expect(client.getQueryData<typeof list>(['runs', 'list', {}])?.items[0]).toEqual({ id: 'a', n: 9 })
    expect(client.getQueryData(['jobs', 'list', {}])).toBe(list)
    expect(missing).toBe(true)
  })
  test('a delete removes the item and asks for no new read', () => {
    const client = setup()
    expect(applyChange(client, { collection: 'runs', id: 'a', version: 3, data: null })).toBe(false)
    expect(client.getQueryData(['runs', 'item', 'a'])).toBeUndefined()
    expect(client.getQueryData<typeof list>(['runs', 'list', {}])?.items).toHaveLength(1)
  })
  test('an item that nobody reads is not put into the cache', () => {
    const client = setup()
    applyChange(client, { collection: 'runs', id: 'b', version: 2, data: { id: 'b', n: 4 } })
    expect(client.getQueryData(['runs', 'item', 'b'])).toBeUndefined()
  })
  test('a read that began before a change does not bring the old state back', async () => {
    const client = setup()
    const answers = [{ id: 'a', n: 1 }, { id: 'a', n: 9 }]
    const waiting: (() => void)[] = []
    const read = client.fetchQuery({ queryKey: ['runs', 'item', 'a'], queryFn: () => new Promise((done) => waiting.push(() => done(answers.shift()))), staleTime: 0 })
    expect(applyChange(client, { collection: 'runs', id: 'a', version: 2, data: { id: 'a', n: 9 } })).toBe(true)
    expect(client.getQueryData(['runs', 'item', 'a'])).toEqual({ id: 'a', n: 9 })
    await Promise.resolve()
    waiting.forEach((f) => f())
    await read
    expect(client.getQueryData(['runs', 'item', 'a'])).toEqual({ id: 'a', n: 9 })
    expect(waiting).toHaveLength(2)
  })
  test('a list that is being read is read again', async () => {
    const client = new QueryClient()
    client.setQueryData(['runs', 'list', {}], list)
    let finish = () => {}
    const read = client.fetchQuery({ queryKey: ['runs', 'list', {}], queryFn: () => new Promise((done) => { finish = () => done(list) }), staleTime: 0 })
    expect(applyChange(client, { collection: 'runs', id: 'a', version: 2, data: { id: 'a', n: 9 } })).toBe(true)
    finish()
    await read
  })
})
