import { Button, NumberInput, Select, Switch, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconAlertTriangle, IconBuildingStore, IconEye, IconSearch, IconSparkles } from '@tabler/icons-react'

import { url } from '../../api/client'
import { problemOf } from '../../api/problem'
import { q } from '../../api/queries'
import type { Bought, Listed, RecItem, Recommendations, WarehouseColumn } from '../../api/types'
import { Page } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { count, plural } from '../../format/numbers'
import { date } from '../../format/time'
import { Copy, Panel, Skeleton, Term } from '../../ui/basics'
import { DataTable, type Column } from '../../ui/DataTable'
import { Empty, GhostRow } from '../../ui/Empty'
import { Failed } from '../../ui/Problem'
import { currentModel } from '../overview/life'
import './recommendations.css'

/** Pick a customer; see what they bought and what they would get. */
export function RecommendationsPage() {
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const [typed] = useDebouncedValue(search.q ?? '', 250)
  const experiments = useQuery(q.experiments(project, { limit: 100 }))
  const done = experiments.data?.items.filter((e) => e.status === 'completed' && (e.recommendations ?? 1) > 0)
  const customers = useQuery({ ...q.customers(project, { search: typed, limit: 12 }), enabled: !!done?.length, placeholderData: (o) => o })
  const chosen = search.customer ?? (typed ? undefined : customers.data?.items[0]?.id)
  const crumbs = [{ label: 'Recommendations' }, ...(chosen ? [{ label: chosen }] : [])]
  const error = experiments.error
  if (error) return <Page crumbs={crumbs}><Failed error={error} retry={() => void experiments.refetch()} /></Page>
  if (done && done.length === 0) {
    return (
      <Page crumbs={crumbs}>
        <Empty title="Finish an experiment first" action={<Button component={Link} to={`/projects/${project}/experiments/new`} variant="filled">New experiment</Button>} ghost={<GhostRow labels={['1', '2', '3', '4', '5']} />}>
          An experiment that completes writes a list of 100 products for every customer; they can be asked for here and by the API.
        </Empty>
      </Page>
    )
  }
  const pick = (id: string | undefined) => set({ customer: id }, true)
  return (
    <Page
      crumbs={crumbs}
      actions={done && done.length > 0 && <Select aria-label="Lists of which experiment" w={210} data={[{ value: '', label: `Newest, #${currentModel(done)?.number ?? done[0].number}` }, ...done.map((e) => ({ value: e.id, label: `#${e.number} ${e.name || e.snapshot.feature_name}` }))]} value={search.experiment ?? ''} onChange={(v) => set({ experiment: v || undefined })} />}
    >
      <div className="rec-cols">
        <div className="stack">
          <Panel flush label="Customers">
            <div className="rec-search" data-search>
              <TextInput
                aria-label="Customer number" placeholder="Customer number" leftSection={<IconSearch size={14} />} value={search.q ?? ''} onChange={(e) => set({ q: e.currentTarget.value })}
                onKeyDown={(e) => { if (e.key === 'Enter' && search.q) pick(customers.data?.items.find((c) => c.id === search.q)?.id ?? search.q) }}
              />
            </div>
            {customers.error ? <div style={{ padding: 12 }}><Failed error={customers.error} retry={() => void customers.refetch()} /></div> : !customers.data ? <Skeleton rows={8} height={36} /> : (
              <ul className="rec-list" aria-label="Customers with lists">
                {customers.data.items.map((c) => (
                  <li key={c.id}><button type="button" className={c.id === chosen ? 'active' : ''} aria-current={c.id === chosen ? 'true' : undefined} onClick={() => pick(c.id)}><IconBuildingStore size={15} stroke={1.75} aria-hidden /><span className="mono clip grow">{c.id}</span><span className="mono t2" title="purchases in the dataset">{count(c.purchases)}</span></button></li>
                ))}
                {typed && !customers.data.items.some((c) => c.id === typed) && <li><button type="button" onClick={() => pick(typed)}><IconSearch size={15} aria-hidden /><span className="grow">Ask for <span className="mono">{typed}</span> anyway</span></button></li>}
              </ul>
            )}
            {customers.data && <p className="table-foot">{plural(customers.data.items.length, 'customer')}{customers.data.next ? ', more follow: search' : ''}; at the right, purchases</p>}
          </Panel>
          <Panel title="When the customer is unknown"><p className="t2">A customer who was not in training has no list. They get the most bought products of the training time, and the answer says so: <span className="mono small">"source": "popular"</span>.</p></Panel>
        </div>
        {chosen ? <Customer project={project} customer={chosen} experiments={done ?? []} /> : <Panel><p className="t2">Choose a customer at the left, or press <span className="mono">/</span> and type a number.</p></Panel>}
      </div>
    </Page>
  )
}

function Customer({ project, customer, experiments }: { project: string; customer: string; experiments: Listed[] }) {
  const [search, set] = useAddress()
  const k = Math.min(100, Math.max(1, Number(search.k) || 10))
  const exclude = search.new === '1'
  const params = { k, exclude_seen: exclude, experiment: search.experiment, bought: 20 }
  const recs = useQuery({ ...q.recommend(project, customer, params), placeholderData: (o) => (o?.customer === customer ? o : undefined), retry: false })
  const r = recs.data
  const experiment = experiments.find((e) => e.id === r?.experiment)
  // The list leaves the dataset's schema out.
  const whole = useQuery({ ...q.experiment(project, r?.experiment ?? ''), enabled: !!r?.experiment, retry: false })
  const schema = whole.data?.snapshot.dataset_version.schema ?? []
  const shown = r?.experiment && whole.isPending ? undefined : r
  if (recs.error) return problemOf(recs.error).status === 404 ? <Failed error={recs.error} /> : <Failed error={recs.error} retry={() => void recs.refetch()} />
  const call = url(`${location.origin}/v1/projects/${project}/recommendations/${encodeURIComponent(customer)}`, { k, exclude_seen: exclude || undefined })
  const curl = `curl -H "Authorization: Bearer $TOKEN" '${call}'`
  return (
    <div className="stack">
      {r?.source === 'popular' && (
        <div className="fallback" role="status"><IconAlertTriangle size={16} stroke={1.75} className="warn" aria-hidden /><div><div className="em"><span className="mono">{customer}</span> is not in the model{experiment ? ` of #${experiment.number}` : ''}</div><div className="t2">{r.reason || 'These are the most bought products of the training time, the same for everybody.'}</div></div></div>
      )}
      <Panel title={`What ${customer} would get`} note={r ? (r.source === 'popular' ? 'the popular list' : `model of #${experiment?.number ?? '?'}, first ${r.items.length}`) : undefined} flush
        right={<>
          <Switch label={<Term tip="Leaves out products the customer has bought already.">only new to them</Term>} checked={exclude} onChange={(e) => set({ new: e.currentTarget.checked ? '1' : undefined })} />
          <NumberInput aria-label="How many products" w={64} min={1} max={100} value={k} onChange={(v) => set({ k: Number(v) === 10 ? undefined : String(v || 10) })} />
        </>}
      >
        <Items r={shown} schema={schema} />
      </Panel>
      {(shown?.bought?.length ?? 0) > 0 && <BoughtTable bought={shown!.bought!} customer={customer} schema={schema} />}
      <Panel title="Ask for it yourself" flush>
        <div className="rec-call"><code className="mono" tabIndex={0} role="region" aria-label="The same as a call">{curl}</code><Copy text={curl} label="Copy the call" /></div>
      </Panel>
    </div>
  )
}

function Items({ r, schema }: { r: Recommendations | undefined; schema: WarehouseColumn[] }) {
  const names = attributeNames(r?.items ?? [], schema)
  const times = timesOf(schema)
  const scores = (r?.items ?? []).map((i) => i.score)
  const hi = Math.max(...scores, 0)
  const lo = Math.min(...scores, 0)
  const bought = new Set((r?.bought ?? []).map((b) => b.product))
  const columns: Column<RecItem>[] = [
    { id: 'rank', header: <span className="visually-hidden">Rank</span>, width: 48, right: true, cell: (i) => <span className="mono t3">{i.rank}</span> },
    { id: 'product', header: 'Product', cell: (i) => <span className="mono em">{i.product}</span> },
    ...names.map((n): Column<RecItem> => ({ id: 'a-' + n, header: n.replaceAll('_', ' '), wide: true, right: typeof r?.items[0]?.attributes?.[n] === 'number', cell: (i) => <span className="t2">{show(i.attributes?.[n], times.has(n))}</span> })),
    { id: 'seen', header: 'Seen', width: 120, wide: true, cell: (i) => (i.seen ?? bought.has(i.product) ? <span className="row tight t3"><IconEye size={14} stroke={1.75} aria-hidden />bought</span> : <span className="row tight acc"><IconSparkles size={14} stroke={1.75} aria-hidden />new to them</span>) },
    r?.source === 'popular' ? { id: 'score', header: <Term tip="How many customers bought it in the training time, or how often; the list is the same for everybody.">Bought</Term>, width: 110, right: true, cell: (i) => <span className="mono">{count(i.score)}</span> } : { id: 'score', header: <Term tip="The dot product of the customer's and the product's vectors. It orders one customer's list; it is no probability, and lists cannot be compared by it.">Score</Term>, width: 150, right: true, cell: (i) => <span className="score"><span className="score-track"><span style={{ width: `${hi > lo ? ((i.score - lo) / (hi - lo)) * 100 : 100}%` }} /></span><span className="mono">{i.score.toFixed(3)}</span></span> },
  ]
  return <DataTable label="Recommended products" rows={r?.items} columns={columns} rowId={(i) => String(i.rank)} skeleton={10} empty={<p className="no-match t3">Nothing is left: every product of the list was bought already.</p>} />
}

function BoughtTable({ bought, customer, schema }: { bought: Bought[]; customer: string; schema: WarehouseColumn[] }) {
  const names = attributeNames(bought, schema)
  const times = timesOf(schema)
  const columns: Column<Bought>[] = [
    { id: 'product', header: 'Product', cell: (b) => <span className="mono em">{b.product}</span> },
    ...names.map((n): Column<Bought> => ({ id: 'a-' + n, header: n.replaceAll('_', ' '), wide: true, right: typeof bought[0]?.attributes?.[n] === 'number', cell: (b) => <span className="t2">{show(b.attributes?.[n], times.has(n))}</span> })),
    { id: 'n', header: 'Times', width: 80, right: true, cell: (b) => <span className="mono">{count(b.count)}</span> },
    { id: 'at', header: 'Last', width: 120, right: true, cell: (b) => <span className="t2 nowrap">{b.time ? date(b.time) : '—'}</span> },
  ]
  return <Panel title={`What ${customer} bought`} note={`the last ${plural(bought.length, 'product')}`} flush><DataTable label="Bought products" rows={bought} columns={columns} rowId={(b) => b.product + (b.time ?? '')} height={28} /></Panel>
}

/** At most four attributes that the products have, in the order of the dataset's columns. */
function attributeNames(items: { attributes?: Record<string, unknown> }[], schema: WarehouseColumn[]): string[] {
  const place = (n: string) => (schema.findIndex((c) => c.name === n) + 1 || schema.length + 1)
  return [...new Set(items.flatMap((i) => Object.keys(i.attributes ?? {})))].sort((a, b) => place(a) - place(b)).slice(0, 4)
}

/** Columns of time: they reach training, and the lists, as Unix seconds. */
const timesOf = (schema: WarehouseColumn[]) => new Set(schema.filter((c) => /^(DATE|DATETIME|TIMESTAMP)$/.test(c.type)).map((c) => c.name))

function show(v: unknown, time: boolean): React.ReactNode {
  if (v === null || v === undefined || v === '' || v === '__MISSING__') return '—'
  if (time && typeof v === 'number') return <span className="nowrap">{date(new Date(v * 1000).toISOString())}</span>
  return typeof v === 'number' ? <span className="mono">{v.toLocaleString('en-US', Number.isInteger(v) ? {} : { minimumFractionDigits: 2, maximumFractionDigits: 2 })}</span> : String(v)
}

