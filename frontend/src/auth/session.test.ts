import { beforeEach, describe, expect, test, vi } from 'vitest'

import type { SignInWay } from '../api/types'
import type { Redirecting, Started, Who } from './provider'
import { Session } from './session'

const way: SignInWay = { method: 'oidc', issuer: 'https://id.example', client_id: 'page', scopes: ['openid'] }
const HOUR = 3_600_000
const vera = (n: number, life = HOUR): Who => ({ token: `t${n}`, ends: Date.now() + life, subject: 'vera', email: 'vera@acme.example' })

/** A provider that hands out tokens, an installation that takes some, and what was asked of both. */
async function open(started: Started, renewals: (Who | undefined | Error)[] = []) {
  const session = new Session()
  const taken = new Set<string>()
  const calls: string[] = []
  let renewed = 0
  const provider: Redirecting = {
    start: () => Promise.resolve(started),
    renew: () => {
      renewed++
      const next = renewals.shift()
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next)
    },
    signOut: vi.fn(() => Promise.resolve()), leave: () => Promise.resolve(), beside: () => undefined,
  }
  vi.stubGlobal('fetch', vi.fn(async (r: Request) => {
    const token = r.headers.get('authorization')?.slice('Bearer '.length) ?? ''
    calls.push(`${r.method} ${token} ${await r.text()}`.trim())
    return taken.has(token) ? new Response('{}') : new Response(JSON.stringify({ detail: 'the token is not valid: it has ended', next: 'Sign in again.' }), { status: 401 })
  }))
  await session.start(() => Promise.resolve(way), () => Promise.resolve(provider))
  return { session, taken, calls, provider, renewals: () => renewed }
}
const at = 'https://recs.example/v1/me'

beforeEach(() => vi.unstubAllGlobals())

describe('a session by token', () => {
  test('every call carries the token, but the one that asks how to sign in', async () => {
    const w = await open({ who: vera(1) })
    w.taken.add('t1').add('')
    await w.session.fetch(at)
    await w.session.fetch(at, { credentials: 'omit' })
    expect(w.calls).toEqual(['GET t1', 'GET'])
  })
  test('a token near its end is renewed before it is sent, once for all calls', async () => {
    const w = await open({ who: vera(1, 30_000) }, [vera(2)])
    w.taken.add('t1').add('t2')
    await Promise.all([w.session.fetch(at), w.session.fetch(at)])
    expect(w.calls).toEqual(['GET t2', 'GET t2'])
    expect(w.renewals()).toBe(1)
  })
  test('a clock that is wrong does not renew with every call', async () => {
    const w = await open({ who: vera(1, -HOUR) }, [vera(2, -HOUR), vera(3)])
    w.taken.add('t2')
    for (let i = 0; i < 3; i++) await w.session.fetch(at)
    expect(w.renewals()).toBe(1)
  })
  test('a refused call is made again with a renewed token, with its body', async () => {
    const w = await open({ who: vera(1) }, [vera(2)])
    w.taken.add('t2')
    const res = await w.session.fetch(at, { method: 'POST', body: 'x' })
    expect(res.status).toBe(200)
    expect(w.calls).toEqual(['POST t1 x', 'POST t2 x'])
  })
  test('what cannot be renewed waits for a sign-in, and goes on', async () => {
    const w = await open({ who: vera(1) }, [undefined])
    w.taken.add('t1')
    await w.session.fetch(at)
    w.taken.clear()
    const late = w.session.fetch(at, { method: 'POST', body: 'x' })
    await vi.waitFor(() => expect(w.session.phase.at).toBe('ended'))
    const more = w.session.fetch(at) // asked for while nobody is in: it is not even sent
    await Promise.resolve()
    expect(w.calls).toEqual(['GET t1', 'POST t1 x'])
    w.taken.add('t2')
    w.session.came(vera(2))
    expect((await late).status).toBe(200)
    expect((await more).status).toBe(200)
    expect(w.calls.slice(2).sort()).toEqual(['GET t2', 'POST t2 x'])
  })
  test('a sign-in that is not taken is refused with the reason, and tries nothing more', async () => {
    const w = await open({ who: vera(1) }, [undefined])
    void w.session.fetch(at)
    await vi.waitFor(() => expect(w.session.phase).toEqual({ at: 'out', refusal: { message: 'the token is not valid: it has ended', next: 'Sign in again.' } }))
    expect(w.calls).toEqual(['GET t1'])
    expect(w.session.email).toBe('vera@acme.example')
  })
  test('an issuer that renews for ever ends nothing and loops nowhere', async () => {
    const w = await open({ who: vera(1) }, [vera(2), vera(3), vera(4)])
    void w.session.fetch(at)
    await vi.waitFor(() => expect(w.session.phase.at).toBe('out'))
    expect(w.calls).toEqual(['GET t1', 'GET t2'])
  })
  test('an issuer that does not answer is an error of the call, and the session stays', async () => {
    const w = await open({ who: vera(1) }, [new TypeError('no network')])
    await expect(w.session.fetch(at)).rejects.toThrow('no network')
    expect(w.session.phase.at).toBe('in')
  })
  test('a call that is given up does not wait', async () => {
    const w = await open({})
    expect(w.session.phase.at).toBe('out')
    const stop = new AbortController()
    const call = w.session.fetch(at, { signal: stop.signal })
    stop.abort()
    await expect(call).rejects.toThrow('given up')
    expect(w.calls).toEqual([])
  })
  test('signing out is the provider\'s', async () => {
    const w = await open({ who: vera(1) })
    expect(await w.session.signOut()).toBe(true)
    expect(w.provider.signOut).toHaveBeenCalled()
    expect(w.session.phase.at).toBe('leaving')
    vi.mocked(w.provider.signOut).mockRejectedValueOnce(new TypeError('no network'))
    await w.session.signOut()
    expect(w.session.phase).toMatchObject({ at: 'out', refusal: { next: 'no network' } })
    expect(w.session.email).toBeUndefined()
  })
})

test('where a cookie is the session nothing is sent and nothing waits', async () => {
  const session = new Session()
  await session.start(() => Promise.resolve({ method: 'link' }))
  expect(session.phase.at).toBe('in')
  vi.stubGlobal('fetch', vi.fn((r: Request) => Promise.resolve(new Response(null, { status: r.headers.has('authorization') ? 500 : 401 }))))
  expect((await session.fetch(at)).status).toBe(401)
  expect(await session.signOut()).toBe(false)
})

test('an installation that does not say how one signs in is told', async () => {
  const session = new Session()
  await session.start(() => Promise.reject(new TypeError('no network')))
  expect(session.phase).toMatchObject({ at: 'broken' })
})
