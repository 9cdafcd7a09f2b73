import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'

export type Search = Record<string, string | undefined>

/**
 * The query of the address: filters, tabs, pages, selections. Setting undefined
 * or an empty text removes a key; a change of a filter replaces the entry, so
 * that Back leaves the page.
 */
export function useAddress(): [Search, (patch: Search, push?: boolean) => void] {
  const search = useSearch({ strict: false }) as Search
  const navigate = useNavigate()
  const set = useCallback(
    (patch: Search, push = false) => {
      void navigate({
        to: '.',
        search: ((old: Search) => Object.fromEntries(Object.entries({ ...old, ...patch }).filter(([, v]) => v !== undefined && v !== ''))) as never,
        replace: !push,
      })
    },
    [navigate],
  )
  return [search, set]
}

/** Every value of the address is a text: "0482" stays "0482". */
export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text))
}

export function stringifySearch(search: Record<string, unknown>): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(search)) if (v !== undefined && v !== null && v !== '') q.set(k, String(v))
  const s = q.toString()
  return s ? '?' + s : ''
}
