import { Checkbox, NumberInput, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconPlus, IconX } from '@tabler/icons-react'
import { lazy, Suspense, useCallback, useMemo, useState } from 'react'

import { api } from '../../api/calls'
import { problemOf } from '../../api/problem'
import type { DatasetDefinition, DatasetRole, Finding, Join, Ref, Suggestion, TableInfo } from '../../api/types'
import { count, reads } from '../../format/numbers'
import { Figure, Skeleton, Term } from '../../ui/basics'
import { datesWords, outputTypes, refId, removeTable, ROLE_HELP, ROLES, sameRef, setJoin, setRole, tableRefs, toggleColumn } from './definition'
import type { JoinFact } from './JoinCanvas'
import './datasets.css'

const JoinCanvas = lazy(() => import('./JoinCanvas'))

interface Props {
  project: string
  definition: DatasetDefinition
  tables: TableInfo[]
  suggestion?: Suggestion
  /** Without it the builder only shows. */
  onChange?: (d: DatasetDefinition) => void
  /** The name and the button, at the bottom of the pane. */
  foot: (findings: Finding[] | undefined) => React.ReactNode
}

/** Tables and joins as a picture at the left; roles, joins and filters as sentences at the right. */
export function Builder({ project, definition: d, tables, suggestion, onChange, foot }: Props) {
  const edit = !!onChange
  const [adding, setAdding] = useState(false)
  const check = useQuery({ queryKey: ['dataset-check', project, d], queryFn: () => api.checkDataset(project, d), staleTime: 60_000, placeholderData: (old) => old, retry: false })
  const types = useMemo(() => outputTypes(d, tables), [d, tables])
  const names = d.columns.map((c) => c.name)
  const findings = check.data?.findings
  const facts = useCallback((j: Join): JoinFact | undefined => {
    const s = suggestion?.joins.find((g) => sameRef(g.join.table, j.table) && g.join.left_column === j.left_column && g.join.right_column === j.right_column)
    const fan = findings?.find((f) => /fan/i.test(f.code) && f.message.includes(j.table.name))
    return s || fan ? { score: s?.match ?? s?.score, why: fan?.message ?? s?.why, fanOut: !!fan } : undefined
  }, [suggestion, findings])
  const free = tables.filter((t) => !tableRefs(d).some((r) => sameRef(r, t.ref)))
  const toggle = useCallback((t: Ref, c: string) => onChange?.(toggleColumn(d, t, c)), [d, onChange])
  const remove = useCallback((t: Ref) => onChange?.(removeTable(d, t)), [d, onChange])

  return (
    <div className="builder">
      <div className="builder-canvas">
        <Suspense fallback={<Skeleton rows={8} />}>
          <JoinCanvas definition={d} tables={tables} facts={facts} onToggle={edit ? toggle : undefined} onRemove={edit ? remove : undefined} />
        </Suspense>
      </div>
      <aside className="builder-pane" aria-label="Roles, joins and filters">
        <div className="builder-figures">
          <Figure value={count(check.data?.rows)} label="rows" />
          <Figure value={names.length} label="columns" />
          <Figure value={tableRefs(d).length} label="tables" />
        </div>
        {check.data?.cost && <p className="t3 small">Counting {reads(check.data.cost)} at list price.</p>}
        <section>
          <h2>Roles</h2>
          {ROLES.map((role) => {
            const guess = suggestion?.roles.find((g) => g.role === role)
            const kept = guess && d.roles[role] === guess.column
            return (
              <div key={role} className="role-row">
                <Term tip={ROLE_HELP[role]}>{role}</Term>
                {edit ? (
                  <Select aria-label={`Column of the role ${role}`} data={names} value={d.roles[role] ?? null} placeholder={role === 'customer' || role === 'product' ? 'Choose' : 'None'} clearable={role === 'time' || role === 'value'} searchable onChange={(v) => onChange?.(setRole(d, role as DatasetRole, v ?? undefined))} />
                ) : <span className="mono">{d.roles[role] ?? '—'}</span>}
                {kept && <p className="t3 small role-why"><span className={guess.confidence === 'high' ? 'ok' : 'warn'}>{guess.confidence} confidence</span>: {guess.why}</p>}
              </div>
            )
          })}
        </section>
        <section>
          <h2>Joins {edit && free.length > 0 && <button type="button" className="link end row tight" onClick={() => setAdding(!adding)}><IconPlus size={14} />Add table</button>}</h2>
          {adding && (
            <Select aria-label="Table to add" placeholder="Choose a table" data={free.map((t) => refId(t.ref))} searchable value={null}
              onChange={(v) => {
                const t = free.find((x) => refId(x.ref) === v)
                if (!t) return
                const common = tables.find((x) => sameRef(x.ref, d.primary))?.columns.find((c) => t.columns.some((k) => k.name === c.name))?.name ?? ''
                onChange?.(setJoin(d, { table: t.ref, left_table: d.primary, left_column: common, right_column: common, type: 'left' }))
                setAdding(false)
              }}
            />
          )}
          {!d.joins.length && <p className="t3 small">One table; nothing to join.</p>}
          {d.joins.map((j) => <JoinRow key={refId(j.table)} j={j} d={d} tables={tables} why={facts(j)?.why} edit={edit} onChange={(n) => onChange?.(setJoin(d, n))} onRemove={() => remove(j.table)} />)}
        </section>
        <section>
          <h2>Filters <span className="t3 small">all must hold</span></h2>
          <div className="filter-row"><span className="mono t3">#1</span><span>{edit ? <Dates d={d} types={types} onChange={onChange!} /> : datesWords(d)}</span></div>
          {(d.positive_only || (edit && d.roles.value)) && <div className="filter-row"><span className="mono t3">#2</span>{edit ? <Checkbox label={<>{d.roles.value} greater than 0: returns are left out</>} checked={d.positive_only} onChange={(e) => onChange?.({ ...d, positive_only: e.currentTarget.checked })} /> : <span>{d.roles.value} greater than 0</span>}</div>}
        </section>
        <section aria-live="polite">
          <h2>Checks</h2>
          {check.isPending ? <Skeleton rows={2} height={24} /> : check.error ? <ProblemList error={check.error} /> : <Findings list={findings ?? []} />}
        </section>
        <div className="builder-foot">{foot(check.error ? [{ severity: 'blocking', code: '', message: problemOf(check.error).problem.message, why: '', next: '', penalty: 0 }] : findings)}</div>
      </aside>
    </div>
  )
}

function ProblemList({ error }: { error: unknown }) {
  const { problem } = problemOf(error)
  const list = problem.fields?.length ? problem.fields.map((f) => `${f.location}: ${f.message}`) : [`${problem.message}. ${problem.next ?? ''}`]
  return <>{list.map((m) => <p key={m} className="finding"><IconCircleX size={15} stroke={1.75} className="err" aria-label="Error" /><span>{m}</span></p>)}</>
}

/** Findings with an icon and the consequence of each. */
export function Findings({ list }: { list: Finding[] }) {
  if (!list.length) return <p className="finding"><IconCircleCheck size={15} stroke={1.75} className="ok" aria-hidden /><span>Nothing to note.</span></p>
  const order = { blocking: 0, warning: 1, info: 2 }
  return (
    <>
      {list.toSorted((a, b) => order[a.severity] - order[b.severity]).map((f, i) => (
        <div key={i} className="finding">
          {f.severity === 'blocking' ? <IconCircleX size={15} stroke={1.75} className="err" aria-label="Blocking" /> : f.severity === 'warning' ? <IconAlertTriangle size={15} stroke={1.75} className="warn" aria-label="Warning" /> : <IconCircleCheck size={15} stroke={1.75} className="ok" aria-hidden />}
          <div className="grow"><div>{f.message}</div>{f.why && <div className="t3 small">{f.why}</div>}{f.next && f.severity !== 'info' && <div className="t2 small">{f.next}</div>}</div>
          {f.penalty > 0 && <span className="mono small t3" title="Points taken from 100">−{f.penalty}</span>}
        </div>
      ))}
    </>
  )
}

function JoinRow({ j, d, tables, why, edit, onChange, onRemove }: { j: Join; d: DatasetDefinition; tables: TableInfo[]; why?: string; edit: boolean; onChange: (j: Join) => void; onRemove: () => void }) {
  const cols = (r: Ref) => tables.find((t) => sameRef(t.ref, r))?.columns.map((c) => c.name) ?? []
  if (!edit) return <p className="small"><span className="mono">{j.left_table.name}.{j.left_column}</span> {j.type} <span className="mono">{j.table.name}.{j.right_column}</span></p>
  return (
    <div className="join-row">
      <div className="row"><span className="em clip">{j.table.name}</span><button type="button" className="icon-btn end" aria-label={`Remove ${j.table.name}`} onClick={onRemove}><IconX size={14} /></button></div>
      <div className="join-fields">
        <Select
          aria-label={`What ${j.table.name} is joined to`} placeholder="Column" searchable value={j.left_column ? `${refId(j.left_table)}|${j.left_column}` : null}
          data={tableRefs(d).filter((r) => !sameRef(r, j.table)).map((r) => ({ group: r.name, items: cols(r).map((c) => ({ value: `${refId(r)}|${c}`, label: c })) }))}
          onChange={(v) => {
            const left = tableRefs(d).find((r) => v?.startsWith(refId(r) + '|'))
            if (v && left) onChange({ ...j, left_table: left, left_column: v.slice(refId(left).length + 1) })
          }}
        />
        <span className="t3">=</span>
        <Select aria-label={`Column of ${j.table.name}`} data={cols(j.table)} value={j.right_column || null} placeholder="Column" searchable onChange={(v) => onChange({ ...j, right_column: v ?? '' })} />
      </div>
      <div className="join-fields">
        <Select aria-label={`Kind of join of ${j.table.name}`} data={[{ value: 'left', label: 'keep all rows' }, { value: 'inner', label: 'only matches' }]} value={j.type} onChange={(v) => onChange({ ...j, type: v ?? 'left' })} />
        <Select aria-label={`When ${j.table.name} repeats a key`} data={[{ value: 'block', label: 'one row per key' }, { value: 'first', label: 'take the first' }, { value: 'accept', label: 'repeat rows' }]} value={j.fan_out || 'block'} onChange={(v) => onChange({ ...j, fan_out: v ?? 'block' })} />
      </div>
      {why && <p className="t3 small">{why}</p>}
    </div>
  )
}

function Dates({ d, types, onChange }: { d: DatasetDefinition; types: Map<string, string>; onChange: (d: DatasetDefinition) => void }) {
  const times = [...types].filter(([, t]) => /^(DATE|DATETIME|TIMESTAMP)$/.test(t)).map(([n]) => n)
  const column = d.dates?.column ?? d.roles.time ?? times[0]
  const mode = !d.dates ? 'all' : d.dates.rolling_days ? 'rolling' : 'start'
  if (!times.length) return <span className="t3">all rows; no time column is chosen</span>
  return (
    <span className="sentence">
      <Select aria-label="Which dates" w={104} data={[{ value: 'all', label: 'all dates' }, { value: 'rolling', label: 'the last' }, { value: 'start', label: 'from' }]} value={mode} onChange={(v) => onChange({ ...d, dates: v === 'all' ? undefined : v === 'rolling' ? { column, rolling_days: 365 } : { column, start: new Date(Date.now() - 365 * 86_400_000).toISOString().slice(0, 10) } })} />
      {mode === 'rolling' && <><NumberInput aria-label="Days" w={72} min={1} max={3650} hideControls value={d.dates?.rolling_days} onChange={(v) => Number(v) > 0 && onChange({ ...d, dates: { column, rolling_days: Number(v) } })} /><span>days</span></>}
      {mode === 'start' && <input aria-label="First day" className="date-in mono" type="date" value={d.dates?.start} onChange={(e) => e.currentTarget.value && onChange({ ...d, dates: { column, start: e.currentTarget.value } })} />}
      {mode !== 'all' && <><span>by</span><Select aria-label="Time column" w={140} data={times} value={column} onChange={(v) => v && onChange({ ...d, dates: { ...d.dates!, column: v } })} /></>}
    </span>
  )
}
