import { ErrorResponse, User, UserManager, WebStorageStateStore } from 'oidc-client-ts'

import type { SignInWay } from '../api/types'
import { type Redirecting, type Started, type Who } from './provider'

/** Where the issuer sends people back to: registered there, character by character. */
export const CALLBACK = '/sign-in/callback'
/** A window that only signs in. */
export const WINDOW = '/sign-in/window'
const CHANNEL = 'b2-sign-in'
/** Set when the issuer could not be told of a sign-out: it would let the same person in without a question. */
const ASK = 'b2-sign-in-ask'

/** What comes back with the person: where they were, or which window waits for them. */
interface Back { to?: string; window?: string }

/**
 * The authorization code flow with PKCE (RFC 9700, section 2.1.1), as a public client.
 *
 * Tokens are kept in sessionStorage: a reload keeps the session, and it ends with the
 * tab. In memory alone every reload would go by the issuer. A script that could read
 * them there could as well call the API; the page's policy lets in none but its own.
 *
 * Renewal is by refresh token where the issuer grants one. A hidden frame is not tried:
 * browsers withhold the issuer's cookie from it.
 */
export async function open(way: SignInWay): Promise<Redirecting> {
  const store = new WebStorageStateStore({ store: sessionStorage, prefix: 'b2-oidc.' })
  const manager = new UserManager({
    authority: way.issuer!, client_id: way.client_id!, redirect_uri: location.origin + CALLBACK, post_logout_redirect_uri: location.origin + '/',
    userStore: store, stateStore: store, automaticSilentRenew: false, loadUserInfo: false,
  })
  const metadata = () => manager.metadataService.getMetadata()
  const scope = async () => [...(way.scopes ?? ['openid']), ...((await metadata()).scopes_supported?.includes('offline_access') ? ['offline_access'] : [])].join(' ')
  let waits: string | undefined // of the window that this one signs in for

  const go = async () => {
    const prompt = sessionStorage.getItem(ASK) ?? undefined
    sessionStorage.removeItem(ASK)
    const state: Back = waits ? { window: waits } : { to: location.pathname + location.search + location.hash }
    await manager.signinRedirect({ scope: await scope(), state, prompt, redirectMethod: waits ? 'replace' : 'assign' })
  }

  const callback = async (): Promise<Started> => {
    let user: User
    try {
      user = await manager.signinRedirectCallback()
    } catch (e) {
      const back = e instanceof ErrorResponse ? (e.state as Back | undefined) : undefined
      waits = back?.window
      history.replaceState(null, '', local(back?.to))
      return { refusal: refusalOf(e) }
    }
    const back = user.state as Back
    history.replaceState(null, '', local(back.to)) // before anybody reads the address
    if (!back.window) return started(user)
    const channel = new BroadcastChannel(CHANNEL)
    channel.postMessage({ window: back.window, user: user.toStorageString() })
    channel.close()
    await manager.removeUser() // two windows with one refresh token would end each other's session
    window.close()
    return { leaving: true }
  }

  return {
    async start() {
      if (location.pathname === CALLBACK) return callback()
      if (location.pathname === WINDOW) {
        waits = new URLSearchParams(location.search).get('for') ?? undefined
        await go()
        return { leaving: true }
      }
      const user = await manager.getUser()
      return user ? started(user) : {}
    },
    async renew() {
      const user = await manager.getUser()
      if (!user?.refresh_token) return undefined
      try {
        const next = await manager.signinSilent()
        // Some issuers renew without a new identity token; then it is the old one again.
        return next?.id_token && next.id_token !== user.id_token ? whoOf(next) : undefined
      } catch (e) {
        if (e instanceof ErrorResponse) return undefined
        throw e
      }
    },
    async signOut() {
      const user = await manager.getUser()
      const m = await metadata().catch(() => undefined) // an issuer that does not answer keeps nobody signed in here
      // The session at the issuer ends below; some keep a refresh token beyond it.
      if (user?.refresh_token && m?.revocation_endpoint) await manager.revokeTokens(['refresh_token']).catch(() => undefined)
      await manager.removeUser()
      if (user?.id_token && m?.end_session_endpoint) await manager.signoutRedirect({ id_token_hint: user.id_token })
      else {
        sessionStorage.setItem(ASK, 'login')
        location.assign('/')
      }
    },
    leave: go,
    beside() {
      const id = crypto.randomUUID()
      if (!window.open(`${WINDOW}?for=${id}`, id, 'popup,width=480,height=680')) return undefined
      return new Promise((resolve) => {
        const channel = new BroadcastChannel(CHANNEL)
        channel.onmessage = (e: MessageEvent<{ window: string; user: string }>) => {
          if (e.data.window !== id) return
          channel.close()
          const user = User.fromStorageString(e.data.user)
          void manager.storeUser(user).then(() => resolve(whoOf(user)))
        }
      })
    },
  }
}

function started(user: User): Started {
  return user.id_token ? { who: whoOf(user) } : { refusal: { message: 'The issuer gave no identity token.', next: 'Have its client give one: the scope openid is asked for.' } }
}

/** The identity token is what the installation verifies: an access token may be opaque, or another service's. */
function whoOf(user: User): Who {
  return { token: user.id_token!, ends: user.profile.exp * 1000, subject: user.profile.sub, email: user.profile.email }
}

function refusalOf(e: unknown) {
  if (e instanceof ErrorResponse) {
    if (e.error === 'access_denied') return { message: 'The sign-in was refused.', next: e.error_description ?? undefined }
    return { message: `The issuer refuses the sign-in: ${e.error}.`, next: e.error_description ?? undefined }
  }
  if (e instanceof TypeError) return { message: 'The issuer does not answer.', next: e.message }
  return { message: 'This sign-in was begun in another tab, or has been used.', next: 'Sign in again.' }
}

/** An address of this page. */
export function local(to: string | undefined): string {
  return to && /^\/(?![/\\])/.test(to) && !to.startsWith('/sign-in/') ? to : '/'
}

