import { IconInfoCircle } from '@tabler/icons-react'

import type { Experiment, History } from '../../api/types'
import { figure, metric, over, signedShare } from '../../format/numbers'
import { duration } from '../../format/time'
import { Figure, Help, Panel } from '../../ui/basics'
import { ChartOrTable, useChartOrTable } from '../../ui/Chart'
import { lines, nice } from '../../ui/charts'
import { FactTable } from '../../ui/DataTable'
import { BaselineTable, metricName, Stamp, verdictOf } from '../../ui/Metric'
import { Chip } from '../../ui/Status'
import { active, points, recallSeries } from './facts'

/** Loss, recall and the metrics beside the baselines, in one row. */
export function Training({ e, history }: { e: Experiment; history: History | undefined }) {
  return (
    <div className="exp-cols">
      <Loss e={e} history={history} height={250} />
      <Recall e={e} history={history} height={250} />
      <Baselines e={e} history={history} />
    </div>
  )
}

function Loss({ e, history, height }: { e: Experiment; history: History | undefined; height: number }) {
  const { table, button } = useChartOrTable()
  const train = points(history, 'loss')
  const val = points(history, 'val_loss')
  const last = (p: [number, number][]) => p[p.length - 1]?.[1]
  return (
    <Panel title="Loss" right={<><span className="legend"><span><i style={{ borderColor: 'var(--s4)' }} />train {figure(last(train))}</span>{val.length > 0 && <span><i style={{ borderColor: 'var(--s1)' }} />evaluation {figure(last(val))}</span>}</span>{button}</>}>
      {train.length ? (
        <ChartOrTable
          table={table} height={height} label="Loss by epoch"
          facts={{ columns: ['Epoch', 'Train', 'Evaluation'], rows: train.map(([x, y], i) => [x, figure(y), figure(val[i]?.[1])]) }}
          option={(t) => lines(t, [{ name: 'train', color: t.s4, points: train, live: active(e) }, { name: 'evaluation', color: t.s1, points: val, live: active(e) }], [], { y: (v) => figure(v), xMin: 1, xMax: Math.max(2, active(e) ? e.settings.epochs : last2(train)), xName: 'epoch' })}
        />
      ) : <Waits e={e} height={height} what="The loss" />}
    </Panel>
  )
}

function Recall({ e, history, height }: { e: Experiment; history: History | undefined; height: number }) {
  const { table, button } = useChartOrTable()
  const series = recallSeries(history)
  const curve = points(history, series ?? '')
  const name = series?.replace('val_', '') ?? 'recall@10'
  const levels = e.metrics ? [{ name: 'item-kNN, test', value: e.metrics.item_knn[name], kind: 'knn' as const }, { name: 'popularity, test', value: e.metrics.popularity[name], kind: 'pop' as const }].filter((l) => l.value !== undefined) : []
  const best = e.best_epoch
  const values = [...curve.map((c) => c[1]), ...levels.map((l) => l.value)]
  return (
    <Panel
      title={metricName(name)} note="evaluation rows, by epoch"
      right={<>{active(e) && curve.length > 0 && <Chip tone="warn">interim</Chip>}{button}</>}
    >
      {curve.length ? (
        <ChartOrTable
          table={table} height={height} label={`${metricName(name)} on the evaluation rows by epoch, with the baselines of the test split`}
          facts={{ columns: ['Epoch', metricName(name)], rows: [...curve.map(([x, y]) => [x === best ? `${x}, best` : x, metric(y)]), ...levels.map((l) => [l.name, metric(l.value)])] }}
          option={(t) => lines(t, [{ name: `#${e.number}`, color: t.s1, points: curve, live: true }], levels, { y: (v) => v.toFixed(2), xMin: 1, xMax: Math.max(2, active(e) ? e.settings.epochs : last2(curve)), ...nice(values), xName: 'epoch' })}
        />
      ) : <Waits e={e} height={height} what="Recall" />}
    </Panel>
  )
}

const last2 = (p: [number, number][]) => p[p.length - 1]?.[0] ?? 1

function Waits({ e, height, what }: { e: Experiment; height: number; what: string }) {
  return <div className="chart-waits t3" style={{ height }}>{active(e) ? `${what} appears after the first epoch.` : 'No epoch was finished.'}</div>
}

function Baselines({ e, history }: { e: Experiment; history: History | undefined }) {
  const m = e.metrics
  const help = <Help label="this table">Every product of the catalogue is ranked for every customer of the test split; none is sampled. Popularity lists the most bought products of training. item-kNN lists what is bought with what the customer bought (cosine, 100 neighbours). A model below popularity is a defect.</Help>
  if (!m) {
    const series = recallSeries(history)
    const curve = points(history, series ?? '')
    return (
      <Panel title="Against baselines" right={<>{active(e) && <Chip tone="warn">interim</Chip>}{help}</>} flush foot="Test figures come from the Evaluator, once, after the last epoch.">
        <div className="figures" style={{ flex: 1 }}>{curve.length ? <Figure value={metric(curve[curve.length - 1][1])} label={`${metricName(series!.replace('val_', ''))}, evaluation rows, epoch ${curve[curve.length - 1][0]}`} /> : <p className="t3">{active(e) ? 'Nothing is measured yet.' : 'This run ended before it was measured.'}</p>}</div>
      </Panel>
    )
  }
  const v = verdictOf(m)
  const pop = over(m.model['recall@10'], m.popularity['recall@10'])
  return (
    <Panel title="Against baselines" right={<><Chip tone={v.tone === 'ok' ? 'ok' : 'err'}>{m.verdict}</Chip>{help}</>} flush foot={<Stamp protocol={m.protocol} />}>
      <BaselineTable metrics={m} model={`#${e.number}${e.best_epoch === undefined ? '' : e.best_epoch ? `, epoch ${e.best_epoch}` : ', untrained'}`} />
      <p className={`verdict small ${v.tone}`}>Recall@10: {v.text}{pop !== undefined && pop >= 0 ? `, ${signedShare(pop)} over popularity` : ''}.</p>
    </Panel>
  )
}

/** All series of training, the best epoch, where the time went, and the parameters. */
export function TrainingTab({ e, history }: { e: Experiment; history: History | undefined }) {
  const others = Object.keys(history?.series ?? {}).filter((n) => !['loss', 'val_loss'].includes(n) && !n.startsWith('val_recall'))
  const timings = Object.entries(history?.timings ?? {}).sort((a, b) => b[1] - a[1])
  return (
    <>
      <div className="cols-2"><Loss e={e} history={history} height={280} /><Recall e={e} history={history} height={280} /></div>
      {e.best_epoch !== undefined && (
        <p className="row t2">
          <IconInfoCircle size={16} stroke={1.75} aria-hidden />
          {e.best_epoch ? `Epoch ${e.best_epoch} was best on the evaluation rows; its weights are the ones that were measured and that serve.` : 'No epoch was better on the evaluation rows than the start: the untrained model was measured and serves.'}
        </p>
      )}
      <div className="cols-2">
        <Panel title="Every epoch" flush>
          {history?.epochs?.length ? (
            <FactTable label="Every epoch" columns={['Epoch', ...seriesNames(history)]} rows={history.epochs.map((_, i) => [points(history, 'loss')[i]?.[0] ?? i + 1, ...seriesNames(history).map((n) => figure(history.series[n]?.[i]))])} />
          ) : <p className="no-match t3">No epoch was finished yet.</p>}
        </Panel>
        <div className="stack">
          {timings.length > 0 && <Panel title="Where the time went" flush><FactTable label="Seconds by task" columns={['Task', 'Time']} rows={timings.map(([k, v]) => [k, duration(v)])} /></Panel>}
          {history?.params && <Panel title="Parameters" flush><FactTable label="Parameters" columns={['Name', 'Value']} rows={Object.entries(history.params).map(([k, v]) => [k, typeof v === 'object' ? JSON.stringify(v) : String(v)])} /></Panel>}
          {others.length === 0 && timings.length === 0 && !history?.params && <p className="t3">Timings and parameters are written when training ends.</p>}
        </div>
      </div>
    </>
  )
}

function seriesNames(h: History): string[] {
  const first = ['loss', 'val_loss', 'val_recall@10', 'learning_rate', 'seconds']
  return Object.keys(h.series).sort((a, b) => rankOf(first, a) - rankOf(first, b)).slice(0, 7)
}
const rankOf = (first: string[], n: string) => (first.includes(n) ? first.indexOf(n) : first.length)
