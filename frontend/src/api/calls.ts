import { checkOf, suggestionOf, type CheckReply, type ProposalReply } from './adapt'
import { http, type Params } from './client'
import type * as t from './types'

const P = (project: string) => `/v1/projects/${encodeURIComponent(project)}`
const enc = encodeURIComponent

/** Every call of the page, one line each: the route is here and nowhere else. */
export const api = {
  me: () => http.get<t.Me>('/v1/me'),
  signOut: () => http.post<unknown>('/v1/signout'),
  projects: () => http.get<t.List<t.Project>>('/v1/projects', { limit: 200 }),
  createProject: (body: { name: string }) => http.post<t.Project>('/v1/projects', body),

  // ETL
  sourceKinds: () => http.get<t.List<t.SourceKind>>('/v1/etl/source-kinds'),
  connections: (q?: Params) => http.get<t.List<t.Connection>>('/v1/etl/connections', q),
  connection: (id: string) => http.get<t.Connection>(`/v1/etl/connections/${enc(id)}`),
  createConnection: (body: unknown) => http.post<t.Connection>('/v1/etl/connections', body),
  updateConnection: (id: string, body: unknown) => http.patch<t.Connection>(`/v1/etl/connections/${enc(id)}`, body),
  deleteConnection: (id: string) => http.del(`/v1/etl/connections/${enc(id)}`),
  tryConnection: (body: unknown) => http.post<t.TestReply>('/v1/etl/connections:test', body),
  testConnection: (id: string) => http.post<t.TestReply>(`/v1/etl/connections/${enc(id)}/test`),
  sourceTables: (id: string) => http.get<t.List<t.SourceTable>>(`/v1/etl/connections/${enc(id)}/tables`),
  sourceTable: (id: string, schema: string, table: string) => http.get<t.Description>(`/v1/etl/connections/${enc(id)}/tables/${enc(schema)}/${enc(table)}`),
  jobs: (q?: Params) => http.get<t.List<t.Job>>('/v1/etl/jobs', q),
  job: (id: string) => http.get<t.Job>(`/v1/etl/jobs/${enc(id)}`),
  createJob: (body: unknown) => http.post<t.Job>('/v1/etl/jobs', body),
  updateJob: (id: string, body: unknown) => http.patch<t.Job>(`/v1/etl/jobs/${enc(id)}`, body),
  deleteJob: (id: string) => http.del(`/v1/etl/jobs/${enc(id)}`),
  runJob: (id: string, key: string) => http.post<t.Run>(`/v1/etl/jobs/${enc(id)}/runs`, undefined, { 'Idempotency-Key': key }),
  runs: (q?: Params) => http.get<t.List<t.Run>>('/v1/etl/runs', q),
  run: (id: string) => http.get<t.Run>(`/v1/etl/runs/${enc(id)}`),
  cancelRun: (id: string) => http.post<t.Run>(`/v1/etl/runs/${enc(id)}/cancel`),
  chunks: (id: string) => http.get<t.List<t.Chunk>>(`/v1/etl/runs/${enc(id)}/chunks`, { limit: 200 }),
  rejects: (id: string, limit = 50) => http.get<t.List<t.Reject>>(`/v1/etl/runs/${enc(id)}/rejects`, { limit }),
  uploads: () => http.get<t.List<t.Upload>>('/v1/uploads'),
  detect: (body: unknown) => http.post<t.Description>('/v1/uploads:detect', body),
  tables: () => http.get<t.List<t.TableInfo>>('/v1/tables'),
  table: (r: t.Ref) => http.get<t.TableInfo>(`/v1/tables/${enc(r.dataset)}/${enc(r.name)}`),
  tableRows: (r: t.Ref, limit: number) => http.get<t.RowsReply>(`/v1/tables/${enc(r.dataset)}/${enc(r.name)}/rows`, { limit }),

  // Datasets
  datasets: (p: string, q?: Params) => http.get<t.List<t.Dataset>>(`${P(p)}/datasets`, q),
  dataset: (p: string, id: string) => http.get<t.Dataset>(`${P(p)}/datasets/${enc(id)}`),
  createDataset: (p: string, body: unknown) => http.post<t.Dataset>(`${P(p)}/datasets`, body),
  updateDataset: (p: string, id: string, body: unknown) => http.patch<t.Dataset>(`${P(p)}/datasets/${enc(id)}`, body),
  deleteDataset: (p: string, id: string) => http.del(`${P(p)}/datasets/${enc(id)}`),
  datasetVersions: (p: string, id: string) => http.get<t.List<t.DatasetVersion>>(`${P(p)}/datasets/${enc(id)}/versions`),
  profile: (p: string, id: string, version?: number) => http.get<t.Profile>(`${P(p)}/datasets/${enc(id)}/profile`, { version }),
  analyze: (p: string, id: string) => http.post<t.Profile | undefined>(`${P(p)}/datasets/${enc(id)}/analyze`),
  datasetPreview: (p: string, id: string, limit: number) => http.get<t.RowsReply>(`${P(p)}/datasets/${enc(id)}/preview`, { limit }),
  datasetSql: (p: string, id: string, form: 'plain' | 'training') => http.get<t.SqlReply>(`${P(p)}/datasets/${enc(id)}/sql`, { form }),
  suggestDataset: (p: string, body: unknown) => http.post<ProposalReply>(`${P(p)}/datasets:suggest`, body).then(suggestionOf),
  checkDataset: (p: string, definition: t.DatasetDefinition) => http.post<CheckReply>(`${P(p)}/datasets:check`, { definition }).then(checkOf),

  // Features and models
  features: (p: string, q?: Params) => http.get<t.List<t.FeatureConfig>>(`${P(p)}/feature-configs`, q),
  feature: (p: string, id: string) => http.get<t.FeatureConfig>(`${P(p)}/feature-configs/${enc(id)}`),
  createFeature: (p: string, body: unknown) => http.post<t.FeatureConfig>(`${P(p)}/feature-configs`, body),
  updateFeature: (p: string, id: string, body: unknown) => http.patch<t.FeatureConfig>(`${P(p)}/feature-configs/${enc(id)}`, body),
  deleteFeature: (p: string, id: string) => http.del(`${P(p)}/feature-configs/${enc(id)}`),
  featureVersions: (p: string, id: string) => http.get<t.List<t.FeatureVersion>>(`${P(p)}/feature-configs/${enc(id)}/versions`),
  smartDefaults: (p: string, body: { dataset: string; version?: number }) => http.post<t.SmartDefaults>(`${P(p)}/feature-configs:smart-defaults`, body),
  checkFeature: (p: string, definition: t.FeatureDefinition) => http.post<t.FeatureCheck>(`${P(p)}/feature-configs:check`, { definition }),
  models: (p: string, q?: Params) => http.get<t.List<t.ModelConfig>>(`${P(p)}/model-configs`, q),
  model: (p: string, id: string) => http.get<t.ModelConfig>(`${P(p)}/model-configs/${enc(id)}`),
  createModel: (p: string, body: unknown) => http.post<t.ModelConfig>(`${P(p)}/model-configs`, body),
  updateModel: (p: string, id: string, body: unknown) => http.patch<t.ModelConfig>(`${P(p)}/model-configs/${enc(id)}`, body),
  deleteModel: (p: string, id: string) => http.del(`${P(p)}/model-configs/${enc(id)}`),
  modelPresets: () => http.get<t.List<t.ModelPreset>>('/v1/model-presets'),
  checkModel: (p: string, body: unknown) => http.post<t.ModelCheck>(`${P(p)}/model-configs:check`, body),
  generateCode: (p: string, body: unknown) => http.post<t.Code>(`${P(p)}/code:generate`, body),

  // Experiments
  experiments: (p: string, q?: Params) => http.get<t.List<t.Experiment>>(`${P(p)}/experiments`, q),
  experiment: (p: string, id: string) => http.get<t.Experiment>(`${P(p)}/experiments/${enc(id)}`),
  createExperiment: (p: string, body: t.ExperimentInput, key: string) => http.post<t.Experiment>(`${P(p)}/experiments`, body, { 'Idempotency-Key': key }),
  renameExperiment: (p: string, id: string, name: string) => http.patch<t.Experiment>(`${P(p)}/experiments/${enc(id)}`, { name }),
  cancelExperiment: (p: string, id: string) => http.post<t.Experiment>(`${P(p)}/experiments/${enc(id)}/cancel`),
  rerunExperiment: (p: string, id: string) => http.post<t.Experiment>(`${P(p)}/experiments/${enc(id)}/rerun`),
  deleteExperiment: (p: string, id: string) => http.del(`${P(p)}/experiments/${enc(id)}`),
  history: (p: string, id: string) => http.get<t.History>(`${P(p)}/experiments/${enc(id)}/history`),
  experimentCode: (p: string, id: string) => http.get<t.Code>(`${P(p)}/experiments/${enc(id)}/code`),
  logs: (p: string, id: string, stage: string, lines: number) => http.get<{ lines: string[] }>(`${P(p)}/experiments/${enc(id)}/logs/${enc(stage)}`, { lines }),
  checkExperiment: (p: string, body: t.ExperimentInput) => http.post<t.ExperimentCheck>(`${P(p)}/experiments:check`, body),

  // Recommendations
  customers: (p: string, q?: Params) => http.get<t.List<t.CustomerHit>>(`${P(p)}/recommendations`, q),
  recommend: (p: string, customer: string, q?: Params) => http.get<t.Recommendations>(`${P(p)}/recommendations/${enc(customer)}`, q),
}

/** A key that makes a repeated start the same start. */
export const idempotencyKey = (): string => crypto.randomUUID?.() ?? Math.random().toString(36).slice(2) + Date.now().toString(36)
