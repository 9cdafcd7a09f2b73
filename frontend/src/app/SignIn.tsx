import { Button } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useEffect } from 'react'

import { Copy } from '../ui/basics'
import './signin.css'

/** Shown in place of any page when no valid session came with the request; the address stays. */
export function SignIn() {
  useEffect(() => {
    document.title = 'Sign in · b2brecs'
  }, [])
  const command = 'b2brecs signin'
  return (
    <main className="signin">
      <div className="signin-box">
        <span className="logo signin-logo" aria-hidden>b2</span>
        <h1>Open your sign-in link</h1>
        <p>b2brecs prints a one-time link when it starts. Open it in this browser; afterwards this page is at the same address.</p>
        <h2>The link is gone or used?</h2>
        <p>On the machine that runs the server, this prints a new one for the same data folder:</p>
        <div className="signin-code mono"><span>{command}</span><Copy text={command} label="Copy the command" /></div>
        <Button variant="filled" leftSection={<IconRefresh size={16} />} onClick={() => location.reload()}>Try again</Button>
      </div>
    </main>
  )
}
