import { UnstyledButton } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { IconChevronRight, IconMenu2, IconSearch } from '@tabler/icons-react'
import { Fragment, useEffect } from 'react'

import { useLive } from '../api/watch'
import { Key } from '../ui/basics'
import { useProject } from './project'
import { useShell } from './Shell'

export interface Crumb { label: string; to?: string }

interface Props {
  /** From the area down to this page; the project stands in front by itself. */
  crumbs: Crumb[]
  /** At most one filled button. */
  actions?: React.ReactNode
  /** What stays at the bottom of a phone in place of the actions, two at most. */
  phone?: React.ReactNode
  /** A work surface takes the whole width and height, and the rail. */
  full?: boolean
  children: React.ReactNode
}

/** Top bar and content of one page; sets the window's title. */
export function Page({ crumbs, actions, phone, full, children }: Props) {
  const { project, id } = useProject()
  const { openPalette, openMenu, setWork } = useShell()
  const title = crumbs.map((c) => c.label).reverse().join(' · ')
  useEffect(() => {
    document.title = `${title} · b2brecs`
  }, [title])
  useEffect(() => {
    setWork(!!full)
    return () => setWork(false)
  }, [full, setWork])
  const all: Crumb[] = [{ label: project?.name ?? 'b2brecs', to: id ? `/projects/${id}` : '/' }, ...crumbs]
  return (
    <>
      <header className="top">
        <UnstyledButton className="icon-btn top-menu" onClick={openMenu} aria-label="Open the navigation"><IconMenu2 size={18} stroke={1.75} /></UnstyledButton>
        <nav className="crumbs" aria-label="Where you are">
          {all.map((c, i) => (
            <Fragment key={i}>
              {i > 0 && <IconChevronRight size={14} stroke={1.75} aria-hidden />}
              {i === all.length - 1 || !c.to ? <span className={i === all.length - 1 ? 'here clip' : 'clip'} aria-current={i === all.length - 1 ? 'page' : undefined}>{c.label}</span> : <Link to={c.to}>{c.label}</Link>}
            </Fragment>
          ))}
        </nav>
        <div className="top-actions">
          <span className="acts">{actions}</span>
          <button type="button" className="top-search" onClick={openPalette} ><IconSearch size={16} stroke={1.75} aria-hidden /><span className="visually-hidden">Search and commands</span><Key>⌘K</Key></button>
        </div>
      </header>
      <main id="main" className={`content${full ? ' full' : ''}`} tabIndex={-1}>{full ? <><h1 className="visually-hidden">{crumbs[crumbs.length - 1].label}</h1>{children}</> : <div className="page">{children}</div>}</main>
      {(phone || actions) && <div className="phone-bar">{phone || actions}</div>}
    </>
  )
}

export function Title({ children, after, right }: { children: React.ReactNode; after?: React.ReactNode; right?: React.ReactNode }) {
  return <div className="page-title"><h1>{children}</h1>{after}{right && <span className="end row">{right}</span>}</div>
}

/** Whether what is on the page is pushed by the server right now. */
export function Live() {
  const live = useLive()
  return (
    <span className={`live${live ? '' : ' off'}`} role="status">
      <i aria-hidden /><span className="word">{live ? 'Live' : 'Not live'}</span>
    </span>
  )
}
