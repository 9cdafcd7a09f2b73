import { Button, Modal } from '@mantine/core'
import { useState } from 'react'

import { session } from './session'
import { ByAddress, host } from './SignIn'

/** The session ended under the page, which stays with all that was typed. */
export default function Again() {
  return (
    <Modal opened onClose={() => undefined} withCloseButton={false} closeOnEscape={false} closeOnClickOutside={false} title="Your session has ended" size={420}>
      <div className="stack signin-again">
        <p className="t2">Sign in again to go on{session.email ? <> as <span className="em">{session.email}</span></> : null}. The page stays as it is, with what you have typed.</p>
        {session.way?.method === 'oidc' ? <Beside /> : <ByAddress />}
      </div>
    </Modal>
  )
}

function Beside() {
  const [state, setState] = useState<'' | 'waiting' | 'blocked'>('')
  const begin = () => {
    const coming = session.redirecting.beside()
    setState(coming ? 'waiting' : 'blocked')
    void coming?.then((who) => {
      setState('')
      session.came(who)
    })
  }
  return (
    <>
      {state === 'waiting' && <p className="t2" role="status">Waiting for the window at {host()}.</p>}
      {state === 'blocked' && <p className="field-error" role="alert">The browser allows no second window. Allow it, or sign in here, which leaves what you have typed.</p>}
      <div className="row">
        <Button variant="filled" onClick={begin} data-autofocus>Sign in again</Button>
        {state === 'blocked' && <Button onClick={() => void session.redirecting.leave()}>Sign in here</Button>}
        <Button onClick={() => void session.signOut()}>Sign out</Button>
      </div>
    </>
  )
}
