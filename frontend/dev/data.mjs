// A small, complete project in memory, in the shapes of the API: for work on the
// page without a server, and for the screenshots of single pages. It is no part
// of the build.
const now = Date.now()
const ago = (min) => new Date(now - min * 60_000).toISOString()
const raw = (name) => ({ dataset: 'raw_data', name })

export const me = { subject: 'owner', name: 'owner', role: 'owner' }
export const projects = [{ id: 'main', name: 'Sample wholesale' }]

const tx = [['transaction_id', 'STRING'], ['customer_id', 'STRING'], ['product_id', 'STRING'], ['transaction_date', 'TIMESTAMP'], ['quantity', 'INT64'], ['net_value', 'NUMERIC'], ['warehouse', 'STRING'], ['channel', 'STRING']]
const pr = [['product_id', 'STRING'], ['category', 'STRING'], ['subcategory', 'STRING'], ['brand', 'STRING'], ['price', 'NUMERIC']]
const cu = [['customer_id', 'STRING'], ['segment', 'STRING'], ['city', 'STRING'], ['size', 'STRING']]
const cols = (list) => list.map(([name, type]) => ({ name, type }))
export const tables = [
  { ref: raw('transactions'), columns: cols(tx), rows: 99_412, bytes: 4_812_332, modified: ago(38) },
  { ref: raw('products'), columns: cols(pr), rows: 2_000, bytes: 61_204, modified: ago(190) },
  { ref: raw('customers'), columns: cols(cu), rows: 1_500, bytes: 38_112, modified: ago(190) },
  { ref: raw('price_list'), columns: cols([['product_id', 'STRING'], ['list_price', 'NUMERIC'], ['valid_from', 'DATE']]), rows: 48_102, bytes: 812_004, modified: ago(500) },
]

export const connections = [
  { id: 'uploads', name: 'Uploads', type: 'uploads', params: {}, created_at: ago(9000), updated_at: ago(9000) },
  { id: 'c1', name: 'erp-prod', type: 'postgresql', params: { host: 'erp-db.internal', port: 5432, database: 'erp', user: 'b2brecs_reader', tls: 'require' }, test_status: 'success', test_message: 'The source answers.', tested_at: ago(12), created_at: ago(8000), updated_at: ago(8000), created_by: 'owner' },
]
const f = (name, title, more) => ({ name, title, type: 'text', ...more })
export const kinds = [
  { name: 'uploads', title: 'Uploaded files', category: 'storage', built_in: true, fields: [], capabilities: { tables: false, files: true, incremental: false, snapshot: false } },
  {
    name: 'postgresql', title: 'PostgreSQL', category: 'relational', help: 'A user with SELECT is enough; nothing is written to the database.',
    fields: [f('host', 'Host', { required: true, example: 'db.example.com' }), f('port', 'Port', { type: 'number', default: 5432, min: 1, max: 65535 }), f('database', 'Database', { required: true }), f('user', 'User', { required: true }), f('password', 'Password', { secret: true, required: true }), f('tls', 'Encryption', { type: 'choice', choices: ['disable', 'require', 'verify-ca', 'verify-full'], default: 'require', help: 'verify-full checks the certificate and the name.' }), f('ca_certificate', 'CA certificate', { type: 'block', help: 'PEM text; needed when a company authority signed the certificate.' })],
    capabilities: { tables: true, files: false, incremental: true, snapshot: true },
  },
]

const ec = (list) => list.map(([name, type]) => ({ source: name, source_type: type === 'TIMESTAMP' ? 'timestamp' : type.toLowerCase(), name, type, confidence: 'high' }))
const job = (id, name, table, columns, more) => ({ id, name, connection: 'uploads', kind: 'uploads', files: { prefix: table + '/', pattern: '*.csv', format: 'csv' }, destination: raw(table), load: 'transactional', columns: ec(columns), safety_lag_seconds: 0, max_reject_share: 0.05, enabled: true, created_at: ago(6000), updated_at: ago(300), created_by: 'owner', ...more })
export const jobs = [
  job('j1', 'transactions.parquet', 'transactions', tx, { files: { prefix: 'transactions/', pattern: '*.parquet', format: 'parquet' }, last_run: 'r317', last_status: 'completed', last_run_at: ago(38) }),
  job('j2', 'invoice_lines', 'invoice_lines', tx, { connection: 'c1', kind: 'postgresql', files: undefined, schema: 'public', table: 'invoice_lines', timestamp_column: 'transaction_date', keys: ['transaction_id'], watermark: '2026-11-23T13:50:00.000000Z', schedule: { cron: '0 * * * *', time_zone: 'Europe/Copenhagen' }, active_run: 'r318', last_run: 'r318', last_status: 'running', last_run_at: ago(4.2) }),
  job('j3', 'products.csv', 'products', pr, { load: 'catalog', last_run: 'r315', last_status: 'completed', last_run_at: ago(190) }),
  job('j4', 'customers.csv', 'customers', cu, { load: 'catalog', last_run: 'r314', last_status: 'partial', last_run_at: ago(192) }),
]

const at = (base, s) => new Date(new Date(base).getTime() + s * 1000).toISOString()
const phases = (start, marks, live) => ['infer', 'plan', 'extract', 'load', 'commit'].map((name, i) => (marks[i] ? { name, started: at(start, marks[i][0]), ...(marks[i][1] === undefined ? {} : { ended: at(start, marks[i][1]) }) } : { name, ...(live ? {} : {}) }))
const run = (n, j, status, startMin, secs, rows, rejected, more = {}) => {
  const start = ago(startMin)
  const done = !['running', 'pending'].includes(status)
  return {
    id: 'r' + n, number: n, job: j.id, job_name: j.name, destination: j.destination, load: j.load, trigger: j.schedule ? 'schedule' : 'upload', by: 'owner', status,
    phases: phases(start, [[0, secs * 0.05], [secs * 0.05, secs * 0.12], [secs * 0.12, secs * 0.8], [secs * 0.2, secs * 0.9], [secs * 0.9, secs]]), epoch: 1, estimate_rows: rows, chunks: 8, chunks_extracted: 8, chunks_loaded: 8,
    rows_read: rows, rows_staged: rows - rejected, rows_rejected: rejected, bytes_read: rows * 48, created_at: start, started_at: start, ...(done ? { ended_at: at(start, secs) } : {}),
    ...(status === 'completed' || status === 'partial' ? { commit: { id: 'r' + n, read: rows - rejected, inserted: rows - rejected, updated: 0, deleted: 0, repeated: false } } : {}), ...more,
  }
}
export const runs = [
  run(318, jobs[1], 'running', 4.2, 252, 1_882_300, 3_812, {
    phases: phases(ago(4.2), [[0, 3], [3, 12], [14], [30], undefined], true), chunks: 48, chunks_extracted: 30, chunks_loaded: 28, rows_read: 1_186_411, rows_staged: 1_148_203, rows_rejected: 3_812, bytes_read: 1_960_000_000,
    from: '2024-01-01T00:00:00Z', to: '2026-11-23T13:50:00Z', snapshot: '00000003-0000001B-1', reject_reasons: { 'customer_id is empty': 3_204, 'Date cannot be read: "31.02.2024"': 411, 'Number too large for NUMERIC': 186, 'Duplicate of a row already read': 11 }, trigger: 'manual', warnings: ['The source reports no primary key on public.invoice_lines; transaction_id was chosen by hand.'],
  }),
  run(317, jobs[0], 'completed', 38, 2.05, 99_412, 0),
  run(316, jobs[1], 'failed', 170, 9, 0, 0, { phases: phases(ago(170), [[0, 2], [2, undefined]]), chunks: 0, rows_read: 0, rows_staged: 0, estimate_rows: -1, error: { code: 'unavailable', message: 'the connection to erp-prod stopped at the TLS handshake', cause: 'The certificate is signed by an authority that is not trusted: x509: certificate signed by unknown authority', next: 'Add the CA certificate to the connection, then run it again.', turn: 'you', step: 'plan-run' } }),
  run(315, jobs[2], 'completed', 190, 0.8, 2_000, 0),
  run(314, jobs[3], 'partial', 192, 0.9, 1_507, 7, { reject_reasons: { 'customer_id is empty': 7 } }),
  run(313, jobs[0], 'cancelled', 600, 41, 22_000, 0, { commit: undefined }),
]
/** The chunks of a run, read by four at a time; the twelfth a second time. */
export const chunksOf = (r) => {
  const [live, extract] = [!r.ended_at, r.phases.find((p) => p.name === 'extract')]
  if (!extract?.started) return []
  const from = new Date(extract.started).getTime()
  const span = (live ? now : new Date(extract.ended).getTime()) - from
  const rounds = live ? 8 : r.chunks / 4
  const free = [0, 0.05, 0.11, 0.18].map((x) => from + (x * span) / rounds)
  return Array.from({ length: r.chunks }, (_, i) => {
    const lane = free.indexOf(Math.min(...free))
    const took = (span / rounds) * (0.8 + 0.4 * (((i * 7919) % 97) / 97)) * (i === 12 ? 1.9 : 1)
    const start = free[lane]
    const end = (free[lane] += took)
    const state = start > now ? 'planned' : end > now ? 'running' : end > now - 6000 ? 'extracted' : 'loaded'
    const read = state === 'extracted' || state === 'loaded'
    const rows = Math.round((r.estimate_rows / r.chunks) * (read ? 1 : state === 'running' ? (now - start) / took : 0))
    return { id: `${r.id}-1-${String(i).padStart(6, '0')}`, run: r.id, job: r.job, epoch: 1, number: i, state, label: `ctid ${(i * 1024).toLocaleString('en-US')} to ${((i + 1) * 1024 - 1).toLocaleString('en-US')}`, attempts: state === 'planned' ? 0 : i === 12 ? 2 : 1, rows, staged: read ? rows - 120 : 0, rejected: read ? 120 : 0, bytes: read ? rows * 1_650 : 0, ...(state === 'planned' ? {} : { started_at: new Date(start).toISOString() }), ...(read ? { ended_at: new Date(end).toISOString() } : {}) }
  })
}
export const rejects = ['customer_id is empty', 'customer_id is empty', 'Date cannot be read: "31.02.2024"', 'Number too large for NUMERIC', 'customer_id is empty'].map((reason, i) => ({ reason, kind: reason.split(':')[0], column: reason.startsWith('Date') ? 'transaction_date' : reason.startsWith('Number') ? 'net_value' : 'customer_id', file: 'public.invoice_lines', line: 118_830 + i * 91, row: `INV-2024-${118830 + i},,SKU-0${i}42,2024-02-31,4,120.50` }))
export const detect = {
  columns: ec(tx).map((c, i) => ({ ...c, samples: [['INV-0001', 'INV-0002'], ['004711', '000815'], ['SKU-0042', 'SKU-0117'], ['2026-11-20 10:31:00', '2026-11-21 08:02:11'], ['4', '-2'], ['120.50', '18.00'], ['07', '03'], ['web', 'field']][i], ...(i === 1 ? { note: 'leading zeros: kept as text, so that no digit is lost', confidence: 'high' } : i === 6 ? { note: 'looks like a number with a leading zero: kept as text', confidence: 'medium' } : {}) })),
  rows_estimate: 100_000, warnings: [], format: 'csv', delimiter: ';', encoding: 'utf-8', header: true,
}

const dcol = (table, list, prefix = '') => list.map(([column]) => ({ table: raw(table), column, name: prefix + column }))
const definition = {
  primary: raw('transactions'),
  joins: [
    { table: raw('products'), left_table: raw('transactions'), left_column: 'product_id', right_column: 'product_id', type: 'left', fan_out: 'block' },
    { table: raw('customers'), left_table: raw('transactions'), left_column: 'customer_id', right_column: 'customer_id', type: 'left', fan_out: 'block' },
  ],
  columns: [...dcol('transactions', tx.slice(0, 6)), ...dcol('products', pr.slice(1)), ...dcol('customers', cu.slice(1))],
  roles: { customer: 'customer_id', product: 'product_id', time: 'transaction_date', value: 'net_value' }, dates: { column: 'transaction_date', rolling_days: 730 }, positive_only: true,
}
const schema = definition.columns.map((c) => ({ name: c.name, type: [...tx, ...pr, ...cu].find(([n]) => n === c.column)[1] }))
export const datasets = [{ id: 'd1', project: 'main', name: 'Sales 730 days', version: 2, definition, created_at: ago(900), updated_at: ago(60), created_by: 'owner' }]
export const versions = [1, 2].map((number) => ({ dataset: 'd1', number, definition, schema, hash: 'f3a9c1de77b0421c' + number, created_at: ago(900 - number * 400), created_by: 'owner' }))
const pareto = (n, k) => Array.from({ length: 40 }, (_, i) => { const share = ((i + 1) / 40) ** 1.6; return { rank: Math.max(1, Math.round(share * n)), share, value_share: 1 - (1 - share) ** k } })
const months = Array.from({ length: 24 }, (_, i) => ({ value: new Date(Date.UTC(2024, 11 + i, 1)).toISOString().slice(0, 7), count: Math.round(3600 + 900 * Math.sin(i / 1.9) + i * 40) }))
export const profile = {
  dataset: 'd1', version: 2, rows: 94_127, customers: 1_487, products: 1_964, pairs: 41_208, from: '2024-11-24', to: '2026-11-23', value: 8_421_330.5, rows_before: 99_412,
  columns: schema.map((c, i) => ({ name: c.name, type: c.type, nulls: [0, 0, 0, 0, 0, 0, 12, 12, 40, 12, 0, 3, 0][i] ?? 0, distinct: [94_127, 1_487, 1_964, 91_002, 214, 18_220, 12, 64, 148, 1_702, 5, 40, 3][i], ...(c.type === 'STRING' ? { top: Array.from({ length: 10 }, (_, k) => ({ value: ({ category: ['Fasteners', 'Electrical', 'Anchors', 'Abrasives'], city: ['Aarhus', 'Odense', 'Malmö', 'Bergen'], segment: ['Construction', 'Metal workshop', 'Retail'] }[c.name] ?? [c.name.toUpperCase()])[k] ?? `${c.name} ${k + 1}`, count: Math.round(9000 / (k + 1)) })) } : { mean: 84.2, std_dev: 120.1, quantiles: [0, 4, 9, 15, 24, 40, 62, 95, 150, 280, 4200], min: c.type === 'TIMESTAMP' ? '2024-11-24T00:03:00Z' : '0.04', max: c.type === 'TIMESTAMP' ? '2026-11-23T13:50:00Z' : '4200' }) })),
  customer_pareto: pareto(1_487, 3.2), product_pareto: pareto(1_964, 5), rows_per_month: months, score: 88, rating: 'excellent',
  findings: [
    { severity: 'info', code: 'roles', message: 'Every row has a customer and a product', why: '', next: '', penalty: 0 },
    { severity: 'warning', code: 'negative_value', message: '5,172 returns are left out', why: 'A return is no purchase: it would teach the model what was sent back', next: 'Nothing, unless returns matter to you', penalty: 2 },
    { severity: 'warning', code: 'single_interaction', message: '212 customers have a single purchase', why: 'They cannot be in train and in test', next: 'Keep at least two purchases per customer', penalty: 5 },
    { severity: 'warning', code: 'sparse', message: 'Density is 1.41 %', why: 'Half of the products have fewer than 20 buyers', next: 'A smaller embedding helps', penalty: 5 },
  ],
  bytes_scanned: 0, analyzed_at: ago(45), seconds: 0.42,
}
const guess = (column, confidence, why) => ({ table: raw('transactions'), column, confidence, score: confidence === 'high' ? 0.95 : 0.6, why, alternatives: [] })
const joinGuess = (join, overlap, n) => ({ join, confidence: 'high', score: 0.98, why: ['equal names', `${(overlap * 100).toFixed(1)} % of rows match`, 'one row per key'], overlap, keys: { rows: n, distinct: n }, proposed: true })
export const suggestion = {
  definition,
  roles: {
    customer: guess('customer_id', 'high', 'the name says customer; 1,487 values repeat 63 times on average'), product: guess('product_id', 'high', 'the name says product; it joins products'),
    time: guess('transaction_date', 'high', 'the only time column'), value: guess('net_value', 'medium', 'a decimal named value'),
  },
  joins: [joinGuess(definition.joins[0], 0.989, 2000), joinGuess(definition.joins[1], 0.997, 1500)], missing: [], notes: [],
}
export const sql = { sql: 'WITH transactions AS (\n  SELECT "transaction_id", "customer_id", "product_id", "transaction_date", "quantity", "net_value"\n  FROM "raw_data"."transactions"\n  WHERE "net_value" > 0\n)\nSELECT t.*, p."category", p."subcategory", p."brand", p."price", c."segment", c."city", c."size"\nFROM transactions t\nLEFT JOIN "raw_data"."products" p ON t."product_id" = p."product_id"\nLEFT JOIN "raw_data"."customers" c ON t."customer_id" = c."customer_id"\n' }
export const rows = { columns: schema, rows: Array.from({ length: 20 }, (_, i) => [`INV-${20000 + i}`, `00${4711 + i * 7}`, `SKU-${1042 + i * 3}`, new Date(now - i * 7_200_000).toISOString(), 4 + i, (84.2 + i * 3.1).toFixed(2), ['Fasteners', 'Electrical'][i % 2], ['Hex bolts', 'Cables'][i % 2], i === 3 ? null : ['Nordbolt', 'Kabelwerk'][i % 2], (1.2 + i).toFixed(2), 'Construction', ['Aarhus', 'Odense', 'Malmö'][i % 3], 'M']), truncated: true }

const text = (column, cardinality, dim, more = {}) => ({ column, type: 'STRING', data_type: 'text', cardinality, embedding: { dim, max_size: Math.ceil(cardinality * 1.5), oov_buckets: 10, min_frequency: 1 }, ...more })
const features = {
  dataset: 'd1', dataset_version: 2,
  query: {
    features: [text('customer_id', 1_487, 32, { primary_id: true, embedding: { dim: 32, max_size: 2231, oov_buckets: 10, min_frequency: 5 } }), text('segment', 5, 8), text('city', 40, 8), text('size', 3, 8), { column: 'transaction_date', type: 'TIMESTAMP', data_type: 'temporal', cyclical: { quarterly: true, monthly: true, weekly: true } }],
    crosses: [{ features: [{ column: 'segment' }, { column: 'city' }], hash_buckets: 1000, dim: 16 }],
  },
  candidate: {
    features: [text('product_id', 1_964, 32, { primary_id: true, embedding: { dim: 32, max_size: 2946, oov_buckets: 10, min_frequency: 5 } }), text('category', 12, 8), text('subcategory', 64, 16), text('brand', 148, 16), { column: 'price', type: 'NUMERIC', data_type: 'numeric', cardinality: 1702, normalize: { kind: 'log_zscore' }, bucketize: { buckets: 100, dim: 32 } }],
    crosses: [{ features: [{ column: 'category' }, { column: 'subcategory' }], hash_buckets: 1000, dim: 16 }],
  },
}
export const featureConfigs = [{ id: 'f1', project: 'main', name: 'Two towers', version: 2, definition: features, query_dim: 78, candidate_dim: 121, warnings: [], created_at: ago(800), updated_at: ago(50), created_by: 'owner' }]
const older = structuredClone(features)
older.candidate.crosses = []
older.query.features = older.query.features.slice(0, 4)
export const featureVersions = [{ of: 'f1', number: 1, definition: older, hash: 'aa', created_at: ago(800) }, { of: 'f1', number: 2, definition: features, hash: 'bb', created_at: ago(50) }]
const model = { type: 'retrieval', query: [{ type: 'dense', units: 64, activation: 'relu', l2: 0.02 }, { type: 'dropout', rate: 0.2 }], candidate: [{ type: 'dense', units: 64, activation: 'relu', l2: 0.02 }, { type: 'dropout', rate: 0.2 }], output_dim: 64, optimizer: 'adam', learning_rate: 0.004, batch_size: 1024, epochs: 10, embedding_l2: 0.00001, log_q: true, temperature: 1, normalize: false, clip_norm: 0, patience: 2, top_k: 100, index: 'brute_force' }
const wide = { ...model, query: [{ type: 'dense', units: 128, activation: 'relu', l2: 0.001 }, { type: 'dense', units: 64, activation: 'relu' }], candidate: [{ type: 'dense', units: 128, activation: 'relu', l2: 0.001 }, { type: 'dense', units: 64, activation: 'relu' }] }
export const modelConfigs = [{ id: 'm1', project: 'main', name: 'compact', version: 2, preset: 'compact', definition: model, created_at: ago(800), updated_at: ago(70), created_by: 'owner' }, { id: 'm2', project: 'main', name: 'standard', version: 1, preset: 'standard', definition: wide, created_at: ago(700), updated_at: ago(700), created_by: 'owner' }]
export const presets = [{ name: 'compact', title: 'Compact', description: '64 units with dropout: the best on small and middle-sized data.', definition: model }, { name: 'standard', title: 'Standard', description: '128 and 64 units.', definition: wide }]
export const reasons = [{ column: 'customer_id', tower: 'query', why: 'the customer role; 1,487 values, so 32 dims' }, { column: 'city', tower: 'query', why: 'an attribute of the customer table; 40 values, so 8 dims' }, { column: 'quantity', tower: 'skipped', why: 'known only after the purchase' }]
const py = (d) => `"""Transform module.

Generated by b2brecs from feature config f1. Do not edit: change the config.
"""
import math

import tensorflow as tf
import tensorflow_transform as tft

SECONDS_PER_DAY = 86_400


def _vocabulary(x, name, top_k, oov, min_frequency):
    """Frequency-ordered vocabulary; unknown values share the last rows."""
    return tft.compute_and_apply_vocabulary(
        x, top_k=top_k, num_oov_buckets=oov, frequency_threshold=min_frequency,
        vocab_filename=name)


def preprocessing_fn(inputs):
    """TFX Transform entry point."""
    outputs = {}

    # Query tower, ${d.query.features.length} features.
${d.query.features.map((x, i) => (x.data_type === 'text' ? `    outputs['f0${i}'] = _vocabulary(\n        inputs['${x.column}'], 'f0${i}_vocab', top_k=${x.embedding.max_size ?? 'None'}, oov=${x.embedding.oov_buckets ?? 1},\n        min_frequency=${x.embedding.min_frequency ?? 1})` : `    outputs.update(_cycles(inputs['${x.column}'], ('quarterly', 'monthly', 'weekly')))`)).join('\n')}

    # Candidate tower, ${d.candidate.features.length} features.
${d.candidate.features.map((x, i) => (x.data_type === 'text' ? `    outputs['f1${i}'] = _vocabulary(\n        inputs['${x.column}'], 'f1${i}_vocab', top_k=${x.embedding.max_size ?? 'None'}, oov=${x.embedding.oov_buckets ?? 1},\n        min_frequency=${x.embedding.min_frequency ?? 1})` : `    outputs['f1${i}_norm'] = tft.scale_to_z_score(tf.math.log1p(inputs['${x.column}']))\n    outputs['f1${i}_bucket'] = tft.bucketize(inputs['${x.column}'], 100)`)).join('\n')}
${d.candidate.crosses.map((x, i) => `    outputs['cx0${i}'] = _cross((inputs['${x.features[0].column}'], inputs['${x.features[1].column}']), hash_size=${x.hash_buckets})`).join('\n')}
    return outputs
`
export const codeOf = (d) => ({ transform: py(d), trainer: `"""Trainer module: a two-tower retrieval model."""\nimport tensorflow as tf\nimport tensorflow_recommenders as tfrs\n\nfrom b2brecs_runtime import training\n\nCONFIG = {'output_dim': 64, 'batch_size': 1024, 'learning_rate': 0.004}\n\n\nclass QueryTower(tf.keras.Model):\n    """Customer side."""\n\n    def call(self, features):\n        return self.layers_(self.inputs_(features))\n\n\nclass TwoTower(tfrs.Model):\n    def __init__(self, query, candidate, counts):\n        super().__init__()\n        self.query, self.candidate = query, candidate\n        self.task = tfrs.tasks.Retrieval()\n\n\ndef run_fn(fn_args):\n    """TFX Trainer entry point."""\n    training.fit(TwoTower, CONFIG, fn_args)\n`, hash: '9f3c', manifest: {}, warnings: [], transform_lines: 60, trainer_lines: 32 })

const protocol = { split: 'temporal: test 2026-09-12 to 2026-11-23', candidates: 'all 1,941 products of training', seen_items: 'kept', cutoffs: [5, 10, 50, 100], customers: 1_103, cold_customers: 21, items: 1_941, rows: 9_412, unseen_item_rows: 118, seed: 42, rules: 'Ties are broken by a seeded permutation. Recall divides by the number of distinct products bought, at most k. Cold customers count and get the popular list.' }
const scores = (k) => Object.fromEntries([5, 10, 50, 100].flatMap((c, i) => [[`recall@${c}`, k * [0.42, 0.66, 1.4, 1.82][i]], [`ndcg@${c}`, k * [0.35, 0.43, 0.62, 0.72][i]]]))
const stage = (name, state, start, secs, fact, error) => ({ name, state, ...(start ? { started: start } : {}), ...(start && secs !== undefined ? { ended: at(start, secs) } : {}), ...(fact ? { fact } : {}), ...(error ? { error } : {}) })
const names = ['prepare', 'examples', 'statistics', 'schema', 'transform', 'trainer', 'evaluator']
const took = [3, 4.2, 2.1, 0.6, 7.4, 41, 6.2]
const facts = ['94,127 rows, 12 features', '75,301 + 9,414 + 9,412 rows', '13 columns, 0.1 % missing', '13 features, 0 anomalies', '78 + 121 dims out', '8 epochs, best 6', 'Recall@10 0.243']
const snapshot = (m) => ({ dataset: 'd1', dataset_name: 'Sales 730 days', dataset_version: versions[1], feature_config: 'f1', feature_name: 'Two towers', feature_version: 2, features, model_config: m.id, model_name: m.name, model_version: m.version, model: m.definition })
const exp = (number, status, min, more = {}) => {
  const start = ago(min)
  let t = start
  const stages = names.map((n, i) => { const s = stage(n, 'SUCCEEDED', t, took[i], facts[i]); t = s.ended; return s })
  return {
    id: 'e' + number, number, project: 'main', name: '', status, stages, progress: 1, epoch: 8, settings: { split: { strategy: 'temporal', seed: 42 }, epochs: 10, batch_size: 0, learning_rate: 0, seed: 42, exclude_seen: false }, snapshot: snapshot(modelConfigs[0]),
    examples: { table: { dataset: 'ml', name: 'e' + number }, columns: [], rows: { train: 75_301, eval: 9_414, test: 9_412 }, dropped: 0, customers: 1_487, products: 1_964, train_from: '2024-11-24', eval_from: '2026-07-02', test_from: '2026-09-12', to: '2026-11-23', sql: '' },
    code_hash: 'ab' + number, best_epoch: 6, recommendations: 150_100, root: '', job_seq: 9, created_at: start, started_at: start, ended_at: t, created_by: 'owner', ...more,
  }
}
const metrics = (k, verdict = 'beats item-kNN') => ({ protocol, model: scores(k), popularity: scores(0.18), item_knn: scores(0.33), verdict })
const liveStart = ago(1.1)
export const experiments = [
  exp(12, 'running', 1.1, {
    name: 'Price buckets, lr 0.003', epoch: 4, progress: 0.58, code_hash: 'zz', metrics: undefined, ended_at: undefined, best_epoch: undefined, recommendations: undefined, settings: { split: { strategy: 'temporal', seed: 42 }, epochs: 10, batch_size: 0, learning_rate: 0.003, seed: 42, exclude_seen: false },
    stages: names.map((n, i) => (i < 5 ? stage(n, 'SUCCEEDED', at(liveStart, took.slice(0, i).reduce((a, b) => a + b, 0)), took[i], facts[i]) : i === 5 ? stage(n, 'RUNNING', at(liveStart, 18)) : stage(n, 'PENDING'))),
  }),
  exp(11, 'completed', 52, { name: 'Category × subcategory', metrics: metrics(0.368) }),
  exp(10, 'failed', 140, {
    name: 'Batch 65,536', metrics: undefined, best_epoch: undefined, recommendations: undefined, epoch: 0, settings: { split: { strategy: 'temporal', seed: 42 }, epochs: 10, batch_size: 65_536, learning_rate: 0, seed: 42, exclude_seen: false },
    stages: names.map((n, i) => (i < 5 ? stage(n, 'SUCCEEDED', ago(140), took[i], facts[i]) : i === 5 ? stage(n, 'FAILED', ago(139.6), 9, '', { code: 'resource_exhausted', message: 'Memory limit exceeded', cause: 'MemoryError: unable to allocate 17.2 GiB for an array with shape (65536, 65536)', next: 'Use a smaller batch or fewer rows, or a machine with more memory, and run it again.', turn: 'you', step: 'trainer' }) : stage(n, 'PENDING'))),
    error: { code: 'resource_exhausted', message: 'Memory limit exceeded', cause: 'MemoryError: unable to allocate 17.2 GiB for an array with shape (65536, 65536)', next: 'Use a smaller batch or fewer rows, or a machine with more memory, and run it again.', turn: 'you', step: 'trainer' },
  }),
  exp(9, 'completed', 300, { name: 'Standard towers', metrics: metrics(0.352), snapshot: snapshot(modelConfigs[1]) }),
  exp(8, 'completed', 500, { name: 'No log-Q', metrics: metrics(0.14, 'below popularity'), snapshot: { ...snapshot(modelConfigs[0]), model: { ...model, log_q: false } } }),
  exp(7, 'cancelled', 700, { metrics: undefined }),
  ...[6, 5, 4, 3, 2, 1].map((n) => exp(n, 'completed', 800 + (6 - n) * 400, { metrics: metrics(0.335 + n * 0.004), name: ['First look', 'Adam 0.004', 'History of a year', 'Segment × city', 'L2 0.02', 'Dropout 0.2'][n - 1] })),
]
/** A board of 147 runs: the same shapes, hyper-parameters and metrics from a seeded draw. */
export const board = () => {
  let seed = 5
  const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0), seed / 2 ** 32)
  const pick = (l) => l[Math.floor(random() * l.length)]
  return Array.from({ length: 135 }, (_, i) => {
    const [lr, batch, width, dropout, epochs, units] = [pick([0.001, 0.002, 0.004, 0.01, 0.02, 0.05]), pick([512, 1024, 2048, 4096, 8192]), pick([16, 32, 64, 96]), pick([0, 0.1, 0.2, 0.4]), pick([10, 15, 20]), pick([64, 128, 256])]
    const k = 0.36 - 0.05 * Math.abs(Math.log(lr / 0.006)) / 2 + width / 2400 - Math.abs(dropout - 0.2) * 0.07 - Math.log2(batch / 512) * 0.006 + (random() - 0.5) * 0.03
    const m = { ...model, learning_rate: lr, batch_size: batch, output_dim: width, query: [{ type: 'dense', units, activation: 'relu' }, { type: 'dropout', rate: dropout }], candidate: [{ type: 'dense', units, activation: 'relu' }] }
    const status = random() < 0.05 ? 'failed' : random() < 0.03 ? 'cancelled' : 'completed'
    return exp(147 - i, status, 30 + i * 190, {
      name: pick(['', 'Wider', 'Price history', 'Two crosses', 'No segment', 'Long history']), created_by: random() < 0.7 ? 'owner' : 'analyst', metrics: status === 'completed' ? metrics(k) : undefined, epoch: status === 'completed' ? 8 : 0,
      settings: { split: { strategy: 'temporal', seed: 42 }, epochs, batch_size: 0, learning_rate: 0, seed: 42, exclude_seen: false }, snapshot: { ...snapshot({ ...modelConfigs[0], definition: m }), dataset_version: versions[random() < 0.3 ? 0 : 1] },
    })
  }).concat(experiments)
}
const curve = (n, a, b, r) => Array.from({ length: n }, (_, i) => a + (b - a) * (1 - Math.exp(-(i + 1) / r)))
const numericStats = (name, mean) => ({ name, feature_type: 'FLOAT', numeric_stats: { count: 75_301, missing: 0, missing_pct: 0, mean, std_dev: mean * 1.3, zeros: 12, zeros_pct: 0.02, min_val: 0.04, median: mean * 0.7, max_val: mean * 40, histogram: [820, 640, 420, 260, 150, 90, 60, 40, 20, 12].map((count, i) => ({ low: i, high: i + 1, count })) } })
const catStats = (name, unique) => ({ name, feature_type: 'STRING', categorical_stats: { count: 75_301, missing: 12, missing_pct: 0.02, unique, top_values: ['a', 'b', 'c', 'd', 'e'].map((v, i) => ({ value: `${name}-${v}`, frequency: 9000 / (i + 1), frequency_pct: 12 / (i + 1) })), avg_length: 9 } })
export const history = (id) => {
  const n = id === 'e12' ? 4 : 8
  return {
    experiment: id, epochs: Array.from({ length: n }, (_, i) => i + 1), series: { loss: curve(n, 6.9, 4.8, 2.2), val_loss: curve(n, 6.8, 5.3, 1.8), 'val_recall@10': curve(n, 0.08, 0.252, 1.9), seconds: curve(n, 5.2, 4.9, 2) },
    ...(n === 8 ? { params: { epochs: 10, batch_size: 1024, learning_rate: 0.004, optimizer: 'adam' }, timings: { examples: 4.2, statistics: 2.1, schema: 0.6, transform: 7.4, trainer: 41, evaluator: 6.2 } } : {}),
    statistics: { num_examples: 75_301, num_features: 13, num_numeric_features: 3, num_categorical_features: 8, avg_missing_pct: 0.1, numeric_features: [numericStats('net_value', 84.2), numericStats('price', 12.4), numericStats('quantity', 9)], categorical_features: [catStats('customer_id', 1_487), catStats('product_id', 1_964), catStats('city', 40)] },
    schema: { num_features: 13, features: schema.map((c) => ({ name: c.name, feature_type: c.type === 'STRING' ? 'STRING' : 'FLOAT', value_type: 'BYTES', presence: 'required', shape: 'scalar', domain: c.name === 'segment' ? 'segment' : '' })) },
  }
}
export const logLines = Array.from({ length: 60 }, (_, i) => `${new Date(now - (60 - i) * 1500).toISOString().slice(11, 19)} ${i === 41 ? 'WARNING' : 'INFO'} trainer ${i === 41 ? 'gradient norm of the candidate tower is 3.1 times its median' : `epoch ${1 + Math.floor(i / 15)}/10 step ${(i % 15) * 5}/74 loss ${(6.9 - i * 0.03).toFixed(3)}`}`)
export const customers = Array.from({ length: 40 }, (_, i) => ({ id: String(4711 + i * 37).padStart(6, '0'), purchases: Math.round(640 / (i + 1)) + 4 }))
const words = ['Fasteners', 'Electrical', 'Anchors', 'Abrasives', 'Plumbing']
const attributes = (i) => ({ category: words[i % 5], subcategory: ['Hex bolts', 'Installation cable', 'Wedge anchors', 'Cutting discs', 'Fittings'][i % 5], brand: ['Nordbolt', 'Kabelwerk', 'Ankra'][i % 3], price: 1.2 + i * 2.35 })
export const recommendation = (customer, k, known, exclude) => ({
  customer, experiment: 'e11', source: known ? 'model' : 'popular', ...(known ? {} : { reason: `Customer ${customer} has no purchase in the data of experiment #11, so the most bought products are shown.` }),
  items: Array.from({ length: k }, (_, i) => ({ product: `SKU-${1042 + i * 31}`, score: 9.1 - i * 0.31, rank: i + 1, seen: !exclude && i % 4 === 3, attributes: attributes(i) })),
  ...(known ? { bought: Array.from({ length: 12 }, (_, i) => ({ product: i % 4 === 3 ? `SKU-${1042 + (i - 0) * 31}` : `SKU-${3000 + i}`, time: new Date(now - i * 9 * 86_400_000).toISOString(), count: 14 - i, attributes: attributes(i + 2) })) } : {}),
})
