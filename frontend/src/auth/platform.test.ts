import { expect, test, vi } from 'vitest'

import { local } from './oidc'

const seconds = () => Math.floor(Date.now() / 1000)
/** A token as Identity Platform's, of which the client reads the claims and nobody the signature. */
const token = (n: number) => ['{"alg":"RS256"}', JSON.stringify({ n, exp: seconds() + 3600, iat: seconds(), auth_time: seconds() }), 'x'].map((s) => btoa(s).replaceAll('=', '')).join('.')

/** Google's two services, as far as a sign-in goes (https://cloud.google.com/identity-platform/docs/use-rest-api). */
const asked: string[] = []
let refuses = ''
vi.stubGlobal('fetch', vi.fn((input: RequestInfo | URL, init?: RequestInit) => {
  const url = new URL(input instanceof Request ? input.url : input)
  const body = String(init?.body)
  asked.push(url.host + url.pathname)
  const fails = (message: string) => Promise.resolve(new Response(JSON.stringify({ error: { code: 400, message } }), { status: 400 }))
  const says = (v: object) => Promise.resolve(new Response(JSON.stringify(v)))
  if (url.searchParams.get('key') !== 'AIza-acme') return fails('API_KEY_INVALID')
  switch (url.host + url.pathname) {
    case 'identitytoolkit.googleapis.com/v1/accounts:signInWithPassword': {
      const b = JSON.parse(body) as { email: string; password: string; returnSecureToken: boolean }
      return b.returnSecureToken && b.password === 'right' ? says({ idToken: token(1), refreshToken: 'r1', expiresIn: '3600', localId: 'u1', email: b.email }) : fails('INVALID_LOGIN_CREDENTIALS')
    }
    case 'identitytoolkit.googleapis.com/v1/accounts:lookup':
      return says({ users: [{ localId: 'u1', email: 'vera@acme.example', emailVerified: true }] })
    case 'securetoken.googleapis.com/v1/token':
      if (refuses) return fails(refuses)
      return body.includes('refresh_token=r1') ? says({ id_token: token(2), access_token: token(2), refresh_token: 'r1', expires_in: '3600', user_id: 'u1' }) : fails('INVALID_REFRESH_TOKEN')
  }
  return fails('OPERATION_NOT_ALLOWED')
}))

test("Identity Platform, by Google's own client", async () => {
  const { open } = await import('./platform')
  const p = await open({ method: 'identity-platform', issuer: 'https://securetoken.google.com/acme', client_id: 'acme', api_key: 'AIza-acme' })
  expect(await p.start()).toEqual({ who: undefined })
  await expect(p.signIn('vera@acme.example', 'wrong')).rejects.toThrow('Address and password do not fit together.')
  const who = await p.signIn('vera@acme.example', 'right')
  expect(who).toMatchObject({ subject: 'u1', email: 'vera@acme.example' })
  expect(who.ends - Date.now()).toBeGreaterThan(3_500_000)
  expect((await p.renew())?.token).not.toBe(who.token)
  expect(Object.keys(sessionStorage).some((k) => k.startsWith('firebase:authUser'))).toBe(true)
  expect(Object.keys(localStorage)).toEqual([])
  refuses = 'TOKEN_EXPIRED'
  expect(await p.renew()).toBeUndefined()
  expect(new Set(asked.map((a) => a.split('/')[0]))).toEqual(new Set(['identitytoolkit.googleapis.com', 'securetoken.googleapis.com']))
})

test.each([['/people?x=1#a', '/people?x=1#a'], ['//evil.example', '/'], ['/\\evil.example', '/'], ['https://evil.example', '/'], ['/sign-in/window', '/'], [undefined, '/']])('after a sign-in one comes to the page alone: %s', (to, want) => expect(local(to)).toBe(want))
