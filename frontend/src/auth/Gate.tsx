import { IconLoader2 } from '@tabler/icons-react'
import { lazy, Suspense, useEffect, useState, type ReactNode } from 'react'

import { api } from '../api/calls'
import { session, usePhase } from './session'
import '../app/signin.css'
import '../ui/status.css'

// Most people are signed in: what asks them to comes when it is needed.
const Out = lazy(() => import('./SignIn').then((m) => ({ default: m.Out })))
const Broken = lazy(() => import('./SignIn').then((m) => ({ default: m.Broken })))
const Again = lazy(() => import('./Again'))

/** Lets the page in when calls may go, and asks people to sign in where they must. */
export function Gate({ children }: { children: ReactNode }) {
  const phase = usePhase()
  switch (phase.at) {
    case 'starting':
    case 'leaving':
      return <Wait />
    case 'broken':
      return <Suspense fallback={<Wait />}><Broken error={phase.error} retry={() => void session.start(api.signInWay)} /></Suspense>
    case 'out':
      return <Suspense fallback={<Wait />}><Out why={phase.refusal} /></Suspense>
    default:
      return <>{children}{phase.at === 'ended' && <Suspense fallback={null}><Again /></Suspense>}</>
  }
}

/** Nothing for a moment, then that something goes on. */
function Wait() {
  const [long, setLong] = useState(false)
  useEffect(() => {
    const t = setTimeout(() => setLong(true), 400)
    return () => clearTimeout(t)
  }, [])
  return <main className="signin" aria-busy><p className="signin-wait t2" role="status">{long && <><IconLoader2 size={16} stroke={1.75} className="turning" aria-hidden />One moment</>}</p></main>
}
