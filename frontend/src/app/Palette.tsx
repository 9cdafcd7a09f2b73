import { Modal } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { IconDatabase, IconTableImport, IconFlask, IconPlayerPlay, IconPlug, IconSearch, IconUpload, type TablerIcon } from '@tabler/icons-react'
import { useEffect, useMemo, useRef, useState } from 'react'

import { q } from '../api/queries'
import type { NavItem } from './nav'

interface Entry { id: string; label: string; hint: string; icon: TablerIcon; to: string }

/** Words of the query must all occur; an early match in the label comes first. */
export function rank(entries: Entry[], query: string): Entry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (!words.length) return entries
  return entries
    .map((e) => ({ e, text: `${e.label} ${e.hint}`.toLowerCase() }))
    .filter(({ text }) => words.every((w) => text.includes(w)))
    .sort((a, b) => a.text.indexOf(words[0]) - b.text.indexOf(words[0]))
    .map(({ e }) => e)
}

/** Finds places, commands, runs, datasets and experiments by name or number. */
export default function Palette({ close, nav, project }: { close: () => void; nav: NavItem[]; project: string | undefined }) {
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const list = useRef<HTMLUListElement>(null)
  const runs = useQuery(q.runs({ limit: 20 }))
  const datasets = useQuery({ ...q.datasets(project ?? '', { limit: 50 }), enabled: !!project })
  const experiments = useQuery({ ...q.experiments(project ?? '', { limit: 20 }), enabled: !!project })
  const entries = useMemo<Entry[]>(() => {
    const p = `/projects/${project}`
    return [
      ...nav.map((n) => ({ id: n.key, label: n.label, hint: n.letter ? `go to, g ${n.letter}` : 'go to', icon: n.icon, to: n.to })),
      { id: 'upload', label: 'Upload a file', hint: 'command', icon: IconUpload, to: '/etl/upload' },
      { id: 'new-connection', label: 'New connection', hint: 'command', icon: IconPlug, to: '/connections/new' },
      ...(project ? [
        { id: 'new-dataset', label: 'New dataset', hint: 'command', icon: IconDatabase, to: `${p}/datasets/new` },
        { id: 'new-experiment', label: 'New experiment', hint: 'command', icon: IconPlayerPlay, to: `${p}/experiments/new` },
      ] : []),
      ...(experiments.data?.items ?? []).map((e) => ({ id: e.id, label: `#${e.number} ${e.name ?? ''}`, hint: `experiment, ${e.status}`, icon: IconFlask, to: `${p}/experiments/${e.id}` })),
      ...(datasets.data?.items ?? []).map((d) => ({ id: d.id, label: d.name, hint: `dataset, v${d.version}`, icon: IconDatabase, to: `${p}/datasets/${d.id}` })),
      ...(runs.data?.items ?? []).map((r) => ({ id: r.id, label: `#${r.number} ${r.job_name}`, hint: `ETL run, ${r.status}`, icon: IconTableImport, to: `/etl/runs/${r.id}` })),
    ]
  }, [nav, project, experiments.data, datasets.data, runs.data])
  const found = rank(entries, text).slice(0, 12)
  useEffect(() => setAt(0), [text])
  useEffect(() => list.current?.children[at]?.scrollIntoView({ block: 'nearest' }), [at])
  const open = (e: Entry | undefined) => {
    if (!e) return
    close()
    void navigate({ to: e.to })
  }
  return (
    <Modal opened onClose={close} withCloseButton={false} padding={0} size={560} yOffset="12vh" centered={false} title="Search and commands" styles={{ header: { position: 'absolute', width: 1, height: 1, minHeight: 0, padding: 0, overflow: 'hidden', clipPath: 'inset(50%)' } }}>
      <div className="palette-input">
        <IconSearch size={16} stroke={1.75} className="t3" aria-hidden />
        <input
          autoFocus value={text} onChange={(e) => setText(e.target.value)} placeholder="Go to, open or do" aria-label="Search and commands"
          role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={found[at] ? `palette-${at}` : undefined}
          onKeyDown={(e) => {
            if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
              e.preventDefault()
              setAt((at + (e.key === 'ArrowDown' ? 1 : found.length - 1)) % Math.max(1, found.length))
            } else if (e.key === 'Enter') open(found[at])
          }}
        />
      </div>
      <ul className="palette-list" id="palette-list" role="listbox" aria-label="Results" ref={list}>
        {found.map((e, i) => (
          <li key={e.id} id={`palette-${i}`} role="option" aria-selected={i === at} className={i === at ? 'active' : ''} onMouseMove={() => setAt(i)} onClick={() => open(e)}>
            <e.icon size={16} stroke={1.75} aria-hidden /><span className="clip">{e.label}</span><span className="t3 small end nowrap">{e.hint}</span>
          </li>
        ))}
      </ul>
      {!found.length && <p className="palette-none">Nothing is called “{text}”.</p>}
    </Modal>
  )
}
