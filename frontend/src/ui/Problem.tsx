import { Button, Collapse } from '@mantine/core'
import { IconBuilding, IconChevronDown, IconChevronRight, IconCircleX, IconRefresh, IconServer2, IconUser } from '@tabler/icons-react'
import { useState } from 'react'

import { problemOf } from '../api/problem'
import type { Problem, Turn } from '../api/types'
import { Copy, Id } from './basics'
import './problem.css'

const TURNS: Record<Turn, { word: string; icon: typeof IconUser }> = {
  you: { word: 'You', icon: IconUser },
  source: { word: 'Whoever runs the source', icon: IconBuilding },
  platform: { word: 'Nobody: b2brecs tries again by itself', icon: IconServer2 },
  support: { word: 'The people who maintain b2brecs', icon: IconBuilding },
}

/** Whose turn it is: an icon and a name. */
export function TurnOf({ turn, short }: { turn: Turn | undefined; short?: boolean }) {
  const t = TURNS[turn ?? 'you']
  const word = short ? { you: 'You', source: 'source owner', platform: 'b2brecs', support: 'support' }[turn ?? 'you'] : t.word
  return (
    <span className="turn">
      <t.icon size={14} stroke={1.75} aria-hidden />
      {short ? <span><span className="t3">turn: </span><span className="em">{word}</span></span> : <span>{word}</span>}
    </span>
  )
}

interface Props {
  problem: Problem
  /** Where it stopped, when the message does not say. */
  at?: string
  id?: string
  /** What the person can do here: the one filled button, and others. */
  actions?: React.ReactNode
  /** More for the folded technical detail, e.g. the end of a log. */
  detail?: string
}

/** What stopped and where; why; whose turn; the next step; the technical detail folded. */
export function ProblemBlock({ problem: p, at, id, actions, detail }: Props) {
  const [open, setOpen] = useState(false)
  const technical = JSON.stringify({ ...p, id }, null, 2) + (detail ? `\n\n${detail}` : '')
  return (
    <section className="problem" role="alert">
      <div className="problem-top">
        <IconCircleX size={20} stroke={1.75} className="err" aria-hidden />
        <div className="grow">
          <h3>{upper(p.message)}{at && `, at the stage ${at}`}</h3>
          {p.fields && p.fields.length > 0 && (
            <ul className="problem-fields">
              {p.fields.map((f, i) => <li key={i}><span className="mono small">{f.location}</span> {f.message}</li>)}
            </ul>
          )}
        </div>
      </div>
      <div className="problem-two">
        <div><div className="problem-label">Why</div><p>{p.cause ? sentence(p.cause) : 'The cause is not known.'}</p></div>
        <div><div className="problem-label">Whose turn</div><TurnOf turn={p.turn} /></div>
      </div>
      {(p.next || actions) && (
        <div className="problem-next">
          <div className="problem-label">Next step</div>
          {p.next && <p>{p.next}</p>}
          {actions && <div className="row wrap problem-actions">{actions}</div>}
        </div>
      )}
      <div className="problem-detail">
        <button type="button" className="problem-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
          <span className="em">Technical detail</span>
          <span className="t3 clip small">{p.code}{p.step ? ` in ${p.step}` : ''}</span>
        </button>
        {id && <Id value={id} />}
        <Copy text={technical} label="Copy the technical detail" />
      </div>
      <Collapse expanded={open}><pre className="problem-pre mono" tabIndex={0}>{technical}</pre></Collapse>
    </section>
  )
}

/** A failed read, with a button that reads again. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { problem, id } = problemOf(error)
  return (
    <ProblemBlock
      problem={problem} id={id}
      actions={retry && <Button variant="filled" leftSection={<IconRefresh size={16} />} onClick={retry}>Try again</Button>}
    />
  )
}

/** A failed action in one line, beside its button. */
export function ActionError({ error }: { error: unknown }) {
  if (!error) return null
  const { problem } = problemOf(error)
  return (
    <p className="field-error" role="alert">
      <IconCircleX size={14} stroke={1.75} aria-hidden />
      <span>{upper(problem.message)}{problem.cause ? `: ${problem.cause}` : ''}. {problem.next}</span>
    </p>
  )
}

const upper = (s: string) => s.charAt(0).toUpperCase() + s.slice(1)
const sentence = (s: string) => upper(s) + (/[.!?]$/.test(s) ? '' : '.')
