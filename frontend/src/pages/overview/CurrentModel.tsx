import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import { q } from '../../api/queries'
import type { Listed } from '../../api/types'
import { metric } from '../../format/numbers'
import { Panel } from '../../ui/basics'
import { ChartOrTable, useChartOrTable } from '../../ui/Chart'
import { lines, nice } from '../../ui/charts'
import { MetricHero, Stamp, verdictOf } from '../../ui/Metric'
import { Chip, Status } from '../../ui/Status'

const NAME = 'recall@10'

/** Experiments measured in the same way as this one: only those can stand on one axis. */
function sameProtocol(e: Listed, all: Listed[]): Listed[] {
  const p = e.metrics!.protocol
  return all
    .filter((o) => o.status === 'completed' && o.metrics && o.metrics.protocol.split === p.split && o.metrics.protocol.seen_items === p.seen_items && o.metrics.protocol.items === p.items)
    .sort((a, b) => a.number - b.number)
}

/** The newest measured model, beside its baselines, with what its numbers were measured on. */
export function CurrentModel({ current, experiments, project }: { current: Listed | undefined; experiments: Listed[]; project: string }) {
  const { table, button } = useChartOrTable()
  // The list leaves the protocol's rules out.
  const whole = useQuery({ ...q.experiment(project, current?.id ?? ''), enabled: !!current?.metrics, retry: false })
  if (!current?.metrics) {
    return (
      <Panel title="Current model">
        <p className="t2">No experiment has been measured yet. The first one takes a few minutes and is compared with popularity and item-kNN.</p>
      </Panel>
    )
  }
  const m = current.metrics
  const series = sameProtocol(current, experiments)
  const verdict = verdictOf(m, NAME)
  return (
    <Panel
      title={<>Current model <Chip><Link to={`/projects/${project}/experiments/${current.id}`}>#{current.number}</Link></Chip></>} label="Current model" flush
      right={<Status state={verdict.tone === 'ok' ? 'completed' : 'failed'}>{verdict.tone === 'ok' ? 'Beats item-kNN' : 'Below a baseline'}</Status>}
      foot={<Stamp protocol={whole.data?.metrics?.protocol ?? m.protocol} />}
    >
      <div className="current-hero"><MetricHero metrics={m} name={NAME} model={`Model #${current.number}`} /></div>
      {series.length > 1 && (
        <div className="current-trend">
          <div className="row"><span className="em">Recall@10 by experiment</span><span className="end t3 small">same protocol</span>{button}</div>
          <ChartOrTable
            table={table} height={180} label="Recall at 10 of every experiment with the same protocol"
            facts={{ columns: ['Experiment', 'Recall@10', 'item-kNN', 'Popularity'], rows: series.map((e) => [`#${e.number}`, metric(e.metrics!.model[NAME]), metric(e.metrics!.item_knn[NAME]), metric(e.metrics!.popularity[NAME])]) }}
            option={(t) => lines(
              t,
              [{ name: 'model', color: t.s1, points: series.map((e) => [e.number, e.metrics!.model[NAME]]), live: true }],
              [{ name: 'item-kNN', value: m.item_knn[NAME], kind: 'knn' }, { name: 'popularity', value: m.popularity[NAME], kind: 'pop' }],
              { x: (v) => `#${v}`, y: (v) => v.toFixed(2), ...nice([m.popularity[NAME], m.item_knn[NAME], ...series.map((e) => e.metrics!.model[NAME])]) },
            )}
          />
        </div>
      )}
    </Panel>
  )
}
