import { Button, Checkbox, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconArrowsDiff, IconPlayerPlay, IconSearch, IconX } from '@tabler/icons-react'
import { useEffect } from 'react'

import { q } from '../../api/queries'
import type { Experiment } from '../../api/types'
import { Live, Page, Title } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { typing } from '../../app/shortcuts'
import { count, metric } from '../../format/numbers'
import { Ago, Key, Panel, Took } from '../../ui/basics'
import { DataTable, Paging, type Column } from '../../ui/DataTable'
import { Empty, GhostRow, NoMatch } from '../../ui/Empty'
import { InlineMetric } from '../../ui/Metric'
import { Failed } from '../../ui/Problem'
import { Chip, Status } from '../../ui/Status'
import { currentModel } from '../overview/life'
import { Compare } from './Compare'
import { active, batchSize, learningRate, titleOf } from './facts'
import './experiments.css'

export const COMPARE_COLOURS = ['var(--s1)', 'var(--s2)', 'var(--s3)']
const STATES = [['active', 'running'], ['completed', 'completed'], ['failed', 'failed'], ['cancelled', 'cancelled']] as const

/** Every experiment with its metrics beside item-kNN; up to three can be compared. */
export function Experiments() {
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const [typed] = useDebouncedValue(search.q ?? '', 250)
  const list = useQuery({ ...q.experiments(project, { limit: 50, cursor: search.cursor, status: search.status, dataset: search.dataset, search: typed }), placeholderData: keepPreviousData })
  const datasets = useQuery(q.datasets(project, { limit: 50 }))
  const all = list.data?.items
  const selected = (search.sel ?? '').split(',').filter(Boolean)
  const filters = [search.status, search.dataset, search.q].filter(Boolean).length
  const top = Math.max(...(all ?? []).map((e) => Math.max(e.metrics?.model['recall@10'] ?? 0, e.metrics?.item_knn['recall@10'] ?? 0)), 0) * 1.05
  const serving = all && currentModel(all)
  const toggle = (id: string) => set({ sel: (selected.includes(id) ? selected.filter((s) => s !== id) : [...selected, id].slice(-3)).join(',') })
  const colourOf = (id: string) => (selected.includes(id) ? COMPARE_COLOURS[selected.indexOf(id)] : undefined)
  // A selected run may stand on another page, or come with the address.
  const others = useQueries({ queries: selected.map((id) => ({ ...q.experiment(project, id), retry: false })) })
  const picked = others.map((o) => o.data).filter((e) => e !== undefined)

  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (typing(e.target) || e.metaKey || e.ctrlKey || document.querySelector('[role="dialog"]')) return
      if (e.key === 'x') (document.activeElement?.querySelector('[data-select]') as HTMLElement | null)?.click()
      if ((e.key === 'C' || e.key === 'c') && selected.length > 1) set({ compare: '1' }, true)
      if (e.key === 'Escape' && search.compare) set({ compare: undefined })
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  })

  const columns: Column<Experiment>[] = [
    { id: 'sel', header: <span className="visually-hidden">Compare</span>, width: 40, cell: (e) => <Checkbox data-select checked={selected.includes(e.id)} onChange={() => toggle(e.id)} aria-label={`Compare #${e.number}`} tabIndex={-1} styles={{ input: { backgroundColor: colourOf(e.id), borderColor: colourOf(e.id) } }} /> },
    { id: 'n', header: 'Run', width: 56, cell: (e) => <span className="mono">#{e.number}</span> },
    { id: 'name', header: 'Name', cell: (e) => <span className="row tight"><span className="em clip">{titleOf(e)}</span>{e.id === serving?.id && <Chip tone="ok">serving</Chip>}{active(e) && e.epoch > 0 && <Chip tone="warn">epoch {e.epoch}</Chip>}</span> },
    { id: 'status', header: 'Status', width: 108, cell: (e) => <Status state={e.status} /> },
    { id: 'data', header: 'Data · features', width: 112, wide: true, cell: (e) => <span className="mono small t2" title={`${e.snapshot.dataset_name}, ${e.snapshot.feature_name}, ${e.snapshot.model_name}`}>v{e.snapshot.dataset_version.number} · v{e.snapshot.feature_version}</span> },
    { id: 'lr', header: 'lr', width: 62, right: true, wide: true, cell: (e) => <span className="mono">{learningRate(e)}</span> },
    { id: 'batch', header: 'Batch', width: 68, right: true, wide: true, cell: (e) => <span className="mono">{count(batchSize(e))}</span> },
    { id: 'r10', header: <span className="em" style={{ color: 'var(--text)' }}>Recall@10</span>, width: 140, right: true, cell: (e) => <InlineMetric value={e.metrics?.model['recall@10']} knn={e.metrics?.item_knn['recall@10']} top={top} color={colourOf(e.id)} /> },
    { id: 'r50', header: 'R@50', width: 72, right: true, wide: true, cell: (e) => <span className="mono">{metric(e.metrics?.model['recall@50'])}</span> },
    { id: 'n10', header: 'NDCG@10', width: 78, right: true, wide: true, cell: (e) => <span className="mono">{metric(e.metrics?.model['ndcg@10'])}</span> },
    { id: 'took', header: 'Duration', width: 84, right: true, wide: true, cell: (e) => <Took start={e.started_at ?? e.created_at} end={e.ended_at} /> },
    { id: 'at', header: 'Started', width: 104, right: true, wide: true, cell: (e) => <span className="t2"><Ago t={e.created_at} /></span> },
  ]
  const add = <Button component={Link} to={`/projects/${project}/experiments/new`} variant="filled" leftSection={<IconPlayerPlay size={16} stroke={1.75} />}>New experiment</Button>
  const any = !all || all.length > 0 || filters > 0
  return (
    <Page crumbs={[{ label: 'Experiments', to: search.compare ? `/projects/${project}/experiments?sel=${search.sel ?? ''}` : undefined }, ...(search.compare ? [{ label: 'Compare' }] : [])]} actions={<><Live />{add}</>}>
      {list.error ? <Failed error={list.error} retry={() => void list.refetch()} /> : search.compare && picked.length > 1 ? <Compare list={picked} project={project} /> : (
        <>
          <Title after={serving?.metrics && <span className="t3 small">tick on a bar: item-kNN on the same protocol</span>}>Experiments</Title>
          <Panel flush label="Experiments">
            {any && (
              <div className="filters">
                <span data-search><TextInput aria-label="Search experiments" placeholder="Search runs" leftSection={<IconSearch size={14} />} rightSection={<Key>/</Key>} value={search.q ?? ''} onChange={(e) => set({ q: e.currentTarget.value, cursor: undefined })} w={220} /></span>
                {STATES.map(([value, look]) => {
                  const on = search.status === value
                  return <button key={value} type="button" className={`filter-chip${on ? ' on' : ''}`} aria-pressed={on} onClick={() => set({ status: on ? undefined : value, cursor: undefined })}><Status state={look} /></button>
                })}
                {(datasets.data?.items.length ?? 0) > 1 && <Select aria-label="Dataset" placeholder="Any dataset" clearable w={180} data={datasets.data!.items.map((d) => ({ value: d.id, label: d.name }))} value={search.dataset ?? null} onChange={(v) => set({ dataset: v ?? undefined, cursor: undefined })} />}
              </div>
            )}
            <DataTable
              label="Experiments" rows={all} columns={columns} rowId={(e) => e.id} to={(e) => `/projects/${project}/experiments/${e.id}`} selected={(e) => selected.includes(e.id)} edge={(e) => colourOf(e.id)} skeleton={10} height={33}
              empty={filters ? <NoMatch what="run" filters={filters} clear={() => set({ q: undefined, status: undefined, dataset: undefined })} /> : (
                <Empty title="Run the first experiment" action={add} other={<Button component={Link} to={`/projects/${project}/models`}>Look at the features</Button>} ghost={<GhostRow labels={['#1', 'Completed', 'Recall@10 —', 'item-kNN —', 'popularity —']} />}>
                  It trains a two-tower model on all but the last weeks and measures it on those, beside popularity and item-kNN. 100,000 rows take about two minutes.
                </Empty>
              )}
              foot={list.data && <Paging shown={all?.length} what="experiments" next={list.data.next} cursor={search.cursor} go={(cursor) => set({ cursor }, true)} />}
            />
          </Panel>
          {picked.length > 0 && (
            <div className="select-bar" role="region" aria-label="Selection">
              <span className="em">{picked.length} selected</span>
              {picked.map((e, i) => <span key={e.id} className="select-chip"><i style={{ background: COMPARE_COLOURS[i] }} aria-hidden />#{e.number}<button type="button" aria-label={`Leave #${e.number} out`} onClick={() => toggle(e.id)}><IconX size={13} /></button></span>)}
              <span className="end row"><Button variant="subtle" onClick={() => set({ sel: undefined })}>Clear</Button><Button variant="filled" leftSection={<IconArrowsDiff size={16} stroke={1.75} />} rightSection={<Key>C</Key>} disabled={picked.length < 2} onClick={() => set({ compare: '1' }, true)}>Compare</Button></span>
            </div>
          )}
        </>
      )}
    </Page>
  )
}
