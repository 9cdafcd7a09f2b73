import { useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconAlertTriangle } from '@tabler/icons-react'

import { q } from '../../api/queries'
import type { Experiment } from '../../api/types'
import { Title } from '../../app/Page'
import { metric, plural } from '../../format/numbers'
import { Panel } from '../../ui/basics'
import { ChartOrTable, useChartOrTable } from '../../ui/Chart'
import { lines } from '../../ui/charts'
import { FactTable } from '../../ui/DataTable'
import { metricName, stampText } from '../../ui/Metric'
import { differences, points, recallSeries, titleOf } from './facts'

const KEYS = ['s1', 's2', 's3'] as const
const NAMES = ['recall@5', 'recall@10', 'recall@50', 'recall@100', 'ndcg@5', 'ndcg@10', 'ndcg@50', 'ndcg@100']

/** Two or three experiments side by side: what differs, what came out, how they learned. */
export function Compare({ list, project }: { list: Experiment[]; project: string }) {
  const histories = useQueries({ queries: list.map((e) => ({ ...q.history(project, e), retry: false })) })
  const { table, button } = useChartOrTable()
  const differ = differences(list)
  const stamps = new Set(list.map((e) => e.metrics && stampText(e.metrics.protocol)))
  const heads = list.map((e) => <Link key={e.id} to={`/projects/${project}/experiments/${e.id}`} className="link mono">#{e.number}</Link>)
  const series = list.map((_, i) => points(histories[i].data, recallSeries(histories[i].data) ?? ''))
  const most = Math.max(...series.map((s) => s.length), 0)
  return (
    <>
      <Title after={<span className="t2">{plural(differ.length, 'setting')} differ</span>}>Compare {list.map((e) => `#${e.number}`).join(', ')}</Title>
      {stamps.size > 1 && <p className="row warn"><IconAlertTriangle size={16} stroke={1.75} aria-hidden />They were not measured in the same way: their numbers cannot be held against each other. {[...stamps].filter(Boolean).join(' | ')}</p>}
      <div className="cols-2">
        <Panel title="Metrics" note="test split" flush foot={stamps.size === 1 && list[0].metrics ? stampText(list[0].metrics.protocol) : undefined}>
          <div className="table-scroll" tabIndex={0} role="region" aria-label="Comparison, scrolls sideways">
            <table className="table table-28 facts" aria-label="Metrics compared">
              <thead><tr><th scope="col">Metric</th>{list.map((e, i) => <th key={e.id} scope="col" className="right"><span className="row tight" style={{ justifyContent: 'flex-end' }}><i className="dot" style={{ background: `var(--${KEYS[i]})` }} />{heads[i]}</span></th>)}<th scope="col" className="right">item-kNN</th><th scope="col" className="right">Popularity</th></tr></thead>
              <tbody>
                {NAMES.map((n) => {
                  const values = list.map((e) => e.metrics?.model[n])
                  const best = Math.max(...values.map((v) => v ?? -1))
                  return <tr key={n}><td>{metricName(n)}</td>{values.map((v, i) => <td key={i} className={`right mono${v !== undefined && v === best ? ' em' : ''}`}>{metric(v)}</td>)}<td className="right mono t2">{metric(list[0].metrics?.item_knn[n])}</td><td className="right mono t2">{metric(list[0].metrics?.popularity[n])}</td></tr>
                })}
              </tbody>
            </table>
          </div>
        </Panel>
        <Panel title="What differs" note="equal settings are left out" flush>
          {differ.length ? <FactTable label="Settings that differ" columns={['Setting', ...list.map((e) => `#${e.number}`)]} rows={differ.map((d) => [d.what, ...d.values])} /> : <p className="no-match t3">Nothing: they have equal settings.</p>}
        </Panel>
      </div>
      {most > 0 && (
        <Panel title="Recall by epoch" note="evaluation rows" right={<><span className="legend">{list.map((e, i) => <span key={e.id} title={titleOf(e)}><i style={{ borderColor: `var(--${KEYS[i]})` }} />#{e.number}</span>)}</span>{button}</>}>
          <ChartOrTable
            table={table} height={260} label="Recall by epoch of the compared experiments"
            facts={{ columns: ['Epoch', ...list.map((e) => `#${e.number}`)], rows: Array.from({ length: most }, (_, i) => [i + 1, ...series.map((s) => metric(s[i]?.[1]))]) }}
            option={(t) => lines(t, list.map((e, i) => ({ name: `#${e.number}`, color: t[KEYS[i]], points: series[i], width: i ? 1.25 : 2.25 })), [], { y: (v) => v.toFixed(2), xName: 'epoch' })}
          />
        </Panel>
      )}
    </>
  )
}
