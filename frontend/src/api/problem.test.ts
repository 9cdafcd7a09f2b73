import { describe, expect, test } from 'vitest'

import { url } from './client'
import { parseJson } from './json'
import { fieldErrors, fromWire, problemOf } from './problem'

describe('problem documents', () => {
  test('all four facts are read', () => {
    const e = fromWire(400, { title: 'Bad Request', detail: 'the job cannot be saved', code: 'invalid_argument', cause: 'two columns share a name', next: 'Rename one.', turn: 'you', errors: [{ location: 'body.columns[1].name', message: 'is taken' }], id: 'req_1' })
    expect(e.problem).toMatchObject({ message: 'the job cannot be saved', cause: 'two columns share a name', next: 'Rename one.', turn: 'you', code: 'invalid_argument' })
    expect(e.id).toBe('req_1')
    expect(fieldErrors(e.problem.fields)).toEqual({ 'columns[1].name': 'is taken' })
  })
  test('a page of a proxy still becomes a problem', () => expect(fromWire(502, undefined).problem.message).toBe('The server answered 502.'))
  test('a failed fetch names the remedy', () => expect(problemOf(new TypeError('fetch failed')).problem).toMatchObject({ code: 'unavailable', turn: 'you' }))
  test('the first finding of a field wins', () => expect(fieldErrors([{ location: 'name', message: 'a' }, { location: 'name', message: 'b' }])).toEqual({ name: 'a' }))
})

describe('wire', () => {
  test('empty values stay out of the query', () => expect(url('/v1/x', { a: 1, b: '', c: undefined, d: 'ä b', e: false })).toBe('/v1/x?a=1&d=%C3%A4+b&e=false'))
  test('null lists become empty, other nulls stay', () => expect(parseJson('{"items":null,"loss":null,"definition":{"query":null,"joins":null}}')).toEqual({ items: [], loss: null, definition: { query: [], joins: [] } }))
})
