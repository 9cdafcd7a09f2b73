import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'

import { metric, over, plural, signedShare } from '../../format/numbers'
import { absolute, clock, day } from '../../format/time'
import { Panel } from '../../ui/basics'
import { ChartOrTable, useChartOrTable, useTokens } from '../../ui/Chart'
import { stampText } from '../../ui/Metric'
import { trend } from '../../ui/trend'
import { measuredElsewhere, METRIC, trendOf } from './board'
import { titleOf } from './facts'
import type { Picture } from './Parallel'

const DAY = 86_400_000

/** The best Recall@10 so far over the runs in time, with the baselines of the newest run as lines. */
export function Trend({ like, rows, selected, pick }: Picture) {
  const { table, button } = useChartOrTable()
  const t = useTokens()
  const steps = useMemo(() => trendOf(rows.filter((e) => like.some((l) => l.id === e.id))), [like, rows])
  const last = steps[steps.length - 1]
  const left = measuredElsewhere(rows, like)
  const { item_knn: knn, popularity: pop, protocol } = like[0].metrics!
  const gain = last && over(last.top, knn[METRIC])
  const span = last ? last.at - steps[0].at : 0
  const time = (ms: number) => (span > 2 * DAY ? day(new Date(ms), new Date()) : span > DAY / 2 ? `${day(new Date(ms), new Date())} ${clock(new Date(ms))}` : clock(new Date(ms)))
  const colours = [t.s1, t.s2, t.s3]
  return (
    <Panel
      className="board-trend" title="Best Recall@10 in time" right={<>{pick}{button}</>} foot={stampText(protocol)}
      note={`${last ? `best of ${plural(steps.length, 'run')}: ${metric(last.top)}, #${last.best.number}${gain === undefined ? '' : `, ${signedShare(gain)} against item-kNN`}` : 'no measured run passes the filters'}${left ? `; ${left} measured otherwise left out` : ''}`}
    >
      <ChartOrTable
        table={table} height={212} label={last ? `Best Recall at 10 over ${plural(steps.length, 'experiment')} in time, now ${metric(last.top)}; item-kNN ${metric(knn[METRIC])}, popularity ${metric(pop[METRIC])}` : 'Best Recall at 10 in time, no run'}
        facts={{
          columns: ['Run', 'Ended', 'Recall@10', 'Best so far', 'item-kNN', 'Popularity'],
          rows: steps.toReversed().map((s) => [<Link key={s.e.id} className="link" to={`/projects/${s.e.project}/experiments/${s.e.id}`}>#{s.e.number} {titleOf(s.e)}</Link>, absolute(new Date(s.at)), metric(s.value), `${metric(s.top)} #${s.best.number}`, metric(s.e.metrics?.item_knn[METRIC]), metric(s.e.metrics?.popularity[METRIC])]),
        }}
        option={(tokens) => trend(
          tokens,
          steps.map((s) => ({ at: s.at, value: s.value, name: `#${s.e.number} ${titleOf(s.e)}`, ...(selected.includes(s.e.id) ? { color: colours[selected.indexOf(s.e.id)], mark: `#${s.e.number}` } : {}) })),
          steps.map((s) => [s.at, s.top]),
          [{ name: 'item-kNN', value: knn[METRIC], kind: 'knn' as const }, { name: 'popularity', value: pop[METRIC], kind: 'pop' as const }].filter((l) => l.value !== undefined),
          { time, value: metric },
        )}
      />
    </Panel>
  )
}
