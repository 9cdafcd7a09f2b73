import { Popover, Tooltip, UnstyledButton } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconCheck, IconCopy, IconDownload, IconHelpCircle } from '@tabler/icons-react'
import { useEffect, useState, useSyncExternalStore } from 'react'

import { absolute, between, duration, parse, relative } from '../format/time'
import './basics.css'

/** A panel: header 40, content, optional sunken foot. */
export function Panel(p: {
  title?: React.ReactNode; note?: React.ReactNode; right?: React.ReactNode; foot?: React.ReactNode
  children?: React.ReactNode; className?: string; flush?: boolean; label?: string; err?: boolean
}) {
  return (
    <section className={`panel${p.err ? ' panel-err' : ''} ${p.className ?? ''}`} aria-label={p.label ?? (typeof p.title === 'string' ? p.title : undefined)}>
      {(p.title || p.right) && (
        <header className="panel-head">
          {p.title && <h2>{p.title}</h2>}
          {p.note && <span className="panel-note clip">{p.note}</span>}
          {p.right && <div className="panel-right">{p.right}</div>}
        </header>
      )}
      {p.children !== undefined && <div className={p.flush ? 'panel-flush' : 'panel-body'}>{p.children}</div>}
      {p.foot && <footer className="panel-foot">{p.foot}</footer>}
    </section>
  )
}

// One clock for every relative time and duration of the page.
let now = new Date()
const clockListeners = new Set<() => void>()
let clockTimer: ReturnType<typeof setInterval> | undefined
function subscribeClock(l: () => void): () => void {
  clockListeners.add(l)
  clockTimer ??= setInterval(() => {
    now = new Date()
    clockListeners.forEach((f) => f())
  }, 1000)
  return () => {
    clockListeners.delete(l)
    if (clockListeners.size === 0) {
      clearInterval(clockTimer)
      clockTimer = undefined
    }
  }
}
/** The current time, renewed every second. */
export function useNow(): Date {
  useEffect(() => {
    now = new Date()
  }, [])
  return useSyncExternalStore(subscribeClock, () => now)
}

/** A relative time; absolute with zone on hover. */
export function Ago({ t }: { t: string | undefined }) {
  const at = useNow()
  const d = parse(t)
  if (!d) return <span className="t3">—</span>
  return (
    <time dateTime={d.toISOString()} title={absolute(d)} className="nowrap">
      {relative(d, at)}
    </time>
  )
}

/** How long something took, or takes so far. */
export function Took({ start, end }: { start: string | undefined; end: string | undefined }) {
  const at = useNow()
  return <span className="mono nowrap">{duration(between(start, end, at))}</span>
}

/** A short id; a click copies the whole one. */
export function Id({ value, show }: { value: string; show?: string }) {
  const c = useClipboard({ timeout: 2000 })
  return (
    <Tooltip label={c.copied ? 'Copied' : value} opened={c.copied || undefined}>
      <button type="button" className="id mono" onClick={(e) => { e.stopPropagation(); e.preventDefault(); c.copy(value) }} title={`Copy ${value}`}>
        {show ?? value}
      </button>
    </Tooltip>
  )
}

/** A copy button. */
export function Copy({ text, label = 'Copy' }: { text: string | (() => string); label?: string }) {
  const c = useClipboard({ timeout: 2000 })
  return (
    <Tooltip label={c.copied ? 'Copied' : label}>
      <UnstyledButton className="icon-btn" onClick={() => c.copy(typeof text === 'string' ? text : text())} aria-label={label}>
        {c.copied ? <IconCheck size={16} stroke={1.75} className="ok" /> : <IconCopy size={16} stroke={1.75} />}
      </UnstyledButton>
    </Tooltip>
  )
}

/** Saves text as a file. */
export function saveText(name: string, text: string): void {
  const a = document.createElement('a')
  a.href = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }))
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 1000)
}

export function Download({ name, text, label }: { name: string; text: string | (() => string); label?: string }) {
  return (
    <Tooltip label={label ?? `Download ${name}`}>
      <UnstyledButton className="icon-btn" aria-label={label ?? `Download ${name}`} onClick={() => saveText(name, typeof text === 'string' ? text : text())}>
        <IconDownload size={16} stroke={1.75} />
      </UnstyledButton>
    </Tooltip>
  )
}

/** A question mark that explains a word on hover, focus and touch. */
export function Help({ children, label }: { children: React.ReactNode; label: string }) {
  const [open, setOpen] = useState(false)
  return (
    <Popover opened={open} onChange={setOpen} width={300} position="bottom" withRoles={false}>
      <Popover.Target>
        <UnstyledButton
          className="icon-btn help" aria-label={`What is ${label}?`} aria-expanded={open}
          onMouseEnter={() => setOpen(true)} onMouseLeave={() => setOpen(false)} onFocus={() => setOpen(true)} onBlur={() => setOpen(false)} onClick={() => setOpen(true)}
        >
          <IconHelpCircle size={15} stroke={1.75} />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className="help-text">{children}</Popover.Dropdown>
    </Popover>
  )
}

/** A word with a dotted line under it that explains itself. */
export function Term({ children, tip }: { children: React.ReactNode; tip: React.ReactNode }) {
  return (
    <Tooltip label={tip}>
      <span className="term" tabIndex={0}>{children}</span>
    </Tooltip>
  )
}

/** A value over its label: the figures of a strip. */
export function Figure({ value, unit, label, tone }: { value: React.ReactNode; unit?: React.ReactNode; label: React.ReactNode; tone?: 'ok' | 'warn' | 'err' | 'acc' }) {
  return (
    <div className="figure">
      <div className={`figure-value mono ${tone ?? ''}`}>{value}{unit && <span className="figure-unit"> {unit}</span>}</div>
      <div className="figure-label">{label}</div>
    </div>
  )
}

/** Grey blocks where rows will be, so that nothing jumps. */
export function Skeleton({ rows = 5, height = 33 }: { rows?: number; height?: number }) {
  return (
    <div role="status" aria-label="Loading" className="skeleton">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="skeleton-row" style={{ height }}>
          <span style={{ width: `${[38, 62, 51, 70, 44][i % 5]}%` }} />
        </div>
      ))}
    </div>
  )
}

/** A plain check box, for places that show a hundred of them. */
export function Tick({ color, style, ...p }: React.InputHTMLAttributes<HTMLInputElement> & { color?: string }) {
  return <input type="checkbox" className="tick" style={{ ...style, '--tick': color } as React.CSSProperties} {...p} />
}

/** A key of the keyboard. */
export function Key({ children }: { children: React.ReactNode }) {
  return <kbd className="key">{children}</kbd>
}
