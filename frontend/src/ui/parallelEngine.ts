import { ParallelChart } from 'echarts/charts'
import { ParallelComponent } from 'echarts/components'
import { use as register } from 'echarts/core'

import { attach, type EngineOption } from './chartEngine'

register([ParallelChart, ParallelComponent])

interface Stroke { parallelAxisId?: string; intervals?: [number, number][] }

/** Parallel coordinates; a stroke over an axis is told once, when it ends, and wiped. */
export function attachParallel(el: HTMLElement, scheme: 'light' | 'dark', onStroke: (axis: string, from: number, to: number) => void) {
  const a = attach(el, scheme)
  a.chart.on('axisareaselected', (raw) => {
    const { parallelAxisId, intervals } = raw as Stroke
    if (!parallelAxisId || !intervals?.length) return
    const [from, to] = intervals[0]
    onStroke(parallelAxisId, Math.min(from, to), Math.max(from, to))
    setTimeout(() => a.chart.isDisposed() || a.chart.dispatchAction({ type: 'axisAreaSelect', parallelAxisId, intervals: [] }))
  })
  return { ...a, set: (o: EngineOption) => a.chart.setOption({ animation: false, ...o }, { notMerge: true, lazyUpdate: true }) }
}
