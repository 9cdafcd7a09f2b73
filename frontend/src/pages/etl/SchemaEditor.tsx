import { Checkbox, Select, TextInput } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'

import type { EtlColumn } from '../../api/types'
import { plural } from '../../format/numbers'
import { Term } from '../../ui/basics'

export const TYPES = ['STRING', 'INT64', 'FLOAT64', 'NUMERIC', 'BOOL', 'DATE', 'DATETIME', 'TIMESTAMP', 'TIME', 'JSON', 'BYTES']
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,299}$/

/** A column of the editor: kept or left out. */
export interface Draft extends EtlColumn { keep: boolean; suggested: string }

export const draftOf = (c: EtlColumn): Draft => ({ ...c, keep: true, suggested: c.type })

/** The columns to send: only what is kept, without the editor's own marks and samples. */
export function chosen(drafts: Draft[]): EtlColumn[] {
  return drafts.filter((d) => d.keep).map(({ source, source_type, name, type, confidence, note }) => ({ source, source_type, name, type, confidence, note }))
}

/** What is wrong with a name, beside the field, before anything is sent. */
export function nameError(drafts: Draft[], i: number): string | undefined {
  const d = drafts[i]
  if (!d.keep) return undefined
  if (!NAME.test(d.name)) return 'Letters, digits and _, starting with a letter or _'
  if (drafts.some((o, j) => j !== i && o.keep && o.name.toLowerCase() === d.name.toLowerCase())) return 'Another column has this name'
  return undefined
}

/** Source columns beside what they become: names, types, samples. */
export function SchemaEditor({ drafts, onChange }: { drafts: Draft[]; onChange: (d: Draft[]) => void }) {
  const set = (i: number, patch: Partial<Draft>) => onChange(drafts.map((d, j) => (j === i ? { ...d, ...patch } : d)))
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Columns">
      <table className="table table-33">
        <thead>
          <tr>
            <th scope="col" style={{ width: 40 }}><span className="visually-hidden">Keep</span></th>
            <th scope="col">At the source</th><th scope="col">In the table</th>
            <th scope="col"><Term tip="The type was chosen from sample values. Identifiers with leading zeros stay text, so that no digit is lost.">Type</Term></th>
            <th scope="col">Samples</th>
          </tr>
        </thead>
        <tbody>
          {drafts.map((d, i) => {
            const error = nameError(drafts, i)
            return (
              <tr key={d.source}>
                <td><Checkbox checked={d.keep} aria-label={`Load ${d.source}`} onChange={(e) => set(i, { keep: e.currentTarget.checked })} /></td>
                <td><span className={d.keep ? '' : 't3'}>{d.source}</span> <span className="mono small t3">{d.source_type}</span></td>
                <td><TextInput className="schema-in" aria-label={`Name of ${d.source} in the table`} value={d.name} disabled={!d.keep} error={error} onChange={(e) => set(i, { name: e.currentTarget.value })} /></td>
                <td>
                  <span className="row tight">
                    <Select className="schema-in" w={124} aria-label={`Type of ${d.source}`} data={TYPES} value={d.type} disabled={!d.keep} onChange={(v) => set(i, { type: v ?? d.type })} />
                    {(d.note || d.type !== d.suggested) && <Term tip={d.type !== d.suggested ? `Changed by hand; ${d.suggested} was suggested` : d.note}><IconAlertTriangle size={14} stroke={1.75} className={d.confidence === 'medium' || d.type !== d.suggested ? 'warn' : 't3'} aria-label="Note" /></Term>}
                  </span>
                </td>
                <td><span className="samples mono" title={d.samples?.join(' · ')}>{d.samples?.join(' · ') || '—'}</span></td>
              </tr>
            )
          })}
        </tbody>
      </table>
      <p className="table-foot">{plural(drafts.filter((d) => d.keep).length, 'column')} of {drafts.length} will be loaded</p>
    </div>
  )
}
