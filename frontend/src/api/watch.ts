import type { QueryClient } from '@tanstack/react-query'
import { EventSource } from 'eventsource'
import { useEffect, useSyncExternalStore } from 'react'

import { session } from '../auth/session'
import { parseJson } from './json'

/** One committed write. data is null after a delete. */
export interface Change { collection: string; id: string; version: number; data: unknown }

interface Identified { id: string }
interface ListLike { items: Identified[]; next: string }

/** A list after a change, the same list when the change does not touch it. */
export function patchList<L extends ListLike>(list: L, c: Change): L {
  const at = list.items.findIndex((i) => i.id === c.id)
  if (at < 0) return list
  const items = list.items.slice()
  if (c.data === null) items.splice(at, 1)
  else items[at] = c.data as Identified
  return { ...list, items }
}

/**
 * Applies a change to the query cache. Keys are [collection, 'item', id] and
 * [collection, 'list', …]. It tells whether some list must be read again: it
 * lacks the document, or is being read and may bring an older state of it. An
 * item that is being read is read anew, for the same reason.
 */
export function applyChange(client: QueryClient, c: Change): boolean {
  const item = [c.collection, 'item', c.id]
  if (c.data === null) client.removeQueries({ queryKey: item, exact: true })
  else {
    const state = client.getQueryState(item)
    if (state) client.setQueryData(item, c.data)
    if (state?.fetchStatus === 'fetching') void client.invalidateQueries({ queryKey: item, exact: true, refetchType: 'all' })
  }
  let missing = false
  for (const [key, list] of client.getQueriesData<ListLike>({ queryKey: [c.collection, 'list'] })) {
    if (client.getQueryState(key)?.fetchStatus === 'fetching') missing = true
    if (!list?.items) continue
    const next = patchList(list, c)
    if (next !== list) client.setQueryData(key, next)
    else if (c.data !== null) missing = true
  }
  return missing
}

type Listener = () => void

/**
 * One stream for the whole page: a browser allows six connections to a server,
 * and every open tab takes one. Collections are counted; the stream is opened
 * anew when the set changes. The browser's own EventSource sends no token, so it is
 * one that reads by fetch.
 */
export class Watcher {
  live = false
  lastChange = 0
  private counts = new Map<string, number>()
  private source?: EventSource
  private pending?: ReturnType<typeof setTimeout>
  private stale = new Set<string>()
  private staleTimer?: ReturnType<typeof setTimeout>
  private listeners = new Set<Listener>()
  private client: QueryClient

  constructor(client: QueryClient) {
    this.client = client
  }

  /** Watches collections until the returned function is called. */
  add(collections: string[]): () => void {
    for (const c of collections) this.counts.set(c, (this.counts.get(c) ?? 0) + 1)
    this.schedule()
    return () => {
      for (const c of collections) {
        const n = (this.counts.get(c) ?? 1) - 1
        if (n <= 0) this.counts.delete(c)
        else this.counts.set(c, n)
      }
      this.schedule()
    }
  }

  subscribe = (l: Listener): (() => void) => {
    this.listeners.add(l)
    return () => this.listeners.delete(l)
  }

  isLive = (): boolean => this.live

  private set(live: boolean): void {
    if (this.live === live) return
    this.live = live
    for (const l of this.listeners) l()
  }

  /** A page change removes and adds collections in one go: one new stream is enough. */
  private schedule(): void {
    clearTimeout(this.pending)
    this.pending = setTimeout(() => this.open(), 30)
  }

  private wanted = ''
  private open(): void {
    const wanted = [...this.counts.keys()].sort().join(',')
    if (wanted === this.wanted && this.source && this.source.readyState !== EventSource.CLOSED) return
    this.source?.close()
    this.source = undefined
    this.wanted = wanted
    if (!wanted) return this.set(false)
    const again = this.lastChange > 0
    const es = new EventSource(`${location.origin}/v1/watch?collections=${encodeURIComponent(wanted)}`, { fetch: session.fetch })
    this.source = es
    let opened = false
    es.addEventListener('ready', () => {
      // What happened while no stream was open is read again.
      if (opened || again) this.refresh([...this.counts.keys()], true)
      opened = true
      this.lastChange = Date.now()
      this.set(true)
    })
    es.onerror = () => {
      this.set(false)
      // It tries again by itself unless the server refused.
      if (es.readyState === EventSource.CLOSED && this.source === es) {
        this.source = undefined
        this.wanted = ''
        this.pending = setTimeout(() => this.open(), 5000)
      }
    }
    es.addEventListener('change', (e) => {
      const c = parseJson((e as MessageEvent<string>).data) as Change
      this.lastChange = Date.now()
      if (applyChange(this.client, c)) this.refresh([c.collection])
    })
  }

  /** Lists are read again at most once a second, however many changes arrive. */
  private refresh(collections: string[], items = false): void {
    for (const c of collections) {
      this.stale.add(c)
      if (items) void this.client.invalidateQueries({ queryKey: [c, 'item'] })
    }
    this.staleTimer ??= setTimeout(() => {
      this.staleTimer = undefined
      for (const c of this.stale) void this.client.invalidateQueries({ queryKey: [c, 'list'] })
      this.stale.clear()
    }, 1000)
  }
}

let shared: Watcher | undefined

/** Makes the page's watcher; called once at start. */
export function startWatcher(client: QueryClient): Watcher {
  shared = new Watcher(client)
  return shared
}

/** Keeps the caches of these collections live while the component is mounted. */
export function useWatch(...collections: string[]): void {
  const key = collections.filter(Boolean).join(',')
  useEffect(() => (key && shared ? shared.add(key.split(',')) : undefined), [key])
}

/** Whether the server pushes right now. */
export function useLive(): boolean {
  return useSyncExternalStore(
    (l) => shared?.subscribe(l) ?? (() => {}),
    () => shared?.isLive() ?? false,
  )
}
