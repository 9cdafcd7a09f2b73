import { RangeSlider } from '@mantine/core'
import { useEffect, useMemo, useState } from 'react'

import type { Listed } from '../../api/types'
import type { Search } from '../../app/search'
import { count } from '../../format/numbers'
import { Tick } from '../../ui/basics'
import { MiniBars } from '../../ui/Chart'
import { Status } from '../../ui/Status'
import { bounds, choice, chosen, countsOf, upper, type Facet } from './board'

const FIRST = 6
interface Props { all: Listed[]; facets: Facet[]; search: Search; set: (patch: Search) => void }

/** What can be filtered by, with how many experiments each choice would leave. Nothing chosen leaves all. */
export function Facets({ all, facets, search, set }: Props) {
  const counts = useMemo(() => countsOf(all, facets, search), [all, facets, search])
  return (
    <>
      {facets.map((f) => {
        const id = f.trait.id
        const change = (v: string | undefined) => set({ [id]: v, page: undefined })
        return f.kind === 'range'
          ? <Range key={id} facet={f} all={all} value={bounds(search, id)} onChange={change} />
          : <Choices key={id} facet={f} counts={counts.get(id)!} picked={chosen(search, id)} onChange={(v) => change(choice(v))} />
      })}
    </>
  )
}

function Choices({ facet: f, counts, picked, onChange }: { facet: Facet; counts: Map<string, number>; picked: string[]; onChange: (v: string[]) => void }) {
  const [open, setOpen] = useState(false)
  const values = f.values.map(String)
  const shown = open || values.length <= FIRST + 1 ? values : values.filter((v, i) => i < FIRST || picked.includes(v))
  return (
    <fieldset className="facet">
      <legend>{upper(f.trait.name)}</legend>
      {shown.map((v) => (
        <label key={v} className="facet-row">
          <Tick checked={picked.includes(v)} onChange={() => onChange(picked.includes(v) ? picked.filter((p) => p !== v) : [...picked, v])} />
          {f.trait.id === 'status' ? <Status state={v} /> : <span className={`clip${/^[\d.,e-]+$/.test(v) ? ' mono' : ''}`} title={f.trait.show(v)}>{f.trait.show(v)}</span>}
          <span className="facet-n mono">{count(counts.get(v) ?? 0)}</span>
        </label>
      ))}
      {shown.length < values.length && <button type="button" className="link small" onClick={() => setOpen(true)}>{values.length - shown.length} more</button>}
    </fieldset>
  )
}

/** A range over a histogram of all values; the arrow keys move either end. */
function Range({ facet: f, all, value, onChange }: { facet: Facet; all: Listed[]; value: [number, number] | undefined; onChange: (v: string | undefined) => void }) {
  const numbers = f.values as number[]
  const lo = numbers[0]
  const hi = numbers[numbers.length - 1]
  const step = Number(((hi - lo) / 100).toPrecision(1))
  const from = Math.floor(lo / step + 1e-9) * step
  const to = Math.ceil(hi / step - 1e-9) * step
  const [at, setAt] = useState<[number, number]>(value ?? [from, to])
  const key = value?.join()
  useEffect(() => {
    setAt(value ?? [from, to])
    // The value is compared by its ends.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, from, to])
  const bins = useMemo(() => {
    const out = Array.from({ length: 24 }, () => 0)
    for (const e of all) {
      const v = f.trait.of(e)
      if (typeof v === 'number') out[Math.min(23, Math.floor(((v - from) / (to - from || 1)) * 24))]++
    }
    return out
  }, [all, f.trait, from, to])
  const plain = (n: number) => Number(n.toPrecision(6))
  return (
    <fieldset className="facet">
      <legend>{upper(f.trait.name)}</legend>
      <div className="facet-range">
        <MiniBars values={bins} width={164} height={26} color="var(--acc-line)" />
        <RangeSlider
          size={2} thumbSize={14} min={from} max={to} step={step} minRange={0} label={null} value={at} onChange={setAt}
          onChangeEnd={([a, b]) => onChange(a <= from + 1e-9 && b >= to - 1e-9 ? undefined : `${plain(a)}..${plain(b)}`)}
          thumbFromLabel={`${f.trait.name}, at least`} thumbToLabel={`${f.trait.name}, at most`} thumbValueText={(v) => f.trait.show(plain(v))}
        />
        <div className="row facet-ends mono"><span>{f.trait.show(plain(at[0]))}</span><span className="end">{f.trait.show(plain(at[1]))}</span></div>
      </div>
    </fieldset>
  )
}
