import { Button, Checkbox, NumberInput, Select, Switch } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconTrash } from '@tabler/icons-react'

import type { Cross, DataType, Feature, Tower, WarehouseColumn } from '../../api/types'
import { Term } from '../../ui/basics'
import { CYCLES, newFeature } from './towers'

const DIMS = ['8', '16', '32', '64', '96', '128', '256']
const num = (v: number | string): number | undefined => (v === '' ? undefined : Number(v))

function DimSelect({ value, onChange, label }: { value: number; onChange: (n: number) => void; label: string }) {
  const own = String(value)
  return <Select label={<Term tip="How many numbers each value becomes. Wider tables hold more, and need more rows to learn.">{label}</Term>} data={DIMS.includes(own) ? DIMS : [own, ...DIMS]} value={own} onChange={(v) => v && onChange(Number(v))} />
}

interface Props {
  f: Feature; why?: string; onChange: (f: Feature) => void; onRemove?: () => void; onMove: (by: number) => void; first: boolean; last: boolean; column?: WarehouseColumn
}

/** The transforms of one feature. */
export function FeatureForm({ f, why, onChange, onRemove, onMove, first, last, column }: Props) {
  const kinds: { value: DataType; label: string }[] = [{ value: 'text', label: 'Text: vocabulary and embedding' }, { value: 'numeric', label: 'Number' }, { value: 'temporal', label: 'Time' }]
  const allowed = kinds.filter((k) => k.value === 'text' || k.value === f.data_type || (k.value === 'temporal' ? /DATE|TIME/ : /INT|FLOAT|NUMERIC/).test(column?.type ?? f.type))
  return (
    <div className="feature-form">
      {why && <p className="t2 small">{why}</p>}
      {!f.primary_id && allowed.length > 1 && <Select label="Read as" data={allowed} value={f.data_type} onChange={(v) => v && onChange(newFeature(f.column, f.type, f.cardinality ? { name: f.column, type: f.type, nulls: 0, distinct: f.cardinality } : undefined, v as DataType))} />}
      {f.data_type === 'text' && f.embedding && (
        <div className="form-2">
          <DimSelect label="Embedding width" value={f.embedding.dim} onChange={(dim) => onChange({ ...f, embedding: { ...f.embedding!, dim } })} />
          <NumberInput label={<Term tip="The most frequent values get a row of their own; the rest share the out-of-vocabulary rows. Empty keeps all.">Vocabulary, at most</Term>} min={1} value={f.embedding.max_size ?? ''} onChange={(v) => onChange({ ...f, embedding: { ...f.embedding!, max_size: num(v) } })} />
          <NumberInput label={<Term tip="Values seen less often share the out-of-vocabulary rows, so that those rows learn something for values to come.">Seen at least</Term>} min={1} value={f.embedding.min_frequency || 1} onChange={(v) => onChange({ ...f, embedding: { ...f.embedding!, min_frequency: num(v) } })} />
          <NumberInput label="Out-of-vocabulary rows" min={1} max={1000} value={f.embedding.oov_buckets || 1} onChange={(v) => onChange({ ...f, embedding: { ...f.embedding!, oov_buckets: num(v) } })} />
        </div>
      )}
      {f.data_type !== 'text' && (
        <>
          <Select
            label={<Term tip="One number. z-score: centred and scaled by the deviation. normalise: from minimum to maximum. log: on log1p, for long tails.">Normalise</Term>}
            data={[{ value: '', label: 'No' }, { value: 'zscore', label: 'z-score' }, ...(f.data_type === 'numeric' ? [{ value: 'minmax', label: 'minimum to maximum' }, { value: 'log_zscore', label: 'log, then z-score' }, { value: 'log_minmax', label: 'log, then minimum to maximum' }] : [])]}
            value={f.normalize?.kind ?? ''} onChange={(v) => onChange({ ...f, normalize: v ? { kind: v, ...(v.includes('minmax') ? { range: f.normalize?.range ?? [-1, 1] } : {}) } : undefined })}
          />
          <Switch label="Buckets with an embedding" checked={!!f.bucketize} onChange={(e) => onChange({ ...f, bucketize: e.currentTarget.checked ? { buckets: 100, dim: 32 } : undefined })} />
          {f.bucketize && !f.bucketize.boundaries?.length && (
            <div className="form-2">
              <NumberInput label={<Term tip="Quantiles of the training rows: each bucket holds about as many rows.">Buckets</Term>} min={2} max={1000} value={f.bucketize.buckets} onChange={(v) => onChange({ ...f, bucketize: { ...f.bucketize!, buckets: num(v) } })} />
              <DimSelect label="Width" value={f.bucketize.dim} onChange={(dim) => onChange({ ...f, bucketize: { ...f.bucketize!, dim } })} />
            </div>
          )}
        </>
      )}
      {f.data_type === 'temporal' && (
        <fieldset className="cycles">
          <legend className="mantine-Input-label"><Term tip="Sine and cosine of the position in each cycle, UTC: two numbers per cycle.">Cycles</Term></legend>
          {CYCLES.map((c) => <Checkbox key={c} label={c} checked={!!f.cyclical?.[c]} onChange={(e) => onChange({ ...f, cyclical: { ...f.cyclical, [c]: e.currentTarget.checked } })} />)}
        </fieldset>
      )}
      <div className="row">
        {!f.primary_id && <><button type="button" className="icon-btn plain" disabled={first} onClick={() => onMove(-1)} aria-label="Move up"><IconArrowUp size={15} /></button><button type="button" className="icon-btn plain" disabled={last} onClick={() => onMove(1)} aria-label="Move down"><IconArrowDown size={15} /></button></>}
        {onRemove && <Button size="compact-sm" className="end btn-danger" leftSection={<IconTrash size={14} />} onClick={onRemove}>Remove</Button>}
        {f.primary_id && <span className="t3 small">Every tower has one primary id; it cannot be removed.</span>}
      </div>
    </div>
  )
}

/** The members, hash size and width of a cross. */
export function CrossForm({ c, tower, onChange, onRemove }: { c: Cross; tower: Tower; onChange: (c: Cross) => void; onRemove: () => void }) {
  const set = (i: number, column: string) => {
    const f = tower.features.find((x) => x.column === column)
    onChange({ ...c, features: c.features.map((m, j) => (j === i ? (f?.data_type === 'text' ? { column } : { column, buckets: m.buckets ?? 10 }) : m)) })
  }
  const names = tower.features.map((f) => f.column)
  return (
    <div className="feature-form">
      <div className="form-2">{c.features.map((m, i) => <Select key={i} label={`Feature ${i + 1}`} data={names.filter((n) => n === m.column || !c.features.some((o) => o.column === n))} value={m.column} onChange={(v) => v && set(i, v)} />)}</div>
      <div className="form-2">
        <NumberInput label={<Term tip="Pairs of values are hashed into so many rows; too few, and pairs share a row.">Hash rows</Term>} min={100} max={100000} value={c.hash_buckets} onChange={(v) => onChange({ ...c, hash_buckets: num(v) ?? 1000 })} />
        <DimSelect label="Width" value={c.dim} onChange={(dim) => onChange({ ...c, dim })} />
      </div>
      <div className="row"><Button size="compact-sm" className="end btn-danger" leftSection={<IconTrash size={14} />} onClick={onRemove}>Remove</Button></div>
    </div>
  )
}
