import { kept } from '../../app/project'
import type { Search } from '../../app/search'

/** A filter, columns and a sort under a name: an address of the board without its selection and page. */
export interface View { name: string; search: Search }

/** The API knows no views: they stay in this browser, by project. */
const key = (project: string) => `b2-views:${project}`
const PASSING = new Set(['sel', 'compare', 'page'])

/** The views of a project; what somebody else wrote there is no view. */
export function readViews(project: string): View[] {
  try {
    const list: unknown = JSON.parse(kept.get(key(project)) ?? '[]')
    return Array.isArray(list) ? list.filter(isView) : []
  } catch {
    return []
  }
}

function isView(v: unknown): v is View {
  const { name, search } = (v ?? {}) as Partial<View>
  return typeof name === 'string' && name !== '' && typeof search === 'object' && search !== null && Object.values(search).every((x) => typeof x === 'string')
}

/** Keeps the views; false where the browser refuses. */
export function keepViews(project: string, views: View[]): boolean {
  const text = JSON.stringify(views)
  kept.set(key(project), text)
  return kept.get(key(project)) === text
}

/** What of an address a view holds. */
export const viewOf = (search: Search): Search => Object.fromEntries(Object.entries(search).filter(([k, v]) => v && !PASSING.has(k)))

/** Whether the board shows a view. */
export function shows(search: Search, v: View): boolean {
  const sorted = (s: Search) => JSON.stringify(Object.entries(viewOf(s)).sort(([a], [b]) => (a < b ? -1 : 1)))
  return sorted(search) === sorted(v.search)
}

/** The change of the address that leads to a view; a selection stays. */
export const leadTo = (search: Search, v: View): Search => ({ ...Object.fromEntries(Object.keys(viewOf(search)).map((k) => [k, undefined])), page: undefined, ...v.search })
