import type { Tokens } from '../theme/tokens'
import type { EngineOption } from './chartEngine'
import { escape } from './charts'

export interface ParallelAxis { id: string; name: string; steps?: string[]; min?: number; max?: number; show: (v: number) => string }
export interface ParallelLine { name: string; places: number[]; look: 'other' | 'best' | string }

/** Straight lines over parallel axes: the others grey, the best tinted, a selection in its colour on top. */
export function parallel(t: Tokens, axes: ParallelAxis[], list: ParallelLine[]): EngineOption {
  const rank = (l: ParallelLine) => (l.look === 'other' ? 0 : l.look === 'best' ? 1 : 2)
  // Few lines must be seen one by one; many make a picture together.
  const faint = (least: number, most: number) => Math.max(least, Math.min(most, (most * 12) / list.length))
  const style = (look: string) => (look === 'other' ? { color: t.text3, opacity: faint(0.13, 0.6), width: 1 } : look === 'best' ? { color: t.accent, opacity: faint(0.28, 0.9), width: 1.25 } : { color: look, opacity: 1, width: 2.25 })
  return {
    parallel: { left: 56, right: 64, top: 34, bottom: 14, axisExpandable: false },
    parallelAxis: axes.map((a, dim) => ({
      id: a.id, dim, name: a.name, nameLocation: 'end', nameGap: 14, realtime: false,
      nameTextStyle: { color: t.text, fontSize: 11, fontWeight: 500 },
      ...(a.steps ? { type: 'category', data: a.steps, boundaryGap: a.steps.length < 2 } : { type: 'value', min: a.min, max: a.max, splitNumber: 4, scale: true }),
      axisLine: { show: true, lineStyle: { color: t.text3, width: 1 } }, axisTick: { show: false }, splitLine: { show: false },
      axisLabel: { color: t.text2, fontFamily: "'JetBrains Mono', monospace", fontSize: 10.5, backgroundColor: t.surface, padding: [2, 3], ...(a.steps ? {} : { formatter: (v: number) => a.show(v) }) },
      areaSelectStyle: { width: 16, borderWidth: 1, borderColor: t.accent, color: t.accent, opacity: 0.15 },
    })),
    tooltip: {
      trigger: 'item',
      formatter: (raw: unknown) => {
        const { data } = raw as { data: { name: string; value: number[] } }
        return `<div class="chart-tip">${escape(data.name)}<br>${axes.map((a, i) => `${escape(a.name)} <b>${escape(a.steps ? (a.steps[data.value[i]] ?? '—') : a.show(data.value[i]))}</b>`).join('<br>')}</div>`
      },
    },
    series: [{
      type: 'parallel', inactiveOpacity: 0.05, activeOpacity: 1, emphasis: { lineStyle: { width: 2.25, opacity: 1 } },
      data: list.toSorted((a, b) => rank(a) - rank(b)).map((l) => ({ name: l.name, value: l.places, lineStyle: style(l.look) })),
    }],
  } as EngineOption
}
