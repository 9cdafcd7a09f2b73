import { useEffect, useRef, useState } from 'react'

import { remaining, speak } from '../format/eta'
import { clock, duration } from '../format/time'
import { useNow } from './basics'
import './progress.css'

/** A 3-px bar; parts make it segmented, one per stage. */
export function Bar({ value, tone = 'run', label }: { value: number; tone?: 'run' | 'ok' | 'err' | 'idle'; label: string }) {
  const v = Math.max(0, Math.min(1, value))
  return (
    <div className="bar" role="progressbar" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(v * 100)} aria-label={label}>
      <span className={`bar-fill bar-${tone}`} style={{ width: `${v * 100}%` }} />
    </div>
  )
}

export interface Segment { name: string; value: number; tone: 'run' | 'ok' | 'err' | 'idle' }

export function Segments({ parts }: { parts: Segment[] }) {
  return (
    <div className="segments" role="img" aria-label={parts.map((p) => `${p.name} ${Math.round(p.value * 100)} percent`).join(', ')}>
      {parts.map((p) => (
        <div className="bar" key={p.name} title={p.name}><span className={`bar-fill bar-${p.tone}`} style={{ width: `${p.value * 100}%` }} /></div>
      ))}
    </div>
  )
}

/**
 * The time that is left, in words; it changes at most every 5 s, and is told to
 * screen readers at most every 10 s.
 */
export function useEta(part: number, elapsed: number | undefined, running: boolean): { left?: string; end?: string } {
  const [shown, setShown] = useState<number | undefined>()
  const last = useRef(0)
  const at = useNow()
  useEffect(() => {
    if (!running || elapsed === undefined) return setShown(undefined)
    if (Date.now() - last.current < 5000) return
    last.current = Date.now()
    setShown(remaining(part, 1, elapsed))
  }, [part, elapsed, running])
  if (shown === undefined) return {}
  return { left: speak(shown), end: clock(new Date(at.getTime() + shown * 1000)) }
}

/** A live figure for screen readers, at most every 10 s. */
export function Announce({ text }: { text: string }) {
  const [said, say] = useState(text)
  const last = useRef(0)
  useEffect(() => {
    const wait = Math.max(0, last.current + 10_000 - Date.now())
    const t = setTimeout(() => {
      last.current = Date.now()
      say(text)
    }, wait)
    return () => clearTimeout(t)
  }, [text])
  return <span className="visually-hidden" aria-live="polite">{said}</span>
}

export interface Lane { name: string; state: string; start?: number; end?: number; forecastEnd?: number; note?: string }

/** Phases on one time axis, in seconds from the start; a forecast is dashed. */
export function Lanes({ lanes, span, now }: { lanes: (Lane & { icon: React.ReactNode })[]; span: number; now?: number }) {
  const step = niceStep(span)
  const ticks = Array.from({ length: Math.floor(span / step) + 1 }, (_, i) => i * step)
  const at = (s: number) => `${(100 * Math.min(s, span)) / span}%`
  return (
    <div className="lanes">
      <div className="lanes-plot" aria-hidden>
        {ticks.map((t) => <span key={t} className="lanes-grid" style={{ left: at(t) }} />)}
        {now !== undefined && <span className="lanes-now" style={{ left: at(now) }} />}
      </div>
      {lanes.map((l) => (
        <div className="lane" key={l.name}>
          <span className="lane-name">{l.icon}</span>
          <span className="lane-track">
            {l.start !== undefined && l.end !== undefined && (
              <span className={`lane-bar lane-${l.state}`} style={{ left: at(l.start), width: `max(4px, ${(100 * (Math.min(l.end, span) - l.start)) / span}%)` }} />
            )}
            {l.forecastEnd !== undefined && (
              <span className="lane-forecast" style={{ left: at(l.end ?? now ?? 0), width: `${(100 * Math.max(0, Math.min(l.forecastEnd, span) - (l.end ?? now ?? 0))) / span}%` }} />
            )}
          </span>
          <span className="lane-time mono">{l.note ?? (l.start !== undefined && l.end !== undefined ? duration(l.end - l.start) : 'waits')}</span>
        </div>
      ))}
      <div className="lanes-axis mono" aria-hidden>
        {ticks.map((t) => <span key={t} style={{ left: at(t) }}>{t === 0 ? '0' : duration(t).replace(' 00s', '').replace('.0s', 's')}</span>)}
      </div>
    </div>
  )
}

function niceStep(span: number): number {
  for (const s of [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]) if (span / s <= 8) return s
  return Math.ceil(span / 8 / 3600) * 3600
}
