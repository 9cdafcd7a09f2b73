import { fromWire } from './problem'
import { parseJson } from './json'

export type Params = Record<string, string | number | boolean | undefined | null>

/** A path with its query; empty values are left out. */
export function url(path: string, params?: Params): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(params ?? {})) {
    if (v !== undefined && v !== null && v !== '') q.set(k, String(v))
  }
  const s = q.toString()
  return s ? `${path}?${s}` : path
}

interface Options { params?: Params; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal }

async function call<T>(method: string, path: string, o: Options = {}): Promise<T> {
  const res = await fetch(url(path, o.params), {
    method,
    credentials: 'same-origin',
    headers: { accept: 'application/json', ...(o.body === undefined ? {} : { 'content-type': 'application/json' }), ...o.headers },
    body: o.body === undefined ? undefined : JSON.stringify(o.body),
    signal: o.signal,
  })
  const text = await res.text()
  let parsed: unknown
  try {
    parsed = text ? parseJson(text) : undefined
  } catch {
    parsed = undefined
  }
  if (!res.ok) throw fromWire(res.status, parsed)
  return parsed as T
}

/** The API's verbs. A failed call throws an ApiError. */
export const http = {
  get: <T>(path: string, params?: Params, signal?: AbortSignal) => call<T>('GET', path, { params, signal }),
  post: <T>(path: string, body?: unknown, headers?: Record<string, string>) => call<T>('POST', path, { body: body ?? {}, headers }),
  patch: <T>(path: string, body: unknown) => call<T>('PATCH', path, { body }),
  del: (path: string) => call<undefined>('DELETE', path),
}

/**
 * Streams a file to the uploads bucket. fetch cannot tell how far an upload is,
 * so this is an XMLHttpRequest.
 */
export function upload<T>(key: string, file: File, onProgress: (sent: number) => void, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest()
    x.open('PUT', '/v1/uploads/' + encodeURIComponent(key))
    x.setRequestHeader('content-type', 'application/octet-stream')
    x.upload.onprogress = (e) => onProgress(e.loaded)
    x.onerror = () => reject(new TypeError('the connection broke during the upload'))
    x.onabort = () => reject(new DOMException('the upload was cancelled', 'AbortError'))
    x.onload = () => {
      let body: unknown
      try {
        body = parseJson(x.responseText)
      } catch {
        body = undefined
      }
      if (x.status >= 200 && x.status < 300) resolve(body as T)
      else reject(fromWire(x.status, body))
    }
    signal.addEventListener('abort', () => x.abort())
    x.send(file)
  })
}
