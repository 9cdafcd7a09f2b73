import { Tooltip, UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand } from '@tabler/icons-react'
import { createContext, lazy, Suspense, useContext, useMemo, useState } from 'react'

import { problemOf } from '../api/problem'
import { col, q } from '../api/queries'
import { useWatch } from '../api/watch'
import { ProjectFace, UserFace } from './faces'
import { navOf, type NavItem } from './nav'
import { kept, useProject } from './project'
import { SignIn } from './SignIn'
import { useShortcuts } from './shortcuts'
import './shell.css'

const Palette = lazy(() => import('./Palette'))
const HelpSheet = lazy(() => import('./HelpSheet'))
const NoAccess = lazy(() => import('../auth/SignIn').then((m) => ({ default: m.NoAccess })))
// Menus and the phone's sheet come after the first paint.
const Sheet = lazy(() => import('./Sheet'))
const ProjectMenu = lazy(() => import('./menus').then((m) => ({ default: m.ProjectMenu })))
const UserMenu = lazy(() => import('./menus').then((m) => ({ default: m.UserMenu })))

interface ShellState { openPalette: () => void; openMenu: () => void; setWork: (work: boolean) => void }
const ShellContext = createContext<ShellState>({ openPalette() {}, openMenu() {}, setWork() {} })
export const useShell = (): ShellState => useContext(ShellContext)

/** The frame of every page: side bar or rail, palette, shortcuts; the page brings its own top bar. */
export function Shell() {
  const me = useQuery(q.me())
  const { id: project, project: current } = useProject()
  const path = useRouterState({ select: (s) => s.location.pathname })
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)
  const [menu, setMenu] = useState(false)
  const [work, setWork] = useState(false)
  const [choice, setChoice] = useState<string | null>(kept.get('b2-rail'))
  const owner = me.data?.role === 'owner'
  const nav = useMemo(() => navOf(project, owner), [project, owner])
  const navigate = useNavigate()
  useShortcuts({
    palette: () => setPalette(true),
    help: () => setHelp(true),
    go: (letter) => {
      const to = nav.find((n) => n.letter === letter)?.to
      if (to) void navigate({ to })
    },
  })
  const watched = me.error ? [] : [col.runs, col.jobs, project ? col.datasets(project) : '', project ? col.features(project) : '', project ? col.models(project) : '', project ? col.experiments(project) : '']
  useWatch(...watched)
  const state = useMemo<ShellState>(() => ({ openPalette: () => setPalette(true), openMenu: () => setMenu(true), setWork }), [])

  const refused = me.error && problemOf(me.error).status
  if (refused === 401) return <SignIn />
  if (refused === 403) return <Suspense fallback={null}><NoAccess retry={() => void me.refetch()} busy={me.isFetching} /></Suspense>
  const rail = choice ? choice === 'rail' : work
  const toggle = () => {
    const next = rail ? 'bar' : 'rail'
    kept.set('b2-rail', next)
    setChoice(next)
  }
  const bar = (inSheet: boolean) => (
    <SideBar nav={nav} path={path} rail={rail && !inSheet} project={current?.name ?? project} projectId={project} toggle={inSheet ? undefined : toggle} onGo={() => setMenu(false)} onHelp={() => setHelp(true)} name={me.data?.name ?? ''} role={me.data?.role ?? ''} />
  )
  return (
    <ShellContext.Provider value={state}>
      <a className="skip" href="#main">Skip to the content</a>
      <div className={`shell${rail ? ' shell-rail' : ''}`}>
        <div className="shell-side">{bar(false)}</div>
        <div className="shell-main"><Outlet /></div>
      </div>
      <Suspense fallback={null}>
        {menu && <Sheet close={() => setMenu(false)}>{bar(true)}</Sheet>}
        {palette && <Palette close={() => setPalette(false)} nav={nav} project={project} />}
        {help && <HelpSheet close={() => setHelp(false)} nav={nav} />}
      </Suspense>
    </ShellContext.Provider>
  )
}

interface BarProps {
  nav: NavItem[]; path: string; rail: boolean; project: string | undefined; projectId: string | undefined; toggle?: () => void; onGo: () => void; onHelp: () => void; name: string; role: string
}

function SideBar(p: BarProps) {
  const counts = useCounts(p.projectId)
  let group: string | undefined
  return (
    <nav className="side" aria-label="Main">
      <Suspense fallback={<ProjectButton rail={p.rail} name={p.project} />}><ProjectMenu rail={p.rail} name={p.project} id={p.projectId} /></Suspense>
      <div className="side-list">
        {p.nav.map((n) => {
          const head = n.group !== group && n.group
          group = n.group
          const active = n.match.test(p.path)
          const link = (
            <Link key={n.key} to={n.to} activeProps={{}} className={`nav${active ? ' on' : ''}`} aria-current={active ? 'page' : undefined} aria-label={p.rail ? n.label : undefined} onClick={p.onGo}>
              <n.icon size={p.rail ? 18 : 16} stroke={1.75} aria-hidden />
              {!p.rail && <span className="clip">{n.label}</span>}
              {!p.rail && counts[n.key] && <span className="nav-count">{counts[n.key]}</span>}
            </Link>
          )
          return (
            <div key={n.key}>
              {head && !p.rail && <div className="nav-group">{head}</div>}
              {p.rail ? <Tooltip label={n.label} position="right">{link}</Tooltip> : link}
            </div>
          )
        })}
      </div>
      <div className="side-foot">
        {p.toggle && (
          <Tooltip label={p.rail ? 'Widen the side bar' : 'Narrow the side bar'} position="right">
            <UnstyledButton className="nav" onClick={p.toggle} aria-label={p.rail ? 'Widen the side bar' : undefined}>
              {p.rail ? <IconLayoutSidebarLeftExpand size={18} stroke={1.75} /> : <IconLayoutSidebarLeftCollapse size={16} stroke={1.75} />}
              {!p.rail && <span>Narrow</span>}
            </UnstyledButton>
          </Tooltip>
        )}
        <Suspense fallback={<UserButton rail={p.rail} name={p.name} />}><UserMenu rail={p.rail} name={p.name} role={p.role} onHelp={p.onHelp} /></Suspense>
      </div>
    </nav>
  )
}

/** Counts at the right edge; lists the pages read anyway, so that they cost nothing more. */
function useCounts(project: string | undefined): Record<string, string | undefined> {
  const connections = useQuery(q.connections({ limit: 50 }))
  const runs = useQuery(q.runs({ limit: 20 }))
  const datasets = useQuery({ ...q.datasets(project ?? '', { limit: 50 }), enabled: !!project })
  const features = useQuery({ ...q.features(project ?? '', { limit: 50 }), enabled: !!project })
  const experiments = useQuery({ ...q.experiments(project ?? '', { limit: 20 }), enabled: !!project })
  const n = (l: { items: unknown[]; next: string } | undefined) => (l?.items.length ? `${l.items.length}${l.next ? '+' : ''}` : undefined)
  const running = runs.data?.items.filter((r) => r.status === 'running' || r.status === 'pending').length
  const training = experiments.data?.items.filter((e) => ['pending', 'preparing', 'running'].includes(e.status)).length
  return {
    connections: n(connections.data), etl: running ? `${running} running` : undefined, datasets: n(datasets.data), models: n(features.data),
    experiments: training ? `${training} running` : n(experiments.data),
  }
}

/** The buttons as they stand before their menus are loaded. */
function ProjectButton({ rail, name }: { rail: boolean; name: string | undefined }) {
  return <button type="button" className="side-project"><ProjectFace rail={rail} name={name} /></button>
}

function UserButton({ rail, name }: { rail: boolean; name: string }) {
  return <button type="button" className="nav"><UserFace rail={rail} name={name} /></button>
}
