import { Select, UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconArrowBarToDown, IconChevronDown } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { createPortal } from 'react-dom'

import { api } from '../../api/calls'
import type { Experiment } from '../../api/types'
import { kept } from '../../app/project'
import { useAddress } from '../../app/search'
import { plural } from '../../format/numbers'
import { Copy, Download, Skeleton } from '../../ui/basics'
import { Failed } from '../../ui/Problem'
import { Chip } from '../../ui/Status'
import { active, label } from './facts'

const LINES = 1000

/** The drawer at the bottom with a stage's log; follows while the stage runs, its height is remembered. */
export function Logs({ e, project, stage, onStage }: { e: Experiment; project: string; stage: string; onStage: (s: string) => void }) {
  const [, set] = useAddress()
  const [height, setHeight] = useState(Math.max(120, Number(kept.get('b2-log-height')) || 240))
  const [follow, setFollow] = useState(true)
  const box = useRef<HTMLDivElement>(null)
  const running = active(e)
  const logs = useQuery({ queryKey: ['logs', project, e.id, stage], queryFn: () => api.logs(project, e.id, stage, LINES), refetchInterval: running ? 2000 : false, retry: false })
  const lines = logs.data?.lines ?? []
  const warnings = lines.filter((l) => levelOf(l) === 'warn').length
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [lines.length, follow])
  const drag = (down: React.PointerEvent) => {
    const from = down.clientY
    const start = height
    const move = (m: PointerEvent) => setHeight(Math.min(window.innerHeight - 160, Math.max(90, start + from - m.clientY)))
    const up = () => {
      window.removeEventListener('pointermove', move)
      window.removeEventListener('pointerup', up)
    }
    window.addEventListener('pointermove', move)
    window.addEventListener('pointerup', up)
  }
  useEffect(() => kept.set('b2-log-height', String(height)), [height])
  const host = document.querySelector('.shell-main')
  if (!host) return null
  const drawer = (
    <section className="logs" style={{ height }} aria-label={`Log of ${label(stage)}`}>
      <div className="logs-grip" onPointerDown={drag} role="separator" aria-orientation="horizontal" aria-label="Height of the log" aria-valuenow={height} tabIndex={0} onKeyDown={(k) => { if (k.key === 'ArrowUp') setHeight(height + 24); if (k.key === 'ArrowDown') setHeight(Math.max(90, height - 24)) }} />
      <header className="logs-head">
        <h2>Logs</h2>
        <Select aria-label="Stage" w={130} data={e.stages.map((s) => ({ value: s.name, label: label(s.name) }))} value={stage} onChange={(v) => v && onStage(v)} />
        {warnings > 0 && <Chip tone="warn">{plural(warnings, 'warning')}</Chip>}
        <span className="end row">
          {running && <button type="button" className={`link row tight small${follow ? '' : ' t3'}`} aria-pressed={follow} onClick={() => setFollow(!follow)}><IconArrowBarToDown size={14} aria-hidden />{follow ? 'Following' : 'Follow'}</button>}
          <span className="t3 small">{lines.length >= LINES ? `last ${plural(LINES, 'line')}` : plural(lines.length, 'line')}</span>
          <Copy text={() => lines.join('\n')} label="Copy the log" />
          <Download name={`experiment-${e.number}-${stage}.log`} text={() => lines.join('\n') + '\n'} />
          <UnstyledButton className="icon-btn" aria-label="Close the log" onClick={() => set({ logs: undefined })}><IconChevronDown size={16} /></UnstyledButton>
        </span>
      </header>
      <div className="logs-body mono" ref={box} tabIndex={0} role="log" aria-live="off" onWheel={(w) => w.deltaY < 0 && setFollow(false)}>
        {logs.error ? <div style={{ padding: 12 }}><Failed error={logs.error} retry={() => void logs.refetch()} /></div> : !logs.data ? <Skeleton rows={4} height={19} /> : lines.length ? lines.map((l, i) => <div key={i} className={`log-line ${levelOf(l)}`}>{l}</div>) : <p className="t3" style={{ padding: '8px 24px' }}>This stage has printed nothing{running ? ' yet' : ''}.</p>}
      </div>
    </section>
  )
  return createPortal(drawer, host)
}

function levelOf(line: string): 'warn' | 'err' | '' {
  if (/\b(ERROR|Error|Traceback|CRITICAL|FATAL)\b/.test(line)) return 'err'
  return /\b(WARN|WARNING|Warning)\b/.test(line) ? 'warn' : ''
}
