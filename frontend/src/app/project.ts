import { useQuery } from '@tanstack/react-query'
import { useRouterState } from '@tanstack/react-router'

import { q } from '../api/queries'
import type { Project } from '../api/types'

const KEY = 'b2-project'

/** A value kept in the browser; a refused storage reads as nothing. */
export const kept = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  },
  set(key: string, value: string): void {
    try {
      localStorage.setItem(key, value)
    } catch {
      // Private windows may refuse; the choice then lasts as long as the page.
    }
  },
}

/** The project of the address; on pages outside of projects, the last one used, else the first. */
export function useProject(): { id: string | undefined; project: Project | undefined; projects: Project[]; loading: boolean; error: unknown } {
  const path = useRouterState({ select: (s) => s.location.pathname })
  const { data, isPending, error } = useQuery(q.projects())
  const projects = data?.items ?? []
  const inPath = /^\/projects\/([^/]+)/.exec(path)?.[1]
  if (inPath) kept.set(KEY, inPath)
  const id = inPath ?? projects.find((p) => p.id === kept.get(KEY))?.id ?? projects[0]?.id
  return { id, project: projects.find((p) => p.id === id), projects, loading: isPending, error }
}
