import { BarChart, LineChart, type BarSeriesOption, type LineSeriesOption } from 'echarts/charts'
import {
  AriaComponent, GridComponent, MarkLineComponent, MarkPointComponent, TooltipComponent,
  type GridComponentOption, type MarkLineComponentOption, type TooltipComponentOption,
} from 'echarts/components'
import { init, registerTheme, use as register, type ComposeOption } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

import { dark, light, type Tokens } from '../theme/tokens'

export type EngineOption = ComposeOption<LineSeriesOption | BarSeriesOption | GridComponentOption | TooltipComponentOption | MarkLineComponentOption>

register([LineChart, BarChart, GridComponent, TooltipComponent, MarkLineComponent, MarkPointComponent, AriaComponent, SVGRenderer])

const MONO = "'JetBrains Mono', monospace"

function themeOf(t: Tokens) {
  const axis = {
    axisLine: { show: false }, axisTick: { show: false },
    axisLabel: { color: t.text3, fontFamily: MONO, fontSize: 10.5 },
    splitLine: { lineStyle: { color: t.line, width: 1 } },
  }
  return {
    color: [t.s1, t.s2, t.s3, t.s4],
    backgroundColor: 'transparent',
    textStyle: { fontFamily: "'Inter', sans-serif", fontSize: 11, color: t.text2 },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: axis,
    timeAxis: axis,
    line: { showSymbol: false, lineStyle: { width: 1.75 }, symbolSize: 6 },
    bar: { itemStyle: { borderRadius: 2 } },
    tooltip: {
      backgroundColor: t.surface, borderColor: t.line2, borderWidth: 1, padding: [6, 8], transitionDuration: 0,
      textStyle: { color: t.text, fontSize: 12, fontFamily: "'Inter', sans-serif" },
      axisPointer: { lineStyle: { color: t.line2, width: 1 } },
      extraCssText: 'box-shadow: 0 4px 16px rgb(0 0 0 / .08); border-radius: 6px;',
    },
  }
}

registerTheme('b2-light', themeOf(light))
registerTheme('b2-dark', themeOf(dark))

/** Puts a chart into an element and keeps it as wide as the element. */
export function attach(el: HTMLElement, scheme: 'light' | 'dark') {
  const chart = init(el, 'b2-' + scheme, { renderer: 'svg' })
  const watch = new ResizeObserver(() => chart.resize())
  watch.observe(el)
  return {
    chart,
    set: (o: EngineOption) => chart.setOption({ animation: false, aria: { enabled: false }, ...o }, { replaceMerge: ['series'], lazyUpdate: true }),
    dispose: () => {
      watch.disconnect()
      chart.dispose()
    },
  }
}
