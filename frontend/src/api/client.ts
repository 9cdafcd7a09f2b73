import createClient from 'openapi-fetch'

import { session as signedIn } from '../auth/session'
import { parseJson } from './json'
import { fromWire } from './problem'
import type { paths } from './schema.gen'
import type { Solid } from './types'

export type Params = Record<string, string | number | boolean | undefined | null>

/** A path with its query; empty values are left out. */
export function url(path: string, params?: Params): string {
  const s = query(params ?? {})
  return s ? `${path}?${s}` : path
}

function query(params: Record<string, unknown>): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== null && v !== '') q.set(k, String(v))
  return q.toString()
}

/** Calls by path, checked against the API's OpenAPI: path, parameters, body and reply. */
export const client = createClient<paths>({ baseUrl: location.origin, credentials: 'same-origin', querySerializer: query, headers: { accept: 'application/json' }, fetch: (request) => signedIn.fetch(request) })

client.use({
  // A list that is null becomes an empty one before anybody sees it.
  async onResponse({ response }) {
    if (!response.ok || !response.headers.get('content-type')?.includes('json')) return undefined
    const text = await response.text()
    const { status, statusText } = response
    return new Response(text.includes('null') ? JSON.stringify(parseJson(text)) : text, { status, statusText, headers: { 'content-type': 'application/json' } })
  },
})

/** The body of a reply; a failed call throws an ApiError. */
export async function ok<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<Solid<T>> {
  const { data, error, response } = await call
  if (!response.ok) throw fromWire(response.status, error)
  return data as Solid<T>
}

/** The routes of a session that is a cookie, which stand beside the API. */
export async function session<T>(method: 'GET' | 'POST', path: string): Promise<T> {
  const res = await fetch(path, { method, credentials: 'same-origin', headers: { accept: 'application/json' } })
  const text = await res.text()
  let body: unknown
  try {
    body = text ? parseJson(text) : undefined
  } catch {
    body = undefined
  }
  if (!res.ok) throw fromWire(res.status, body)
  return body as T
}

/** One request that brings a file, as the API says it: to itself, or straight into its store. */
export interface UploadWay { method: string; url: string; headers: Record<string, string>; signed: boolean }

/**
 * Streams a file to the uploads bucket. fetch cannot tell how far an upload is,
 * so this is an XMLHttpRequest. The session goes to the API alone, never to its store.
 */
export function upload(way: UploadWay, file: File, onProgress: (sent: number) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new DOMException('the upload was cancelled', 'AbortError'))
    const x = new XMLHttpRequest()
    x.open(way.method, way.url)
    for (const [name, value] of Object.entries(way.headers)) x.setRequestHeader(name, value)
    x.upload.onprogress = (e) => onProgress(e.loaded)
    x.onerror = () => reject(new TypeError('the connection broke during the upload'))
    x.onabort = () => reject(new DOMException('the upload was cancelled', 'AbortError'))
    x.onload = () => {
      let body: unknown
      try {
        body = parseJson(x.responseText)
      } catch {
        body = undefined // the store's own words
      }
      if (x.status >= 200 && x.status < 300) resolve()
      else reject(fromWire(x.status, body))
    }
    signal.addEventListener('abort', () => x.abort())
    x.send(file)
  })
}
