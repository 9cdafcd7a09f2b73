// Serves the built page with the project of data.mjs behind /v1.
// node dev/server.mjs [port] [--empty] [--many] [--signed-out]
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

import * as data from './data.mjs'

const DIST = join(fileURLToPath(new URL('.', import.meta.url)), '..', 'dist')
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.woff': 'font/woff' }
const list = (items, limit, cursor) => {
  const from = Number(cursor ?? 0)
  const to = limit ? from + limit : items.length
  return { items: items.slice(from, to), next: to < items.length ? String(to) : '' }
}
let board
const missing = (what) => ({ status: 404, body: { type: 'about:blank#not_found', title: 'Not Found', status: 404, detail: `${what} does not exist`, code: 'not_found', next: 'Go back to the list.', turn: 'you' } })

const live = (e) => ['pending', 'preparing', 'running'].includes(e.status)
const matches = (e, q) => (!q.get('status') || (q.get('status') === 'active' ? live(e) : e.status === q.get('status'))) && (!q.get('search') || `#${e.number} ${e.name}`.toLowerCase().includes(q.get('search').toLowerCase()))

/** An experiment as the API's list has it. */
const column = ({ column }) => ({ column })
const tower = (t) => ({ features: t.features.map(column), crosses: t.crosses.map((c) => ({ features: c.features.map(column) })) })
const but = (o, ...keys) => Object.fromEntries(Object.entries(o).filter(([k]) => !keys.includes(k)))
const listed = (e) => ({
  ...but(e, 'root', 'job_seq', 'callback_url', 'warnings'), stages: e.stages.map(({ name, state }) => ({ name, state })), examples: e.examples && { rows: e.examples.rows, to: e.examples.to },
  metrics: e.metrics && { ...e.metrics, protocol: but(e.metrics.protocol, 'rules', 'cutoffs', 'cold_customers', 'rows', 'unseen_item_rows') },
  snapshot: { ...e.snapshot, dataset_version: { number: e.snapshot.dataset_version.number }, features: { query: tower(e.snapshot.features.query), candidate: tower(e.snapshot.features.candidate) } },
})

/** Answers one call; undefined when there is no such route. */
function answer(method, path, q, body, { empty, many }) {
  const experiments = many ? (board ??= data.board()) : data.experiments
  const seg = path.split('/').slice(2)
  const some = (l) => (empty ? [] : l)
  const one = (l, id, what) => l.find((x) => x.id === id) ?? missing(what)
  if (path === '/v1/me') return data.me
  if (path === '/v1/projects') return list(data.projects)
  if (path === '/v1/model-presets') return list(data.presets)
  if (path === '/v1/tables') return list(some(data.tables))
  if (seg[0] === 'tables') return seg[3] === 'rows' ? data.rows : data.tables.find((t) => t.ref.name === seg[2])
  if (seg[0] === 'uploads:detect') return data.detect
  if (seg[0] === 'uploads') return method === 'PUT' ? { key: decodeURIComponent(seg.slice(1).join('/')), generation: '1', size: 4_812_332 } : list([])
  if (seg[0] === 'etl') {
    const [, kind, id, sub] = seg
    if (kind === 'source-kinds') return list(data.kinds)
    if (kind === 'connections:test') return { ok: false, message: 'the connection stopped at the TLS step', seconds: 0.091, tables: [], problem: data.runs[2].error }
    if (kind === 'connections') return !id ? (method === 'POST' ? data.connections[1] : list(empty ? data.connections.slice(0, 1) : data.connections)) : sub === 'test' ? { ok: true, message: 'The source answers.', seconds: 0.031, tables: [] } : sub === 'tables' ? (seg[4] ? { ...data.detect, format: undefined, keys: ['transaction_id'], timestamps: ['transaction_date'], recommended_timestamp: 'transaction_date' } : list([{ schema: 'public', name: 'invoice_lines', kind: 'table', rows_estimate: 1_882_300, bytes: 410_000_000 }, { schema: 'public', name: 'items', kind: 'table', rows_estimate: 48_210, bytes: 9_000_000 }])) : one(data.connections, id, 'The connection')
    if (kind === 'jobs') return !id ? (method === 'POST' ? data.jobs[1] : list(some(data.jobs))) : sub === 'runs' ? data.runs[0] : one(data.jobs, id, 'The job')
    if (kind === 'runs') return !id ? list(some(data.runs).filter((r) => (!q.get('status') || r.status === q.get('status')) && (!q.get('job') || r.job === q.get('job'))), Number(q.get('limit'))) : sub === 'chunks' ? list(data.chunksOf(data.runs.find((r) => r.id === id) ?? data.runs[0])) : sub === 'rejects' ? list(data.rejects) : one(data.runs, id, 'The run')
  }
  if (seg[0] === 'projects' && seg[1] === 'main') {
    const [, , kind, id, sub, sub2] = seg
    if (kind === 'datasets:suggest') return data.suggestion
    if (kind === 'datasets:check') return { valid: true, schema: data.versions[1].schema, findings: [], rows: 94_127, bytes: 0, definition: body.definition }
    if (kind === 'datasets') return !id ? list(some(data.datasets)) : sub === 'versions' ? list(data.versions) : sub === 'profile' ? data.profile : sub === 'preview' ? data.rows : sub === 'sql' ? data.sql : one(data.datasets, id, 'The dataset')
    if (kind === 'feature-configs:smart-defaults') return { definition: data.featureConfigs[0].definition, reasons: data.reasons }
    if (kind === 'feature-configs:check') return { errors: [], warnings: ['transaction_date changes for every request: time features extrapolate when lists are made'], query: { total: 0, parts: [] }, candidate: { total: 0, parts: [] } }
    if (kind === 'feature-configs') return !id ? list(some(data.featureConfigs)) : sub === 'versions' ? list(data.featureVersions) : one(data.featureConfigs, id, 'The features')
    if (kind === 'model-configs:check') return { errors: body?.definition?.learning_rate > 1 ? [{ location: 'learning_rate', message: 'must be above 0 and at most 1' }] : [], warnings: [] }
    if (kind === 'model-configs') return !id ? list(some(data.modelConfigs)) : one(data.modelConfigs, id, 'The model')
    if (kind === 'code:generate') return data.codeOf(body.features)
    if (kind === 'experiments:check') return { errors: [], warnings: [], settings: body.settings, snapshot: data.experiments[0].snapshot }
    if (kind === 'experiments') return !id ? list(some(experiments).filter((e) => matches(e, q)).map(listed), Number(q.get('limit')), q.get('cursor')) : sub === 'history' ? (['e10', 'e7'].includes(id) ? { experiment: id, epochs: [], series: {} } : data.history(id)) : sub === 'code' ? data.codeOf(data.featureConfigs[0].definition) : sub === 'logs' ? { lines: sub2 === 'trainer' ? data.logLines : data.logLines.slice(0, 6) } : one(experiments, id, 'The experiment')
    if (kind === 'recommendations') {
      if (!id) return list(data.customers.filter((c) => c.id.includes(q.get('search') ?? '')), Number(q.get('limit')))
      return data.recommendation(decodeURIComponent(id), Number(q.get('k') ?? 10), data.customers.some((c) => c.id === id), q.get('exclude_seen') === 'true')
    }
  }
  return undefined
}

export function serve({ port = 0, empty = false, many = false, signedOut = false } = {}) {
  const server = createServer((req, res) => {
    const u = new URL(req.url, 'http://x')
    if (u.pathname === '/v1/watch' && !signedOut) {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('event: ready\ndata: {"collections":[]}\n\n')
      return
    }
    if (u.pathname.startsWith('/v1/')) {
      const parts = []
      req.on('data', (c) => parts.push(c))
      req.on('end', () => {
        let body
        try {
          body = JSON.parse(Buffer.concat(parts).toString() || '{}')
        } catch {
          body = undefined
        }
        let out = u.pathname === '/v1/sign-in' ? { method: 'link' } : signedOut ? { status: 401, body: { detail: 'this request carries no valid token', code: 'unauthenticated' } } : answer(req.method, u.pathname, u.searchParams, body, { empty, many })
        if (out === undefined) out = missing(`The route ${req.method} ${u.pathname}`)
        const failed = out && typeof out.status === 'number' && out.body
        res.writeHead(failed ? out.status : 200, { 'content-type': failed ? 'application/problem+json' : 'application/json' })
        res.end(JSON.stringify(failed ? out.body : out))
      })
      return
    }
    const file = join(DIST, normalize(u.pathname))
    const path = file.startsWith(DIST) && existsSync(file) && statSync(file).isFile() ? file : join(DIST, 'index.html')
    res.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' })
    createReadStream(path).pipe(res)
  })
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve({ port: Number(process.argv[2]) || 8490, empty: process.argv.includes('--empty'), many: process.argv.includes('--many'), signedOut: process.argv.includes('--signed-out') })
  console.log(`http://127.0.0.1:${server.address().port}`)
}
