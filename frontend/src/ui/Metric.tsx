import { IconRuler2 } from '@tabler/icons-react'

import type { ListedMetrics, Metrics, Stamped } from '../api/types'
import { delta, metric, over, signedShare, count } from '../format/numbers'
import { Copy, Help } from './basics'
import './metric.css'

/** What a metric means, with its source. */
export function MetricHelp({ name }: { name: string }) {
  const [kind, k] = name.split('@')
  return (
    <Help label={name}>
      {kind === 'ndcg'
        ? `NDCG@${k}: like recall, but a hit counts more the higher it stands in the first ${k}: 1/log2(rank + 1), divided by the best order possible (Järvelin and Kekäläinen 2002). Averaged over customers of the test split.`
        : `Recall@${k}: of the products a customer bought in the test split, the share that is among the first ${k} of the list. Averaged over customers; every candidate product is ranked, none is sampled.`}
    </Help>
  )
}

/** A name as people write it: recall@10 becomes Recall@10. */
export const metricName = (id: string): string => id.replace('recall', 'Recall').replace('ndcg', 'NDCG').replace('coverage', 'Coverage')

/** The stamp without which no number is shown: on which rows, against what, and how. */
export function Stamp({ protocol: p }: { protocol: Stamped }) {
  const text = stampText(p)
  return (
    <div className="stamp">
      <IconRuler2 size={14} stroke={1.75} aria-hidden />
      <span title={p.rules}>{text}</span>
      <Copy text={p.rules ? `${text}. ${p.rules}` : text} label="Copy the protocol" />
    </div>
  )
}

export function stampText(p: Stamped): string {
  return [p.split, `${count(p.customers)} customers`, p.candidates, `repeat purchases ${p.seen_items}`, `seed ${p.seed}`].filter(Boolean).join(' · ')
}

/** The model's verdict against the baselines, as a tone and words. */
export function verdictOf(m: ListedMetrics, name = 'recall@10'): { tone: 'ok' | 'warn' | 'err'; text: string } {
  const knn = over(m.model[name], m.item_knn[name])
  const pop = over(m.model[name], m.popularity[name])
  if (pop !== undefined && pop < 0) return { tone: 'err', text: `${signedShare(pop)} against popularity: worse than a best-seller list` }
  if (knn !== undefined && knn < 0) return { tone: 'err', text: `${signedShare(knn)} against item-kNN` }
  return { tone: 'ok', text: knn === undefined ? m.verdict : `${signedShare(knn)} over item-kNN` }
}

/** A metric with its meaning, and the bars of model, item-kNN and popularity on one scale. */
export function MetricHero({ metrics: m, name, model }: { metrics: ListedMetrics; name: string; model: string }) {
  const value = m.model[name]
  const k = name.split('@')[1]
  const verdict = verdictOf(m, name)
  const rows = [
    { label: model, v: value, cls: 'model' },
    { label: 'item-kNN', v: m.item_knn[name], cls: 'knn' },
    { label: 'Popularity', v: m.popularity[name], cls: 'pop' },
  ]
  const top = Math.max(...rows.map((r) => r.v ?? 0)) * 1.1 || 1
  return (
    <div className="hero">
      <div className="row base">
        <span className="hero-value mono">{metric(value)}</span>
        <span className="em">{metricName(name)}, test</span>
        <MetricHelp name={name} />
      </div>
      <p className="t2">
        Of the products a customer bought in the test time, {Math.round((value ?? 0) * 100)} % are in the first {k} we list.{' '}
        <span className={`em ${verdict.tone}`}>{verdict.text}.</span>
      </p>
      <div className="hero-bars">
        {rows.map((r) => (
          <div key={r.cls} className="hero-row">
            <span className={r.cls === 'model' ? 'em clip' : 't2 clip'}>{r.label}</span>
            <span className="hero-track"><span className={`hero-bar hero-${r.cls}`} style={{ width: `${((r.v ?? 0) / top) * 100}%` }} /></span>
            <span className="mono right">{metric(r.v)}</span>
            <span className="mono right t3 small">{r.cls === 'model' ? '' : delta((r.v ?? NaN) - (value ?? NaN))}</span>
          </div>
        ))}
      </div>
    </div>
  )
}

/** A value with a bar and a tick at item-kNN, for rows; the bar starts at zero. */
export function InlineMetric({ value, knn, top, color = 'var(--pop)' }: { value: number | undefined; knn: number | undefined; top: number; color?: string }) {
  if (value === undefined) return <span className="t3">—</span>
  const scale = top || 1
  return (
    <span className="inline-metric" title={knn === undefined ? undefined : `The tick is item-kNN on the same protocol, ${metric(knn)}`}>
      <span className="inline-track">
        <span style={{ width: `${Math.min(1, value / scale) * 100}%`, background: color }} />
        {knn !== undefined && <i style={{ left: `${Math.min(1, knn / scale) * 100}%` }} />}
      </span>
      <span className={`mono ${knn !== undefined && value < knn ? 'err' : ''}`}>{metric(value)}</span>
    </span>
  )
}

/** Recall and NDCG at every cutoff: model, item-kNN, popularity, and the model against item-kNN. */
export function BaselineTable({ metrics: m, model }: { metrics: Metrics; model: string }) {
  const cuts = m.protocol.cutoffs?.length ? m.protocol.cutoffs : [5, 10, 50, 100]
  const kinds = ['recall', 'ndcg']
  const rows = [
    { name: model, s: m.model, cls: 'model' },
    { name: 'item-kNN', s: m.item_knn, cls: 'knn' },
    { name: 'Popularity', s: m.popularity, cls: 'pop' },
  ]
  return (
    <div className="baselines-scroll" tabIndex={0} role="region" aria-label="Metrics beside baselines">
      <table className="baselines">
        <thead>
          <tr><td />{kinds.map((k) => <th key={k} colSpan={cuts.length} scope="colgroup" className="group">{metricName(k)}</th>)}</tr>
          <tr><th scope="col">Test split</th>{kinds.flatMap((k) => cuts.map((c, i) => <th key={k + c} scope="col" className={`mono right${i ? '' : ' group'}`}>@{c}</th>))}</tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.cls} className={r.cls}>
              <th scope="row"><i className={`key-${r.cls}`} aria-hidden />{r.name}</th>
              {kinds.flatMap((k) => cuts.map((c, i) => <td key={k + c} className={`mono right${i ? '' : ' group'}`}>{metric(r.s[`${k}@${c}`], true)}</td>))}
            </tr>
          ))}
          <tr className="versus">
            <th scope="row" className="t3">vs item-kNN</th>
            {kinds.flatMap((k) => cuts.map((c, i) => {
              const d = over(m.model[`${k}@${c}`], m.item_knn[`${k}@${c}`])
              return <td key={k + c} className={`mono right${i ? '' : ' group'} ${d === undefined || Math.abs(d) < 0.005 ? 't3' : d < 0 ? 'err' : 'ok'}`}>{d === undefined ? '—' : Math.abs(d) < 0.005 ? '0%' : signedShare(d).replace('\u2009', '')}</td>
            }))}
          </tr>
        </tbody>
      </table>
    </div>
  )
}
