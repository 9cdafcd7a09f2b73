import { checkOf, suggestionOf } from './adapt'
import { client, ok, session } from './client'
import type { paths } from './schema.gen'
import type * as t from './types'

type Scalar = string | number | boolean | undefined
type Listed = { [P in keyof paths]: paths[P] extends { get: { parameters: { query?: infer Q } } } ? (NonNullable<Q> extends never ? never : P) : never }[keyof paths]
/** The filters a list knows, by name; their values come from the address as text. */
export type Filter<P extends Listed> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? { [K in keyof NonNullable<Q>]?: Scalar } : never

/** The page narrows texts to a few words (types.ts); the fields are the contract's. */
async function as<T>(call: Promise<unknown>): Promise<T> {
  return (await call) as T
}
const at = (project: string) => ({ path: { project } })
const of = (project: string, id: string) => ({ path: { project, id } })
const id = (id: string) => ({ path: { id } })
const page = (query?: object) => ({ query: query as never })
const key = (value: string) => ({ header: { 'Idempotency-Key': value } })

/** Every call of the page, one line each: the route is here and nowhere else. */
export const api = {
  me: () => as<t.Me>(ok(client.GET('/v1/me'))),
  // Without the session: a stale one would be refused before the question is heard.
  signInWay: () => as<t.SignInWay>(ok(client.GET('/v1/sign-in', { credentials: 'omit' }))),
  signOut: () => session<unknown>('POST', '/v1/signout'),
  projects: () => as<t.List<t.Project>>(ok(client.GET('/v1/projects', { params: { query: { limit: 200 } } }))),
  createProject: (body: { name: string }) => as<t.Project>(ok(client.POST('/v1/projects', { body }))),

  // People
  people: (q?: Filter<'/v1/people'>) => as<t.List<t.Person>>(ok(client.GET('/v1/people', { params: page(q) }))),
  addPerson: (body: t.Body<'PersonInput'>) => as<t.Person>(ok(client.POST('/v1/people', { body }))),
  changePerson: (subject: string, body: t.Body<'PersonChange'>) => as<t.Person>(ok(client.PATCH('/v1/people/{subject}', { params: { path: { subject } }, body }))),
  removePerson: (subject: string) => as<unknown>(ok(client.DELETE('/v1/people/{subject}', { params: { path: { subject } } }))),
  /** Of an installation where people sign in by links. */
  signInLink: (subject: string) => session<{ url: string }>('POST', `/v1/people/${encodeURIComponent(subject)}/sign-in-link`),

  // ETL
  sourceKinds: () => as<t.List<t.SourceKind>>(ok(client.GET('/v1/etl/source-kinds'))),
  connections: (q?: Filter<'/v1/etl/connections'>) => as<t.List<t.Connection>>(ok(client.GET('/v1/etl/connections', { params: page(q) }))),
  connection: (i: string) => as<t.Connection>(ok(client.GET('/v1/etl/connections/{id}', { params: id(i) }))),
  createConnection: (body: t.Body<'ConnectionInput'>) => as<t.Connection>(ok(client.POST('/v1/etl/connections', { body }))),
  updateConnection: (i: string, body: t.Body<'ConnectionInput'>) => as<t.Connection>(ok(client.PATCH('/v1/etl/connections/{id}', { params: id(i), body }))),
  deleteConnection: (i: string) => as<unknown>(ok(client.DELETE('/v1/etl/connections/{id}', { params: id(i) }))),
  tryConnection: (body: t.Body<'ConnectionInput'>) => as<t.TestReply>(ok(client.POST('/v1/etl/connections:test', { body }))),
  testConnection: (i: string) => as<t.TestReply>(ok(client.POST('/v1/etl/connections/{id}/test', { params: id(i) }))),
  sourceTables: (i: string) => as<t.List<t.SourceTable>>(ok(client.GET('/v1/etl/connections/{id}/tables', { params: id(i) }))),
  sourceTable: (id: string, schema: string, table: string) => as<t.Description>(ok(client.GET('/v1/etl/connections/{id}/tables/{schema}/{table}', { params: { path: { id, schema, table } } }))),
  jobs: (q?: Filter<'/v1/etl/jobs'>) => as<t.List<t.Job>>(ok(client.GET('/v1/etl/jobs', { params: page(q) }))),
  job: (i: string) => as<t.Job>(ok(client.GET('/v1/etl/jobs/{id}', { params: id(i) }))),
  createJob: (body: t.Body<'JobInput'>) => as<t.Job>(ok(client.POST('/v1/etl/jobs', { body }))),
  updateJob: (i: string, body: t.Body<'JobInput'>) => as<t.Job>(ok(client.PATCH('/v1/etl/jobs/{id}', { params: id(i), body }))),
  deleteJob: (i: string) => as<unknown>(ok(client.DELETE('/v1/etl/jobs/{id}', { params: id(i) }))),
  runJob: (i: string, k: string) => as<t.Run>(ok(client.POST('/v1/etl/jobs/{id}/runs', { params: { ...id(i), ...key(k) } }))),
  runs: (q?: Filter<'/v1/etl/runs'>) => as<t.List<t.Run>>(ok(client.GET('/v1/etl/runs', { params: page(q) }))),
  run: (i: string) => as<t.Run>(ok(client.GET('/v1/etl/runs/{id}', { params: id(i) }))),
  cancelRun: (i: string) => as<t.Run>(ok(client.POST('/v1/etl/runs/{id}/cancel', { params: id(i) }))),
  chunks: (i: string) => as<t.List<t.Chunk>>(ok(client.GET('/v1/etl/runs/{id}/chunks', { params: id(i) }))),
  rejects: (i: string, limit = 50) => as<t.List<t.Reject>>(ok(client.GET('/v1/etl/runs/{id}/rejects', { params: { ...id(i), query: { limit } } }))),
  uploadWay: (key: string, size: number) => as<t.Body<'UploadWay'>>(ok(client.POST('/v1/uploads:sign', { body: { key, size } }))),
  detect: (body: t.Body<'DetectBody'>) => as<t.Description>(ok(client.POST('/v1/uploads:detect', { body }))),
  tables: () => as<t.List<t.TableInfo>>(ok(client.GET('/v1/tables'))),
  tableRows: (r: t.Ref, limit: number) => as<t.RowsReply>(ok(client.GET('/v1/tables/{dataset}/{table}/rows', { params: { path: { dataset: r.dataset, table: r.name } as never, query: { limit } } }))),

  // Datasets
  datasets: (p: string, q?: Filter<'/v1/projects/{project}/datasets'>) => as<t.List<t.Dataset>>(ok(client.GET('/v1/projects/{project}/datasets', { params: { ...at(p), ...page(q) } }))),
  dataset: (p: string, i: string) => as<t.Dataset>(ok(client.GET('/v1/projects/{project}/datasets/{id}', { params: of(p, i) }))),
  createDataset: (p: string, body: t.Body<'DatasetInput'>) => as<t.Dataset>(ok(client.POST('/v1/projects/{project}/datasets', { params: at(p), body }))),
  updateDataset: (p: string, i: string, body: t.Body<'DatasetInput'>) => as<t.Dataset>(ok(client.PATCH('/v1/projects/{project}/datasets/{id}', { params: of(p, i), body }))),
  deleteDataset: (p: string, i: string) => as<unknown>(ok(client.DELETE('/v1/projects/{project}/datasets/{id}', { params: of(p, i) }))),
  datasetVersions: (p: string, i: string) => as<t.List<t.DatasetVersion>>(ok(client.GET('/v1/projects/{project}/datasets/{id}/versions', { params: of(p, i) }))),
  profile: (p: string, i: string, version?: number) => as<t.Profile>(ok(client.GET('/v1/projects/{project}/datasets/{id}/profile', { params: { ...of(p, i), query: { version } } }))),
  analyze: (p: string, i: string) => as<t.Profile>(ok(client.POST('/v1/projects/{project}/datasets/{id}/analyze', { params: of(p, i) }))),
  datasetPreview: (p: string, i: string, limit: number) => as<t.RowsReply>(ok(client.GET('/v1/projects/{project}/datasets/{id}/preview', { params: { ...of(p, i), query: { limit } } }))),
  datasetSql: (p: string, i: string, form: 'plain' | 'training') => as<t.SqlReply>(ok(client.GET('/v1/projects/{project}/datasets/{id}/sql', { params: { ...of(p, i), query: { form } } }))),
  suggestDataset: (p: string, body: t.Body<'SuggestInput'>) => as<t.ProposalReply>(ok(client.POST('/v1/projects/{project}/datasets:suggest', { params: at(p), body }))).then(suggestionOf),
  checkDataset: (p: string, definition: t.DatasetDefinition) => as<t.CheckReply>(ok(client.POST('/v1/projects/{project}/datasets:check', { params: at(p), body: { definition } }))).then(checkOf),

  // Features and models
  features: (p: string, q?: Filter<'/v1/projects/{project}/feature-configs'>) => as<t.List<t.FeatureConfig>>(ok(client.GET('/v1/projects/{project}/feature-configs', { params: { ...at(p), ...page(q) } }))),
  feature: (p: string, i: string) => as<t.FeatureConfig>(ok(client.GET('/v1/projects/{project}/feature-configs/{id}', { params: of(p, i) }))),
  createFeature: (p: string, body: t.Body<'FeatureInput'>) => as<t.FeatureConfig>(ok(client.POST('/v1/projects/{project}/feature-configs', { params: at(p), body }))),
  updateFeature: (p: string, i: string, body: t.Body<'FeatureInput'>) => as<t.FeatureConfig>(ok(client.PATCH('/v1/projects/{project}/feature-configs/{id}', { params: of(p, i), body }))),
  deleteFeature: (p: string, i: string) => as<unknown>(ok(client.DELETE('/v1/projects/{project}/feature-configs/{id}', { params: of(p, i) }))),
  models: (p: string, q?: Filter<'/v1/projects/{project}/model-configs'>) => as<t.List<t.ModelConfig>>(ok(client.GET('/v1/projects/{project}/model-configs', { params: { ...at(p), ...page(q) } }))),
  model: (p: string, i: string) => as<t.ModelConfig>(ok(client.GET('/v1/projects/{project}/model-configs/{id}', { params: of(p, i) }))),
  createModel: (p: string, body: t.Body<'ModelInput'>) => as<t.ModelConfig>(ok(client.POST('/v1/projects/{project}/model-configs', { params: at(p), body }))),
  updateModel: (p: string, i: string, body: t.Body<'ModelInput'>) => as<t.ModelConfig>(ok(client.PATCH('/v1/projects/{project}/model-configs/{id}', { params: of(p, i), body }))),
  deleteModel: (p: string, i: string) => as<unknown>(ok(client.DELETE('/v1/projects/{project}/model-configs/{id}', { params: of(p, i) }))),
  featureVersions: (p: string, i: string) => as<t.List<t.FeatureVersion>>(ok(client.GET('/v1/projects/{project}/feature-configs/{id}/versions', { params: of(p, i) }))),
  smartDefaults: (p: string, body: { dataset: string; version?: number }) => as<t.SmartDefaults>(ok(client.POST('/v1/projects/{project}/feature-configs:smart-defaults', { params: at(p), body }))),
  checkFeature: (p: string, definition: t.FeatureDefinition) => as<t.FeatureCheck>(ok(client.POST('/v1/projects/{project}/feature-configs:check', { params: at(p), body: { definition } }))),
  modelPresets: () => as<t.List<t.ModelPreset>>(ok(client.GET('/v1/model-presets'))),
  checkModel: (p: string, body: t.Body<'CheckModelBody'>) => as<t.ModelCheck>(ok(client.POST('/v1/projects/{project}/model-configs:check', { params: at(p), body }))),
  generateCode: (p: string, body: t.Body<'CodeInput'>) => as<t.Code>(ok(client.POST('/v1/projects/{project}/code:generate', { params: at(p), body }))),

  // Experiments
  experiments: (p: string, q?: Filter<'/v1/projects/{project}/experiments'>) => as<t.List<t.Listed>>(ok(client.GET('/v1/projects/{project}/experiments', { params: { ...at(p), ...page(q) } }))),
  experiment: (p: string, i: string) => as<t.Experiment>(ok(client.GET('/v1/projects/{project}/experiments/{id}', { params: of(p, i) }))),
  createExperiment: (p: string, body: t.ExperimentInput, k: string) => as<t.Experiment>(ok(client.POST('/v1/projects/{project}/experiments', { params: { ...at(p), ...key(k) }, body }))),
  renameExperiment: (p: string, i: string, name: string) => as<t.Experiment>(ok(client.PATCH('/v1/projects/{project}/experiments/{id}', { params: of(p, i), body: { name } }))),
  cancelExperiment: (p: string, i: string) => as<t.Experiment>(ok(client.POST('/v1/projects/{project}/experiments/{id}/cancel', { params: of(p, i) }))),
  rerunExperiment: (p: string, i: string) => as<t.Experiment>(ok(client.POST('/v1/projects/{project}/experiments/{id}/rerun', { params: of(p, i) }))),
  deleteExperiment: (p: string, i: string) => as<unknown>(ok(client.DELETE('/v1/projects/{project}/experiments/{id}', { params: of(p, i) }))),
  history: (p: string, i: string) => as<t.History>(ok(client.GET('/v1/projects/{project}/experiments/{id}/history', { params: of(p, i) }))),
  experimentCode: (p: string, i: string) => as<t.Code>(ok(client.GET('/v1/projects/{project}/experiments/{id}/code', { params: of(p, i) }))),
  logs: (project: string, id: string, stage: string, lines: number) => as<{ lines: string[] }>(ok(client.GET('/v1/projects/{project}/experiments/{id}/logs/{stage}', { params: { path: { project, id, stage }, query: { lines } } }))),
  checkExperiment: (p: string, body: t.ExperimentInput) => as<t.ExperimentCheck>(ok(client.POST('/v1/projects/{project}/experiments:check', { params: at(p), body }))),

  // Recommendations
  customers: (p: string, q?: Filter<'/v1/projects/{project}/recommendations'>) => as<t.List<t.CustomerHit>>(ok(client.GET('/v1/projects/{project}/recommendations', { params: { ...at(p), ...page(q) } }))),
  recommend: (project: string, customer: string, q?: Filter<'/v1/projects/{project}/recommendations/{customer}'>) => as<t.Recommendations>(ok(client.GET('/v1/projects/{project}/recommendations/{customer}', { params: { path: { project, customer }, ...page(q) } }))),
}

/** All experiments, the newest thousand at most: facets and counts need them together. */
export async function allExperiments(p: string): Promise<t.List<t.Listed>> {
  const items: t.Listed[] = []
  let next = ''
  do {
    const page = await api.experiments(p, { limit: 200, cursor: next || undefined })
    items.push(...page.items)
    next = page.next
  } while (next && items.length < 1000)
  return { items, next }
}

/** A key that makes a repeated start the same start. */
export const idempotencyKey = (): string => crypto.randomUUID?.() ?? Math.random().toString(36).slice(2) + Date.now().toString(36)
