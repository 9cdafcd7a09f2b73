import { Tabs } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'

import type { Job, Run } from '../../api/types'

/** The three lists of the ETL area, each with its own address. */
export function EtlTabs({ at }: { at: 'runs' | 'jobs' | 'tables' }) {
  const navigate = useNavigate()
  return (
    <Tabs value={at} onChange={(v) => void navigate({ to: v === 'runs' ? '/etl' : `/etl/${v}` })} className="page-tabs">
      <Tabs.List>
        <Tabs.Tab value="runs">Runs</Tabs.Tab>
        <Tabs.Tab value="jobs">Jobs</Tabs.Tab>
        <Tabs.Tab value="tables">Raw tables</Tabs.Tab>
      </Tabs.List>
    </Tabs>
  )
}

/** Where a job reads, as one text. */
export function sourceOf(j: Job): string {
  if (j.table) return j.schema ? `${j.schema}.${j.table}` : j.table
  return j.files ? `${j.files.prefix}${j.files.pattern}` : '—'
}

/** How a job loads, in words. */
export function loadWords(j: Job): string {
  if (j.load === 'catalog') return 'Full snapshot, replaces the table in one step'
  const by = j.timestamp_column ? `Incremental by ${j.timestamp_column}` : j.files ? 'New files only' : 'Incremental'
  return j.keys?.length ? `${by}, merge on ${j.keys.join(', ')}` : `${by}, append`
}

export const runActive = (r: Pick<Run, 'status'>): boolean => r.status === 'pending' || r.status === 'running'

/** A warehouse name from any text, as the server makes them: the first letter is a letter, the rest letters, digits, _. */
export function tableName(text: string): string {
  const base = text.replace(/\.[^.]+$/, '').replace(/\.(csv|parquet)$/i, '')
  const s = base.normalize('NFKD').replace(/\p{M}/gu, '').replace(/[^A-Za-z0-9]+/g, '_').replace(/^_+|_+$/g, '').toLowerCase()
  return !s ? 'table_1' : /^[a-z_]/.test(s) ? s : 't_' + s
}

/** Whether a file's name fits a job's pattern: * and ? as in a shell, sets in brackets. */
export function matches(pattern: string, name: string): boolean {
  if (!pattern) return true
  let re = ''
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]
    if (c === '\\' && i + 1 < pattern.length) re += pattern[++i].replace(/[^\w]/g, '\\$&')
    else if (c === '*') re += '[^/]*'
    else if (c === '?') re += '[^/]'
    else if (c === '[' && pattern.indexOf(']', i) > 0) {
      const end = pattern.indexOf(']', i)
      re += pattern.slice(i, end + 1)
      i = end
    } else re += c.replace(/[^\w]/g, '\\$&')
  }
  return new RegExp(`^${re}$`).test(name)
}
