import { SegmentedControl, Tabs } from '@mantine/core'
import { useMemo } from 'react'

import type { Code } from '../api/types'
import { plural } from '../format/numbers'
import { Copy, Download } from './basics'
import { diff, fold } from './diff'
import { highlight, type Token } from './python'
import { Status } from './Status'
import './code.css'

export type CodeTab = 'transform' | 'trainer'
const FILES: Record<CodeTab, string> = { transform: 'transform_module.py', trainer: 'trainer_module.py' }

interface Props {
  code: Code
  /** The code of an earlier version, and what it is called. */
  before?: { code: Code; name: string }
  tab: CodeTab
  onTab: (t: CodeTab) => void
  view: 'code' | 'diff'
  onView: (v: 'code' | 'diff') => void
  /** Shown beside the file name; default: valid. */
  state?: React.ReactNode
}

/** Generated modules as they are: highlighted, comparable, one click from copy and download. */
export function CodePane({ code, before, tab, onTab, view, onView, state }: Props) {
  const text = code[tab]
  const old = before?.code[tab]
  const rows = useMemo(() => (old === undefined ? undefined : diff(split(old), split(text))), [old, text])
  const added = rows?.filter((r) => r.sign === '+').length ?? 0
  const removed = rows?.filter((r) => r.sign === '-').length ?? 0
  return (
    <div className="code-pane">
      <div className="code-tabs">
        <Tabs value={tab} onChange={(v) => onTab(v as CodeTab)}>
          <Tabs.List><Tabs.Tab value="transform">Transform</Tabs.Tab><Tabs.Tab value="trainer">Trainer</Tabs.Tab></Tabs.List>
        </Tabs>
        {before && (
          <SegmentedControl value={view} onChange={(v) => onView(v as 'code' | 'diff')} data={[{ value: 'code', label: 'Code' }, { value: 'diff', label: `Diff to ${before.name}` }]} />
        )}
      </div>
      <div className="code-bar">
        <span className="mono clip">{FILES[tab]}</span>
        {rows && <span className="mono small nowrap"><span className="ok">+{added}</span> <span className="err">−{removed}</span></span>}
        <span className="end row nowrap">
          {state ?? <Status state="completed">Valid</Status>}
          <span className="t3 small">{plural(split(text).length, 'line')}</span>
          <Copy text={text} label={`Copy ${FILES[tab]}`} />
          <Download name={FILES[tab]} text={text} />
        </span>
      </div>
      <div className="code-scroll" tabIndex={0} role="region" aria-label={FILES[tab]}>
        {view === 'diff' && rows ? <DiffView rows={rows} before={old!} after={text} /> : <CodeView text={text} />}
      </div>
    </div>
  )
}

function CodeView({ text }: { text: string }) {
  const all = useMemo(() => highlight(text), [text])
  return (
    <pre className="code">
      {all.map((tokens, i) => <div key={i} className="code-line"><span className="code-no">{i + 1}</span><span className="code-sign" /><Tokens list={tokens} /></div>)}
    </pre>
  )
}

function DiffView({ rows, before, after }: { rows: ReturnType<typeof diff>; before: string; after: string }) {
  const colours = useMemo(() => ({ before: highlight(before), after: highlight(after) }), [before, after])
  const folded = useMemo(() => fold(rows), [rows])
  if (!rows.some((r) => r.sign)) return <p className="code-same">The two versions give the same module.</p>
  return (
    <pre className="code">
      {folded.map((r, i) =>
        'folded' in r ? (
          <div key={i} className="code-line code-fold"><span className="code-no">···</span><span className="code-sign" />{plural(r.folded, 'line')} unchanged</div>
        ) : (
          <div key={i} className={`code-line${r.sign === '+' ? ' code-add' : r.sign === '-' ? ' code-del' : ''}`}>
            <span className="code-no">{r.after ?? r.before}</span>
            <span className="code-sign">{r.sign === '-' ? '−' : r.sign}</span>
            <Tokens list={(r.after ? colours.after[r.after - 1] : colours.before[r.before! - 1]) ?? []} />
          </div>
        ),
      )}
    </pre>
  )
}

/** Any text with the same gutter, e.g. SQL or JSON. */
export function PlainCode({ text, name }: { text: string; name: string }) {
  return (
    <div className="code-pane">
      <div className="code-bar"><span className="mono clip">{name}</span><span className="end row"><span className="t3 small">{plural(split(text).length, 'line')}</span><Copy text={text} label={`Copy ${name}`} /><Download name={name} text={text} /></span></div>
      <div className="code-scroll" tabIndex={0} role="region" aria-label={name}>
        <pre className="code">{split(text).map((l, i) => <div key={i} className="code-line"><span className="code-no">{i + 1}</span><span className="code-sign" /><span>{l}</span></div>)}</pre>
      </div>
    </div>
  )
}

function Tokens({ list }: { list: Token[] }) {
  return <span>{list.map((t, i) => (t.kind ? <span key={i} className={`code-${t.kind}`}>{t.text}</span> : t.text))}</span>
}

const split = (s: string) => s.replace(/\n$/, '').split('\n')
