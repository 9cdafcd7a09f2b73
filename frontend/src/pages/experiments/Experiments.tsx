import { Button, TextInput, Tooltip } from '@mantine/core'
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconAdjustmentsHorizontal, IconArrowsDiff, IconDownload, IconPlayerPlay, IconSearch, IconX } from '@tabler/icons-react'
import { useEffect, useMemo, useState } from 'react'

import { q } from '../../api/queries'
import type { Listed } from '../../api/types'
import { Live, Page } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { typing } from '../../app/shortcuts'
import { count, metric, plural } from '../../format/numbers'
import { Ago, Key, Panel, saveText, Tick } from '../../ui/basics'
import { DataTable, type Column } from '../../ui/DataTable'
import { Empty, GhostRow, NoMatch } from '../../ui/Empty'
import { Failed } from '../../ui/Problem'
import { Chip, Status } from '../../ui/Status'
import { currentModel } from '../overview/life'
import { facetsOf, filtered, METRIC } from './board'
import { ColumnPicker } from './ColumnPicker'
import { columnsOf, shownOf, sorted } from './columns'
import { Compare } from './Compare'
import { boardCsv } from './csv'
import { Facets } from './Facets'
import { active, differences, titleOf } from './facts'
import { Pictures } from './Pictures'
import { Views } from './Views'
import './experiments.css'

export const COMPARE_COLOURS = ['var(--s1)', 'var(--s2)', 'var(--s3)']
const PAGE = 50

/** Every experiment: facets, hyper-parameters against recall, and a row each; up to three can be compared. */
export function Experiments() {
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const [open, setOpen] = useState(false)
  const first = useQuery(q.experiments(project, { limit: 100 }))
  // The newest hundred are shown while the rest is read.
  const rest = useQuery({ ...q.allExperiments(project), enabled: !!first.data?.next, placeholderData: keepPreviousData })
  const list = first.data?.next ? (rest.data ?? first.data) : first.data
  const all = list?.items
  const facets = useMemo(() => facetsOf(all ?? []), [all])
  const { rows, filters } = useMemo(() => filtered(all ?? [], facets, search), [all, facets, search])
  const sort = search.sort ?? '-at'
  const columns = useMemo(() => columnsOf(all ?? []), [all])
  const order = useMemo(() => sorted(rows, columns, sort), [rows, columns, sort])
  const pages = Math.max(1, Math.ceil(order.length / PAGE))
  const page = Math.min(pages, Math.max(1, Number(search.page) || 1))
  const shown = order.slice((page - 1) * PAGE, page * PAGE)
  const selected = (search.sel ?? '').split(',').filter(Boolean)
  const top = Math.max(...rows.map((e) => Math.max(e.metrics?.model[METRIC] ?? 0, e.metrics?.item_knn[METRIC] ?? 0)), 0) * 1.05
  const serving = all && currentModel(all)
  const toggle = (id: string) => set({ sel: (selected.includes(id) ? selected.filter((s) => s !== id) : [...selected, id].slice(-3)).join(',') })
  const colourOf = (id: string) => (selected.includes(id) ? COMPARE_COLOURS[selected.indexOf(id)] : undefined)
  const clear = () => set({ ...Object.fromEntries(filters.map((f) => [f, undefined])), page: undefined })
  // A selected run may come with the address and be older than what is listed.
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

  const shownColumns = shownOf(columns, search)
  const main = shownColumns.find((c) => c.score === METRIC) ?? shownColumns.find((c) => c.score)
  const drawn: Column<Listed>[] = [
    { id: 'sel', header: <span className="visually-hidden">Compare</span>, width: 34, cell: (e) => <Tick data-select checked={selected.includes(e.id)} onChange={() => toggle(e.id)} aria-label={`Compare #${e.number}`} tabIndex={-1} color={colourOf(e.id)} /> },
    { id: 'n', header: 'Run', width: 52, wide: true, sorts: true, cell: (e) => <span className="mono">#{e.number}</span> },
    { id: 'name', header: 'Name', cell: (e) => <div className="board-name"><span className="row tight"><span className="em clip" title={titleOf(e)}>{titleOf(e)}</span>{e.id === serving?.id && <Chip tone="ok">serving</Chip>}{active(e) && e.epoch > 0 && <Chip tone="warn">epoch {e.epoch}</Chip>}</span><span className="board-under"><span className="mono small">#{e.number}</span><Status state={e.status} /><span className="t3 small"><Ago t={e.created_at} /></span></span></div> },
    // A phone has room for one metric.
    ...shownColumns.map((c) => ({ ...c.draw({ project, top, colourOf }), id: c.id, sorts: !!c.of, wide: c !== main })),
  ]
  const add = <Button component={Link} to={`/projects/${project}/experiments/new`} variant="filled" leftSection={<IconPlayerPlay size={16} stroke={1.75} />}>New experiment</Button>
  if (search.compare && picked.length > 1) {
    return <Page crumbs={[{ label: 'Experiments', to: `/projects/${project}/experiments?sel=${search.sel ?? ''}` }, { label: 'Compare' }]} actions={<><Live />{add}</>}><Compare list={picked} project={project} /></Page>
  }
  const crumbs = [{ label: 'Experiments' }]
  if (first.error) return <Page crumbs={crumbs} actions={add}><Failed error={first.error} retry={() => void first.refetch()} /></Page>
  if (all && all.length === 0) {
    return (
      <Page crumbs={crumbs} actions={add}>
        <Empty title="Run the first experiment" action={add} other={<Button component={Link} to={`/projects/${project}/models`}>Look at the features</Button>} ghost={<GhostRow labels={['#1', 'Completed', 'Recall@10 —', 'item-kNN —', 'popularity —']} />}>
          It trains a two-tower model on all but the last weeks and measures it on those, beside popularity and item-kNN. 100,000 rows take about two minutes.
        </Empty>
      </Page>
    )
  }
  const save = () => saveText(`experiments-${project}-${new Date().toISOString().slice(0, 10)}.csv`, boardCsv(order, shownColumns))
  const tools = all && (
    <>
      <ColumnPicker columns={columns} shown={shownColumns} onChange={(cols) => set({ cols })} />
      <Tooltip label={`${plural(order.length, 'run')} with the columns shown, of every page, as CSV: exact values, baselines, and protocols in the header. Curves are left out.`}><Button leftSection={<IconDownload size={16} stroke={1.75} />} disabled={!order.length} onClick={save}>Export</Button></Tooltip>
    </>
  )
  const knn = serving?.metrics?.item_knn[METRIC]
  const differ = picked.length > 1 ? differences(picked).length : 0
  return (
    <Page full crumbs={crumbs} actions={<>{knn !== undefined && <span className="board-note t3 small">tick on a bar: item-kNN on the same protocol, <span className="mono">{metric(knn)}</span> for #{serving!.number}</span>}<Live />{tools}{add}</>} phone={add}>
      <div className="board">
        <aside className={`board-facets${open ? ' open' : ''}`} aria-label="Filters">
          <span data-search><TextInput aria-label="Search experiments" placeholder="Search runs" leftSection={<IconSearch size={14} />} rightSection={<Key>/</Key>} value={search.q ?? ''} onChange={(e) => set({ q: e.currentTarget.value, page: undefined })} /></span>
          <Button className="board-more" leftSection={<IconAdjustmentsHorizontal size={16} stroke={1.75} />} aria-expanded={open} onClick={() => setOpen(!open)}>Filters{filters.length ? ` (${filters.length})` : ''}</Button>
          <div className="board-list">
            {all && <Facets all={all} facets={facets} search={search} set={set} />}
            {filters.length > 0 && <Button variant="subtle" size="compact-sm" leftSection={<IconX size={14} />} onClick={clear}>Clear {plural(filters.length, 'filter')}</Button>}
          </div>
          <Views key={project} project={project} search={search} set={set} />
        </aside>
        <div className="board-main">
          {all && <Pictures all={all} rows={rows} selected={selected} search={search} set={set} />}
          <Panel flush label="Experiments">
            <DataTable
              label="Experiments" rows={all && shown} columns={drawn} rowId={(e) => e.id} to={(e) => `/projects/${project}/experiments/${e.id}`} selected={(e) => selected.includes(e.id)} edge={(e) => colourOf(e.id)} skeleton={14} height={28}
              sort={sort} onSort={(s) => set({ sort: s === '-at' ? undefined : s, page: undefined })}
              empty={<NoMatch what="run" filters={filters.length} clear={clear} />}
              foot={all && <>
                <span>{rows.length ? `${count((page - 1) * PAGE + 1)}–${count(Math.min(page * PAGE, rows.length))} of ${plural(rows.length, 'experiment')}` : ''}{rows.length < all.length ? `, filtered from ${count(all.length)}` : ''}{list.next ? `; older ones than the newest ${count(all.length)} are not listed` : ''}</span>
                <span className="end row">
                  {page > 1 && <button type="button" className="link" onClick={() => set({ page: page > 2 ? String(page - 1) : undefined }, true)}>Previous page</button>}
                  {page < pages && <button type="button" className="link" onClick={() => set({ page: String(page + 1) }, true)}>Next page</button>}
                </span>
              </>}
            />
          </Panel>
        </div>
        {picked.length > 0 && (
          <div className="select-bar" role="region" aria-label="Selection">
            <span className="em">{picked.length} selected</span>
            {picked.map((e, i) => <span key={e.id} className="select-chip"><i style={{ background: COMPARE_COLOURS[i] }} aria-hidden />#{e.number}<button type="button" aria-label={`Leave #${e.number} out`} onClick={() => toggle(e.id)}><IconX size={13} /></button></span>)}
            {picked.length > 1 && <span className="t3 small">{differ ? `differ in ${plural(differ, 'setting')}` : 'equal settings'}</span>}
            <span className="end row"><Button variant="subtle" onClick={() => set({ sel: undefined })}>Clear</Button><Button variant="filled" leftSection={<IconArrowsDiff size={16} stroke={1.75} />} rightSection={<Key>C</Key>} disabled={picked.length < 2} onClick={() => set({ compare: '1' }, true)}>Compare</Button></span>
          </div>
        )}
      </div>
    </Page>
  )
}
