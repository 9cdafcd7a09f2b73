import { IconAlertTriangle, IconBan, IconCircleCheck, IconCircleDashed, IconCircleX, IconClock, IconProgress, type TablerIcon } from '@tabler/icons-react'

import './status.css'

export type Tone = 'ok' | 'run' | 'warn' | 'err' | 'idle'
interface Look { word: string; icon: TablerIcon; tone: Tone }

/** One look per state of any domain: an icon and a word, never colour alone. */
const LOOKS: Record<string, Look> = {
  pending: { word: 'Queued', icon: IconClock, tone: 'idle' },
  queued: { word: 'Queued', icon: IconClock, tone: 'idle' },
  preparing: { word: 'Preparing', icon: IconProgress, tone: 'run' },
  running: { word: 'Running', icon: IconProgress, tone: 'run' },
  loading: { word: 'Loading', icon: IconProgress, tone: 'run' },
  training: { word: 'Training', icon: IconProgress, tone: 'run' },
  completed: { word: 'Completed', icon: IconCircleCheck, tone: 'ok' },
  succeeded: { word: 'Completed', icon: IconCircleCheck, tone: 'ok' },
  success: { word: 'Reachable', icon: IconCircleCheck, tone: 'ok' },
  passed: { word: 'Passed', icon: IconCircleCheck, tone: 'ok' },
  partial: { word: 'Partial', icon: IconAlertTriangle, tone: 'warn' },
  warning: { word: 'Warning', icon: IconAlertTriangle, tone: 'warn' },
  failed: { word: 'Failed', icon: IconCircleX, tone: 'err' },
  error: { word: 'Failed', icon: IconCircleX, tone: 'err' },
  blocking: { word: 'Blocking', icon: IconCircleX, tone: 'err' },
  stopped: { word: 'Stopped', icon: IconCircleX, tone: 'err' },
  cancelled: { word: 'Cancelled', icon: IconBan, tone: 'idle' },
  skipped: { word: 'Skipped', icon: IconBan, tone: 'idle' },
  waiting: { word: 'Waiting', icon: IconCircleDashed, tone: 'idle' },
  not_reached: { word: 'Not reached', icon: IconCircleDashed, tone: 'idle' },
  untested: { word: 'Not tested', icon: IconCircleDashed, tone: 'idle' },
  info: { word: 'Info', icon: IconCircleCheck, tone: 'ok' },
}

export function lookOf(state: string | undefined): Look {
  return LOOKS[(state || 'waiting').toLowerCase()] ?? { word: state ?? '', icon: IconCircleDashed, tone: 'idle' }
}

interface Props {
  state: string | undefined
  /** Another word than the state's own. */
  children?: React.ReactNode
  /** The tinted chip of page headers. */
  chip?: boolean
}

export function Status({ state, children, chip }: Props) {
  const look = lookOf(state)
  return (
    <span className={`status status-${look.tone}${chip ? ' status-chip' : ''}`}>
      <StatusIcon state={state} />
      <span>{children ?? look.word}</span>
    </span>
  )
}

/** The icon alone, for places where the word stands beside it already. */
export function StatusIcon({ state, size = 14 }: { state: string | undefined; size?: number }) {
  const look = lookOf(state)
  const Icon = look.icon
  return <Icon size={size} stroke={1.75} aria-hidden className={`status-icon status-${look.tone}${look.tone === 'run' ? ' turning' : ''}`} />
}

/** A chip with a tone; the text says what the tone means. */
export function Chip({ tone, icon: Icon, children, title }: { tone?: Tone; icon?: TablerIcon; children: React.ReactNode; title?: string }) {
  return (
    <span className={`chip${tone ? ` status-${tone} status-chip` : ''}`} title={title}>
      {Icon && <Icon size={13} stroke={1.75} aria-hidden />}
      {children}
    </span>
  )
}
