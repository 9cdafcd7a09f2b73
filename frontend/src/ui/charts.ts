import type { Tokens } from '../theme/tokens'
import type { EngineOption } from './chartEngine'

export interface Line { name: string; points: [number, number][]; color: string; width?: number; label?: string; live?: boolean; area?: boolean }
export interface Level { name: string; value: number; kind: 'knn' | 'pop' }

interface Axes { x?: (v: number) => string; y?: (v: number) => string; min?: number; max?: number; step?: number; xMin?: number; xMax?: number; xName?: string; right?: number }

/** Lines over a numeric axis, with dashed levels for the baselines, named on the line. */
export function lines(t: Tokens, series: Line[], levels: Level[], a: Axes = {}): EngineOption {
  const y = a.y ?? ((v: number) => String(v))
  const marks = levels.map((l) => ({
    yAxis: l.value, name: l.name,
    lineStyle: { color: l.kind === 'knn' ? t.knn : t.pop, type: l.kind === 'knn' ? [5, 3] : [2, 3], width: 1.25 },
    label: { formatter: l.name, position: 'insideEndBottom' as const, color: l.kind === 'knn' ? t.text2 : t.text3, fontSize: 10.5, distance: 4, padding: [3, 0, 0, 0] },
  }))
  return {
    grid: { left: 44, right: a.right ?? 12, top: 12, bottom: 22 },
    xAxis: {
      type: 'value', min: a.xMin ?? 'dataMin', max: a.xMax ?? 'dataMax', minInterval: 1,
      splitLine: { show: false }, axisLabel: { formatter: (v: number) => (a.x ?? String)(v), hideOverlap: true },
    },
    yAxis: { type: 'value', scale: true, min: a.min, max: a.max, interval: a.step, splitNumber: 4, axisLabel: { formatter: (v: number) => y(v) } },
    tooltip: {
      trigger: 'axis',
      formatter: (raw: unknown) => {
        const list = raw as { seriesName: string; value: [number, number]; color: string }[]
        const head = `${a.xName ?? ''} ${(a.x ?? String)(list[0].value[0])}`
        return `<div class="chart-tip">${head}<br>${list.map((i) => `<span style="color:${i.color}">${escape(i.seriesName)}</span> <b>${y(i.value[1])}</b>`).join('<br>')}</div>`
      },
    },
    series: series.map((s, i) => ({
      type: 'line', name: s.name, data: s.points, color: s.color, lineStyle: { width: s.width ?? 1.75, color: s.color },
      areaStyle: s.area ? { color: s.color, opacity: 0.12 } : undefined,
      endLabel: s.label ? { show: true, formatter: s.label, color: s.color, fontSize: 11, distance: 4 } : undefined,
      markPoint: s.live && s.points.length ? {
        symbol: 'circle', symbolSize: 6, silent: true, label: { show: false },
        data: [{ name: s.name, coord: s.points[s.points.length - 1] }], itemStyle: { color: s.color, borderColor: t.surface, borderWidth: 1.5 },
      } : undefined,
      markLine: i === 0 && marks.length ? { silent: true, symbol: 'none', data: marks, animation: false } : undefined,
    })),
  }
}

/** Round bounds and a round step around values, for an axis of about four lines. */
export function nice(values: number[], from?: number): { min: number; max: number; step: number } {
  const lo = from ?? Math.min(...values)
  const hi = Math.max(...values)
  const rough = (hi - lo || Math.abs(hi) || 1) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999) ?? 10 * power
  const round = (n: number) => Number(n.toPrecision(12))
  return { min: round(Math.floor(lo / step + 1e-9) * step), max: round(Math.ceil(hi / step - 1e-9) * step), step: round(step) }
}

/** Vertical bars, zero-based. */
export function bars(t: Tokens, names: string[], values: number[], a: { y?: (v: number) => string; color?: string } = {}): EngineOption {
  return {
    grid: { left: 44, right: 12, top: 10, bottom: 22 },
    xAxis: { type: 'category', data: names, axisLabel: { hideOverlap: true, fontFamily: "'Inter', sans-serif" } },
    yAxis: { type: 'value', min: 0, splitNumber: 3, axisLabel: { formatter: (v: number) => (a.y ?? String)(v) } },
    tooltip: { trigger: 'axis', axisPointer: { type: 'shadow', shadowStyle: { color: t.hover, opacity: 0.6 } }, valueFormatter: (v) => (a.y ?? String)(v as number) },
    series: [{ type: 'bar', data: values, color: a.color ?? t.s1, barMaxWidth: 26 }],
  }
}

/** Text from documents goes into a tooltip as text, never as markup. */
export function escape(s: string): string {
  return s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
