import { useMemo } from 'react'

import type { Listed } from '../../api/types'
import type { Search } from '../../app/search'
import { metric, plural } from '../../format/numbers'
import { Panel } from '../../ui/basics'
import { ChartOrTable, useChartOrTable, useTokens } from '../../ui/Chart'
import { nice } from '../../ui/charts'
import { stampText } from '../../ui/Metric'
import { parallel, type ParallelAxis } from '../../ui/parallel'
import { axesOf, best, cut, measuredElsewhere, METRIC, placeOf, recall } from './board'
import { titleOf } from './facts'

/** What a picture of the board draws: like are the runs that may stand on one axis, rows what the filters leave. */
export interface Picture { like: Listed[]; rows: Listed[]; selected: string[]; set: (patch: Search) => void; pick: React.ReactNode }

/** Hyper-parameters against recall; a stroke over an axis filters. */
export function Parallel({ like, rows, selected, set, pick }: Picture) {
  const { table, button } = useChartOrTable()
  const t = useTokens()
  const axes = useMemo(() => axesOf(like), [like])
  const shown = rows.filter((e) => like.some((l) => l.id === e.id))
  const top = best(shown)
  const ends = nice(like.map((e) => e.metrics!.model[METRIC]))
  const drawn: ParallelAxis[] = [
    ...axes.map((a) => ({ id: a.trait.id, name: a.trait.name, steps: a.steps?.map((v) => a.trait.show(v)), min: a.min, max: a.max, show: a.trait.show })),
    { id: recall.id, name: recall.name, min: ends.min, max: ends.max, show: (v: number) => String(Number(v.toFixed(3))) },
  ]
  const colours = [t.s1, t.s2, t.s3]
  const left = measuredElsewhere(rows, like)
  return (
    <Panel
      className="board-parallel" title="Hyper-parameters and Recall@10" right={<>{pick}{button}</>}
      note={`${shown.length ? `drag along an axis to filter, ${plural(top.size, 'best', 'best')} of ${shown.length} in colour` : 'no measured run passes the filters'}${left ? `; ${left} measured otherwise left out` : ''}`}
      foot={like[0].metrics && stampText(like[0].metrics.protocol)}
    >
      <ChartOrTable
        table={table} height={212} label={`Hyper-parameters and Recall at 10 of ${plural(shown.length, 'experiment')}`}
        onStroke={(id, from, to) => {
          const a = axes.find((x) => x.trait.id === id)
          set({ [id]: a ? cut(a, from, to) : `${Number(from.toFixed(4))}..${Number(to.toFixed(4))}`, page: undefined })
        }}
        facts={{
          columns: ['Run', ...drawn.map((a) => a.name)],
          rows: shown.toSorted((a, b) => b.metrics!.model[METRIC] - a.metrics!.model[METRIC]).map((e) => [`#${e.number} ${titleOf(e)}`, ...axes.map((a) => a.trait.show(a.trait.of(e) ?? '—')), metric(e.metrics!.model[METRIC])]),
        }}
        option={(tokens) => parallel(tokens, drawn, shown.map((e) => ({
          name: `#${e.number} ${titleOf(e)}`, places: [...axes.map((a) => placeOf(a, e)), e.metrics!.model[METRIC]],
          look: selected.includes(e.id) ? colours[selected.indexOf(e.id)] : top.has(e.id) ? 'best' : 'other',
        })))}
      />
    </Panel>
  )
}
