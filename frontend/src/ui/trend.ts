import type { Tokens } from '../theme/tokens'
import type { EngineOption } from './chartEngine'
import { escape, lines, nice, type Level } from './charts'

/** A run in time. A colour and a name make it stand out. */
export interface Dot { at: number; value: number; name: string; color?: string; mark?: string }

/** Every run as a dot, the best so far as steps over them, the baselines as levels. */
export function trend(t: Tokens, dots: Dot[], best: [number, number][], levels: Level[], show: { time: (ms: number) => string; value: (v: number) => string }): EngineOption {
  const base = lines(t, [{ name: 'best so far', points: best, color: t.s1, live: true }], levels, { y: (v) => v.toFixed(2), ...nice([...dots.map((d) => d.value), ...levels.map((l) => l.value)]) })
  const [steps] = base.series as { markLine?: { data: object[] } }[]
  const named = steps.markLine?.data.map((m) => ({ ...m, label: { ...(m as { label: object }).label, position: 'end', padding: 0 } }))
  return {
    ...base,
    grid: { left: 44, right: 72, top: 12, bottom: 22 },
    xAxis: { type: 'time', splitNumber: 6, splitLine: { show: false }, axisLabel: { formatter: (v: number) => show.time(v), hideOverlap: true } },
    tooltip: {
      trigger: 'item',
      formatter: (raw: unknown) => {
        const { data } = raw as { data?: { name?: string; value?: [number, number] } }
        return data?.value ? `<div class="chart-tip">${escape(data.name ?? '')}<br>${show.time(data.value[0])} <b>${show.value(data.value[1])}</b></div>` : ''
      },
    },
    series: [
      { ...steps, step: 'end', markLine: named && { ...steps.markLine, data: named } },
      {
        type: 'line', name: 'runs', lineStyle: { width: 0 }, showSymbol: true, showAllSymbol: true, symbol: 'circle', z: 3,
        data: dots.map((d) => ({
          name: d.name, value: [d.at, d.value], symbolSize: d.color ? 9 : 5, itemStyle: { color: d.color ?? t.text3, opacity: d.color ? 1 : 0.55 },
          label: { show: !!d.mark, formatter: d.mark, position: 'top', color: t.text, fontSize: 10.5, fontFamily: "'JetBrains Mono', monospace" },
        })),
      },
    ],
  } as EngineOption
}
