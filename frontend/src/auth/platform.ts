import { FirebaseError, initializeApp } from '@firebase/app'
import { browserSessionPersistence, initializeAuth, sendPasswordResetEmail, signInWithEmailAndPassword, signOut, type User } from '@firebase/auth'

import type { SignInWay } from '../api/types'
import { Refused, type ByPassword, type Who } from './provider'

/**
 * Google's Identity Platform, by its own client. Addresses and passwords alone: with
 * other providers it needs a sign-in page on a domain of its own and scripts of
 * Google's, and an issuer that has such a page is used directly instead (oidc.ts).
 * Tokens are kept in sessionStorage, for the reasons given there.
 */
export async function open(way: SignInWay): Promise<ByPassword> {
  const auth = initializeAuth(initializeApp({ apiKey: way.api_key, projectId: way.client_id }), { persistence: browserSessionPersistence })
  return {
    async start() {
      await auth.authStateReady()
      return { who: auth.currentUser ? await whoOf(auth.currentUser, false) : undefined }
    },
    async renew() {
      if (!auth.currentUser) return undefined
      try {
        return await whoOf(auth.currentUser, true)
      } catch (e) {
        if (e instanceof FirebaseError && e.code !== 'auth/network-request-failed') return undefined
        throw e
      }
    },
    async signOut() {
      await signOut(auth)
      location.assign('/')
    },
    signIn: (email, password) => told(async () => whoOf((await signInWithEmailAndPassword(auth, email, password)).user, false)),
    forgot: (email) => told(() => sendPasswordResetEmail(auth, email)),
  }
}

async function whoOf(user: User, fresh: boolean): Promise<Who> {
  const t = await user.getIdTokenResult(fresh)
  return { token: t.token, ends: Date.parse(t.expirationTime), subject: user.uid, email: user.email ?? undefined }
}

/** Google's codes in words (https://firebase.google.com/docs/auth/admin/errors, and the client's AuthErrorCodes). */
const WORDS: Record<string, [string, string?]> = {
  'auth/invalid-credential': ['Address and password do not fit together.', 'Try again, or set a new password.'],
  'auth/invalid-login-credentials': ['Address and password do not fit together.', 'Try again, or set a new password.'],
  'auth/user-not-found': ['Address and password do not fit together.', 'Try again, or set a new password.'],
  'auth/wrong-password': ['Address and password do not fit together.', 'Try again, or set a new password.'],
  'auth/invalid-email': ['This is not an e-mail address.'],
  'auth/user-disabled': ['This account is disabled.', 'Ask an owner of this installation.'],
  'auth/too-many-requests': ['Too many tries.', 'Wait some minutes, or set a new password.'],
  'auth/network-request-failed': ['Google does not answer.', 'See that you are connected, then try again.'],
}

async function told<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (e) {
    if (!(e instanceof FirebaseError)) throw e
    throw new Refused(...(WORDS[e.code] ?? [`Google refuses the sign-in: ${e.code}.`]))
  }
}
