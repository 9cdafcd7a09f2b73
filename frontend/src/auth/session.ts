import { useSyncExternalStore } from 'react'

import { fromWire } from '../api/problem'
import type { SignInWay } from '../api/types'
import type { ByPassword, Provider, Redirecting, Refusal, Who } from './provider'

export type Phase =
  | { at: 'starting' }
  /** Calls may go: with a cookie, which the server judges, or with a token. */
  | { at: 'in' }
  | { at: 'out'; refusal?: Refusal }
  /** Signed in before; the page stays as it is, and what it asked for waits. */
  | { at: 'ended' }
  | { at: 'leaving' }
  /** How one signs in cannot be found out. */
  | { at: 'broken'; error: unknown }

/** A token is renewed this long before its end, so that none ends on its way. */
const EARLY = 60_000
/** A clock that is wrong makes every token look old; it is asked for no more often than this. */
const PAUSE = 30_000

/** Opens the provider of a way to sign in; undefined where the session is a cookie. */
export type Open = (way: SignInWay) => Promise<Provider | undefined>

const open: Open = async (way) => {
  if (way.method === 'oidc') return (await import('./oidc')).open(way)
  if (way.method === 'identity-platform') return (await import('./platform')).open(way)
  return undefined
}

/**
 * The session of the page. Where people sign in by a link it is a cookie and nothing is
 * done here. Otherwise every call carries the issuer's token. A call that is refused
 * with 401 has had no effect: it is made again with a renewed token, once, and after
 * that waits until the person has signed in again.
 */
export class Session {
  phase: Phase = { at: 'starting' }
  way?: SignInWay
  private provider?: Provider
  private who?: Who
  /** The installation has taken a token of this sign-in. */
  private accepted = false
  private renewing?: Promise<boolean>
  private renewed = 0
  private waiting = new Set<() => void>()
  private listeners = new Set<() => void>()

  subscribe = (l: () => void): (() => void) => {
    this.listeners.add(l)
    return () => this.listeners.delete(l)
  }

  now = (): Phase => this.phase

  private to(phase: Phase): void {
    this.phase = phase
    for (const l of this.listeners) l()
  }

  async start(ask: () => Promise<SignInWay>, opened: Open = open): Promise<void> {
    this.to({ at: 'starting' })
    try {
      this.way = await ask()
      this.provider = await opened(this.way)
      if (!this.provider) return this.to({ at: 'in' })
      const s = await this.provider.start()
      if (s.leaving) return this.to({ at: 'leaving' })
      if (!s.who) return this.to({ at: 'out', refusal: s.refusal })
      this.came(s.who)
    } catch (error) {
      this.to({ at: 'broken', error })
    }
  }

  get redirecting(): Redirecting { return this.provider as Redirecting }
  get byPassword(): ByPassword { return this.provider as ByPassword }
  get email(): string | undefined { return this.who?.email }

  /** Somebody has signed in: what waits goes on, unless it was somebody else's. */
  came(who: Who): void {
    if (this.who && this.who.subject !== who.subject) return location.reload()
    this.who = who
    this.accepted = false
    this.to({ at: 'in' })
    for (const go of [...this.waiting]) go()
  }

  /** Ends the session. It resolves false where the cookie is for the server to end. */
  async signOut(): Promise<boolean> {
    if (!this.provider) return false
    this.to({ at: 'leaving' })
    try {
      await this.provider.signOut()
    } catch (e) {
      this.who = undefined
      this.to({ at: 'out', refusal: { message: 'You are signed out here; the issuer may still know you.', next: e instanceof Error ? e.message : String(e) } })
    }
    return true
  }

  /** The token to send; undefined where the cookie is the session. */
  async token(signal?: AbortSignal): Promise<string | undefined> {
    if (!this.provider) return undefined
    if (this.phase.at !== 'in') await this.back(signal)
    if (this.who && this.who.ends - Date.now() < EARLY && Date.now() - this.renewed > PAUSE) {
      // What cannot be renewed is sent as it is: the installation decides.
      await this.renew().catch(() => false)
    }
    return this.who?.token
  }

  /** Resolves when somebody has signed in again. */
  private back(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (then: () => void) => () => {
        this.waiting.delete(go)
        signal?.removeEventListener('abort', stop)
        then()
      }
      const go = done(resolve)
      const stop = done(() => reject(new DOMException('the call was given up', 'AbortError')))
      if (signal?.aborted) return stop()
      this.waiting.add(go)
      signal?.addEventListener('abort', stop)
    })
  }

  private renew(): Promise<boolean> {
    this.renewing ??= this.provider!.renew().then((who) => {
      if (who) this.who = who
      return !!who
    }).finally(() => {
      this.renewed = Date.now()
      this.renewing = undefined
    })
    return this.renewing
  }

  /** fetch for the API's own addresses. credentials 'omit' sends nothing of the session. */
  fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    if (!this.provider || request.credentials === 'omit') return fetch(request)
    let again = true
    for (;;) {
      const token = await this.token(request.signal)
      const sent = request.clone()
      sent.headers.set('authorization', `Bearer ${token}`)
      const res = await fetch(sent)
      if (res.status !== 401) {
        this.accepted = true
        return res
      }
      if (this.who?.token !== token || this.phase.at !== 'in') continue // another call was first
      if (again && await this.renew()) again = false
      else {
        await this.refused(res, token)
        again = true
      }
    }
  }

  /** A sign-in that was never taken is refused with the installation's words; another has ended. */
  private async refused(res: Response, token: string | undefined): Promise<void> {
    const { problem } = fromWire(res.status, await res.json().catch(() => undefined)) // a reply without a reason is a problem all the same
    if (this.who?.token !== token || this.phase.at !== 'in') return
    this.to(this.accepted ? { at: 'ended' } : { at: 'out', refusal: { message: problem.message, next: problem.next } })
  }
}

export const session = new Session()

/** Where the session stands. */
export function usePhase(): Phase {
  return useSyncExternalStore(session.subscribe, session.now)
}
