import { Tooltip, UnstyledButton, useComputedColorScheme } from '@mantine/core'
import { IconChartLine, IconTable } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'

import { dark, light, type Tokens } from '../theme/tokens'
import type { EngineOption } from './chartEngine'
import { FactTable } from './DataTable'
import './chart.css'

/** What a chart draws, in words and numbers. */
export interface Facts { columns: string[]; rows: React.ReactNode[][] }

/** The tokens of the scheme in use. */
export function useTokens(): Tokens {
  return useComputedColorScheme('light') === 'dark' ? dark : light
}

interface Props {
  /** Builds the option from the scheme's tokens. */
  option: (t: Tokens) => EngineOption
  height: number
  /** One sentence for those who cannot see it. */
  label: string
  /** Makes it parallel coordinates; called with the part of an axis that was stroked. */
  onStroke?: (axis: string, from: number, to: number) => void
}

/** A chart; the engine is loaded when the first one is shown. Options are merged at most twice a second. */
export function Chart({ option, height, label, onStroke }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const tokens = useTokens()
  const chart = useRef<{ set: (o: EngineOption) => void; dispose: () => void } | undefined>(undefined)
  const newest = useRef<EngineOption | undefined>(undefined)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const scheme = tokens === dark ? 'dark' : 'light'
  const parallel = !!onStroke
  const stroke = useRef(onStroke)
  useEffect(() => {
    stroke.current = onStroke
  }, [onStroke])

  useEffect(() => {
    let gone = false
    const load = parallel
      ? import('./parallelEngine').then((m) => (el: HTMLElement) => m.attachParallel(el, scheme, (...s) => stroke.current?.(...s)))
      : import('./chartEngine').then((m) => (el: HTMLElement) => m.attach(el, scheme))
    void load.then((attach) => {
      if (gone || !box.current) return
      chart.current = attach(box.current)
      if (newest.current) chart.current.set(newest.current)
    })
    return () => {
      gone = true
      chart.current?.dispose()
      chart.current = undefined
    }
  }, [scheme, parallel])

  const built = option(tokens)
  const key = JSON.stringify(built)
  useEffect(() => {
    newest.current = built
    if (!chart.current) return
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      if (newest.current) chart.current?.set(newest.current)
    }, 60)
    // The option is compared by what it holds: callers build it anew on every render.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key])
  useEffect(() => () => clearTimeout(timer.current), [])

  return <div ref={box} className="chart" style={{ height }} role="img" aria-label={label} />
}

/** A chart with the button that shows the same facts as a table. */
export function useChartOrTable(): { table: boolean; button: React.ReactNode } {
  const [table, setTable] = useState(false)
  return {
    table,
    button: (
      <Tooltip label={table ? 'Show the chart' : 'Show the same facts as a table'}>
        <UnstyledButton className="icon-btn" aria-pressed={table} aria-label={table ? 'Show the chart' : 'Show as a table'} onClick={() => setTable(!table)}>
          {table ? <IconChartLine size={16} stroke={1.75} /> : <IconTable size={16} stroke={1.75} />}
        </UnstyledButton>
      </Tooltip>
    ),
  }
}

export function ChartOrTable({ table, facts, ...chart }: Props & { table: boolean; facts: Facts }) {
  if (!table) return <Chart {...chart} />
  return <div style={{ height: chart.height, overflow: 'auto' }} tabIndex={0}><FactTable columns={facts.columns} rows={facts.rows} label={chart.label} /></div>
}

/** A small line without axes; decorative, its facts stand beside it. */
export function Sparkline({ values, width = 64, height = 18, color = 'var(--text3)' }: { values: number[]; width?: number; height?: number; color?: string }) {
  const v = values.filter(Number.isFinite)
  if (v.length < 2) return <span className="t3">—</span>
  const lo = Math.min(...v)
  const hi = Math.max(...v)
  const pts = v.map((y, i) => `${((i / (v.length - 1)) * (width - 2) + 1).toFixed(1)},${(height - 2 - ((y - lo) / (hi - lo || 1)) * (height - 4)).toFixed(1)}`)
  return <svg width={width} height={height} aria-hidden><polyline points={pts.join(' ')} fill="none" stroke={color} strokeWidth="1.25" /></svg>
}

/** Bars of a histogram in a cell, zero-based. */
export function MiniBars({ values, width = 84, height = 18, color = 'var(--line2)' }: { values: number[]; width?: number; height?: number; color?: string }) {
  const hi = Math.max(...values, 0)
  if (!hi) return null
  const w = width / values.length
  return (
    <svg width={width} height={height} aria-hidden>
      {values.map((v, i) => <rect key={i} x={i * w} width={Math.max(1, w - 1)} y={height - (v / hi) * height} height={(v / hi) * height} rx="1" fill={color} />)}
    </svg>
  )
}
