import { useEffect, useMemo, useState } from 'react'

import type { Chunk, Run } from '../../api/types'
import { bytes, count, plural } from '../../format/numbers'
import { duration } from '../../format/time'
import type { Tokens } from '../../theme/tokens'
import { Panel, Term, useNow } from '../../ui/basics'
import { Chart, useChartOrTable } from '../../ui/Chart'
import type { EngineOption } from '../../ui/chartEngine'
import { lines, nice, type Line } from '../../ui/charts'
import { FactTable } from '../../ui/DataTable'
import { runActive } from './parts'
import { hear, median, piecesOf, throughputOf, type Heard } from './rates'

/** The rows that running chunks have told of since the page was opened. */
function useHeard(chunks: Chunk[]): Heard {
  const [heard, setHeard] = useState<Heard>(new Map())
  useEffect(() => setHeard((old) => hear(old, chunks, Date.now())), [chunks])
  return heard
}

/** Rows and bytes a second over a run's reading: while it reads as its chunks tell, afterwards from their times. */
export function Throughput({ r, chunks }: { r: Run; chunks: Chunk[] }) {
  const heard = useHeard(chunks)
  const { table, button } = useChartOrTable()
  // Between the last chunk and the commit's end nothing is read any more.
  const active = runActive(r) && chunks.some((c) => c.state === 'running' || c.state === 'planned')
  const start = Date.parse(r.started_at ?? r.created_at)
  const now = useNow().getTime()
  const until = active ? now : start
  const t = useMemo(() => throughputOf(chunks, heard, until), [chunks, heard, until])
  const again = chunks.filter((c) => c.attempts > 1 && c.started_at)
  const retried = again.length > 1 ? `${plural(again.length, 'chunk')} read again` : again.length ? `chunk ${again[0].number + 1} read again at ${duration((Date.parse(again[0].started_at!) - start) / 1000)}` : ''
  const workers = t && `up to ${plural(t.workers, 'chunk')} at a time`
  if (!t) return <Panel title="Throughput"><Short chunks={chunks} heard={heard} active={active} /></Panel>
  const at = (i: number) => (t.at[i] + t.step / 2 - start) / 1000
  const graphs = [
    { name: 'Rows/s', values: t.rows, show: count, tone: 's1' as const },
    { name: 'Bytes/s', values: t.bytes, show: (v: number | undefined) => (v === undefined ? '—' : `${bytes(v)}/s`), tone: 's4' as const },
  ]
  return (
    <Panel title="Throughput" note={retried || undefined} right={<>{workers}{button}</>}>
      {table
        ? <div style={{ height: 232, overflow: 'auto' }} tabIndex={0}><FactTable label="Throughput by time" columns={['Time', 'Rows/s', 'Bytes/s']} rows={t.rows.map((v, i) => [duration(at(i)), count(v), i < t.bytes.length ? `${bytes(t.bytes[i])}/s` : '—'])} /></div>
        : graphs.map((g) => {
            const shown = active ? g.values[g.values.length - 1] : mean(g.values)
            return (
              <div key={g.name} className="rate">
                <p className="row base small"><span className="em" style={{ color: `var(--${g.tone})` }}>{g.name}</span><span className="mono em">{g.show(shown)}</span><span className="t3">{active ? '' : 'average, '}median <span className="mono">{g.show(median(g.values))}</span></span>{g.values.length > 1 && g.values.length < t.rows.length && <span className="t3 end"><Term tip="A chunk tells its bytes when it has been read whole; its rows while it is read.">known to {duration(at(g.values.length - 1) + t.step / 2000)}</Term></span>}</p>
                {g.values.length > 1
                  ? <Chart height={92} label={`${g.name} over the time of the load, ${active ? 'now' : 'on average'} ${g.show(shown)}, median ${g.show(median(g.values))}`} option={(k) => drawn(k, { name: g.name, color: k[g.tone], points: g.values.map((v, i) => [at(i), v]), live: active }, at(t.rows.length - 1) + t.step / 2000, g.tone === 's4' ? bytes : count)} />
                  : <p className="t3 small rate-none">Bytes are told when a chunk is read whole.</p>}
              </div>
            )
          })}
    </Panel>
  )
}

/** One rate over the seconds since the run began. */
function drawn(k: Tokens, line: Line, end: number, y: (v: number) => string): EngineOption {
  const o = lines(k, [line], [], { x: duration, y, xName: 'at', ...scale(line.points.map(([, v]) => v)), xMin: 0, xMax: end })
  return { ...o, grid: { left: 68, right: 14, top: 8, bottom: 20 }, xAxis: { ...(o.xAxis as object), type: 'value', interval: TICKS.find((s) => end / s <= 5) ?? end / 4, axisLabel: { formatter: (v: number) => ticked(v), showMaxLabel: false } } }
}
const TICKS = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600]
/** 0, 30s, 1m, 1h: a tick has no more than it needs. */
const ticked = (s: number) => (s ? duration(s).replace(/\.0s$/, 's').replace(/ 00[sm]$/, '') : '0')

/** Two steps above zero are enough for a small chart. */
function scale(values: number[]): { min: number; max: number; step: number } {
  const { max } = nice([Math.max(...values, 1)], 0)
  return { min: 0, max, step: max / 2 }
}
const mean = (v: number[]) => (v.length ? v.reduce((a, b) => a + b, 0) / v.length : undefined)

/** What is known where there is no curve: the average, or that nothing is known yet. */
function Short({ chunks, heard, active }: { chunks: Chunk[]; heard: Heard; active: boolean }) {
  const pieces = piecesOf(chunks, heard)
  if (!pieces.length) return <p className="t2">{active ? 'A curve is drawn when the first chunks have been read.' : 'No chunk was read: there is nothing to measure.'}</p>
  const seconds = (Math.max(...pieces.map((p) => p.to)) - Math.min(...pieces.map((p) => p.from))) / 1000
  const rows = pieces.reduce((n, p) => n + p.rows, 0)
  return (
    <p className="t2">
      {plural(rows, 'row')} in {duration(seconds)}{seconds >= 0.05 ? <>, <span className="mono">{count(rows / seconds)}</span> rows/s on average</> : ''}.{' '}
      {active ? 'A curve follows when more chunks have been read.' : 'Too short, or too few chunks, for a curve over time.'}
    </p>
  )
}
