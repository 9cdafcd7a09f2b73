import { Button, PasswordInput, TextInput } from '@mantine/core'
import { IconAlertTriangle, IconLogin2, IconLogout, IconRefresh } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useState, type ReactNode } from 'react'

import { Failed } from '../ui/Problem'
import { Refused, type Refusal as Why } from './provider'
import { session } from './session'
import '../app/signin.css'

/** The frame of everything that is shown instead of the page. */
function Screen({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · b2brecs`
  }, [title])
  return (
    <main className="signin">
      <div className="signin-box">
        <span className="logo signin-logo" aria-hidden>b2</span>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  )
}

/** Nobody is signed in. */
export function Out({ why }: { why: Why | undefined }) {
  return (
    <Screen title="Sign in">
      <Refusal of={why} />
      {session.way?.method === 'oidc' ? <ByIssuer refused={!!why} /> : <><p>Use the address that you were given access with. Who has no account asks an owner of this installation.</p><ByAddress /></>}
    </Screen>
  )
}

/** How people sign in cannot be found out: the installation does not answer, or its issuer is none. */
export function Broken({ error, retry }: { error: unknown; retry: () => void }) {
  return <Screen title="How one signs in here is not known"><div className="signin-wide"><Failed error={error} retry={retry} /></div></Screen>
}

/** Why somebody was not let in, and what to do. */
function Refusal({ of }: { of: Why | undefined }) {
  if (!of) return null
  return (
    <div className="signin-refusal" role="alert">
      <IconAlertTriangle size={16} stroke={1.75} aria-hidden />
      <div><p className="em">{sentence(of.message)}</p>{of.next && <p>{sentence(of.next)}</p>}</div>
    </div>
  )
}

/** The issuer by a name that people know from their address bar. */
export const host = (): string => new URL(session.way!.issuer!).host

const told = (e: unknown): Why => (e instanceof Refused ? e : { message: 'The sign-in cannot be begun.', next: e instanceof Error ? e.message : String(e) })

/** Sends people to the issuer; they come back to the address they are at. */
function ByIssuer({ refused }: { refused: boolean }) {
  const go = useMutation({ mutationFn: () => session.redirecting.leave() })
  const other = useMutation({ mutationFn: () => session.signOut() })
  return (
    <>
      <p>People of this installation sign in at <span className="em">{host()}</span>. Afterwards you are back at this address.</p>
      {go.error && <Refusal of={told(go.error)} />}
      <div className="signin-row">
        <Button variant="filled" leftSection={<IconLogin2 size={16} stroke={1.75} />} loading={go.isPending} onClick={() => go.mutate()} autoFocus>{refused ? 'Try again' : 'Sign in'}</Button>
        {refused && session.email && <Button leftSection={<IconLogout size={16} stroke={1.75} />} loading={other.isPending} onClick={() => other.mutate()}>Sign in as somebody else</Button>}
      </div>
    </>
  )
}

/** Address and password, for Google's Identity Platform. */
export function ByAddress() {
  const [email, setEmail] = useState(session.email ?? '')
  const [password, setPassword] = useState('')
  const enter = useMutation({ mutationFn: () => session.byPassword.signIn(email.trim(), password), onSuccess: (who) => session.came(who) })
  const forgot = useMutation({ mutationFn: () => session.byPassword.forgot(email.trim()) })
  const error = enter.error ?? forgot.error
  return (
    <form className="signin-form" onSubmit={(e) => { e.preventDefault(); forgot.reset(); if (!enter.isPending) enter.mutate() }}>
      <TextInput label="E-mail address" type="email" name="email" autoComplete="username" value={email} onChange={(e) => setEmail(e.currentTarget.value)} required autoFocus={!session.email} data-autofocus={!session.email || undefined} />
      <PasswordInput label="Password" name="password" autoComplete="current-password" data-autofocus={session.email ? true : undefined} value={password} onChange={(e) => setPassword(e.currentTarget.value)} required visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }} />
      {error && <Refusal of={told(error)} />}
      {forgot.isSuccess && <p role="status">If {email.trim()} has an account, a mail is on its way that lets you set a new password.</p>}
      <div className="signin-row">
        <Button type="submit" variant="filled" leftSection={<IconLogin2 size={16} stroke={1.75} />} loading={enter.isPending} disabled={!email.trim() || !password}>Sign in</Button>
        <Button loading={forgot.isPending} disabled={!email.trim()} onClick={() => { enter.reset(); forgot.mutate() }}>Set a new password</Button>
      </div>
    </form>
  )
}

/** Signed in at the issuer, and known to nobody here. */
export function NoAccess({ retry, busy }: { retry: () => void; busy: boolean }) {
  const out = useMutation({ mutationFn: () => session.signOut() })
  return (
    <Screen title="You have no access yet">
      <p>You are signed in{session.email ? <> as <span className="em">{session.email}</span></> : null}. Ask an owner of this installation to give this address access: they do it under People.</p>
      <div className="signin-row">
        <Button variant="filled" leftSection={<IconRefresh size={16} stroke={1.75} />} loading={busy} onClick={retry}>Try again</Button>
        <Button leftSection={<IconLogout size={16} stroke={1.75} />} loading={out.isPending} onClick={() => out.mutate()}>Sign in as somebody else</Button>
      </div>
    </Screen>
  )
}

const sentence = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1) + (/[.!?]$/.test(s) ? '' : '.')
