import { QueryClient, queryOptions } from '@tanstack/react-query'

import { allExperiments, api } from './calls'
import { ApiError } from './problem'
import type { Experiment, Ref } from './types'

/** Collections of the state: the first part of a query key, and what a watch names. */
export const col = {
  connections: 'etl_connections',
  jobs: 'etl_jobs',
  runs: 'etl_runs',
  chunks: 'etl_chunks',
  datasets: (p: string) => `projects/${p}/datasets`,
  profiles: (p: string) => `projects/${p}/dataset_profiles`,
  features: (p: string) => `projects/${p}/feature_configs`,
  models: (p: string) => `projects/${p}/model_configs`,
  experiments: (p: string) => `projects/${p}/experiments`,
}

type Arg<F extends (...a: never[]) => unknown, N extends number> = Parameters<F>[N]

/** Query options of every read; keys are [collection, 'list' | 'item' | other, …]. */
export const q = {
  me: () => queryOptions({ queryKey: ['me'], queryFn: api.me, staleTime: 300_000 }),
  signInWay: () => queryOptions({ queryKey: ['sign-in'], queryFn: api.signInWay, staleTime: Infinity }),
  people: (params?: Arg<typeof api.people, 0>) => queryOptions({ queryKey: ['people', 'list', params ?? {}], queryFn: () => api.people(params) }),
  projects: () => queryOptions({ queryKey: ['projects', 'list'], queryFn: api.projects }),
  sourceKinds: () => queryOptions({ queryKey: ['source-kinds'], queryFn: api.sourceKinds, staleTime: Infinity }),
  connections: (params?: Arg<typeof api.connections, 0>) => queryOptions({ queryKey: [col.connections, 'list', params ?? {}], queryFn: () => api.connections(params) }),
  connection: (id: string) => queryOptions({ queryKey: [col.connections, 'item', id], queryFn: () => api.connection(id) }),
  sourceTables: (id: string) => queryOptions({ queryKey: ['source-tables', id], queryFn: () => api.sourceTables(id) }),
  sourceTable: (id: string, schema: string, table: string) => queryOptions({ queryKey: ['source-tables', id, schema, table], queryFn: () => api.sourceTable(id, schema, table) }),
  jobs: (params?: Arg<typeof api.jobs, 0>) => queryOptions({ queryKey: [col.jobs, 'list', params ?? {}], queryFn: () => api.jobs(params) }),
  job: (id: string) => queryOptions({ queryKey: [col.jobs, 'item', id], queryFn: () => api.job(id) }),
  runs: (params?: Arg<typeof api.runs, 0>) => queryOptions({ queryKey: [col.runs, 'list', params ?? {}], queryFn: () => api.runs(params) }),
  run: (id: string) => queryOptions({ queryKey: [col.runs, 'item', id], queryFn: () => api.run(id) }),
  chunks: (run: string) => queryOptions({ queryKey: [col.chunks, 'list', run], queryFn: () => api.chunks(run) }),
  rejects: (run: string, rows: number) => queryOptions({ queryKey: ['rejects', run, rows], queryFn: () => api.rejects(run) }),
  tables: () => queryOptions({ queryKey: ['tables', 'list'], queryFn: api.tables }),
  tableRows: (r: Ref, limit: number) => queryOptions({ queryKey: ['tables', 'rows', r.dataset, r.name, limit], queryFn: () => api.tableRows(r, limit) }),
  datasets: (p: string, params?: Arg<typeof api.datasets, 1>) => queryOptions({ queryKey: [col.datasets(p), 'list', params ?? {}], queryFn: () => api.datasets(p, params) }),
  dataset: (p: string, id: string) => queryOptions({ queryKey: [col.datasets(p), 'item', id], queryFn: () => api.dataset(p, id) }),
  datasetVersions: (p: string, id: string, newest: number) => queryOptions({ queryKey: [col.datasets(p), 'versions', id, newest], queryFn: () => api.datasetVersions(p, id) }),
  profile: (p: string, id: string, version: number) => queryOptions({ queryKey: [col.profiles(p), 'item', `${id}-v${version}`], queryFn: () => api.profile(p, id, version) }),
  datasetPreview: (p: string, id: string, version: number, limit: number) => queryOptions({ queryKey: [col.datasets(p), 'preview', id, version, limit], queryFn: () => api.datasetPreview(p, id, limit) }),
  datasetSql: (p: string, id: string, version: number, form: 'plain' | 'training') => queryOptions({ queryKey: [col.datasets(p), 'sql', id, version, form], queryFn: () => api.datasetSql(p, id, form) }),
  features: (p: string, params?: Arg<typeof api.features, 1>) => queryOptions({ queryKey: [col.features(p), 'list', params ?? {}], queryFn: () => api.features(p, params) }),
  feature: (p: string, id: string) => queryOptions({ queryKey: [col.features(p), 'item', id], queryFn: () => api.feature(p, id) }),
  featureVersions: (p: string, id: string, newest: number) => queryOptions({ queryKey: [col.features(p), 'versions', id, newest], queryFn: () => api.featureVersions(p, id) }),
  models: (p: string, params?: Arg<typeof api.models, 1>) => queryOptions({ queryKey: [col.models(p), 'list', params ?? {}], queryFn: () => api.models(p, params) }),
  model: (p: string, id: string) => queryOptions({ queryKey: [col.models(p), 'item', id], queryFn: () => api.model(p, id) }),
  modelPresets: () => queryOptions({ queryKey: ['model-presets'], queryFn: api.modelPresets, staleTime: Infinity }),
  experiments: (p: string, params?: Arg<typeof api.experiments, 1>) => queryOptions({ queryKey: [col.experiments(p), 'list', params ?? {}], queryFn: () => api.experiments(p, params) }),
  allExperiments: (p: string) => queryOptions({ queryKey: [col.experiments(p), 'list', 'all'], queryFn: () => allExperiments(p) }),
  experiment: (p: string, id: string) => queryOptions({ queryKey: [col.experiments(p), 'item', id], queryFn: () => api.experiment(p, id) }),
  // Curves are large and are not watched: what their experiment says of itself tells which ones they are.
  history: (p: string, e: Pick<Experiment, 'id' | 'epoch' | 'status'>) => queryOptions({ queryKey: ['experiment-history', p, e.id, e.epoch, e.status], queryFn: () => api.history(p, e.id), placeholderData: (old, query) => (query?.queryKey[2] === e.id ? old : undefined) }),
  experimentCode: (p: string, id: string) => queryOptions({ queryKey: ['experiment-code', p, id], queryFn: () => api.experimentCode(p, id), staleTime: Infinity }),
  customers: (p: string, params?: Arg<typeof api.customers, 1>) => queryOptions({ queryKey: ['customers', p, params ?? {}], queryFn: () => api.customers(p, params) }),
  recommend: (p: string, customer: string, params?: Arg<typeof api.recommend, 2>) => queryOptions({ queryKey: ['recommend', p, customer, params ?? {}], queryFn: () => api.recommend(p, customer, params) }),
}

/** Reads are kept until a watch changes them; only what may heal is tried again. */
export function makeClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        refetchOnWindowFocus: false,
        retry: (n, e) => n < 2 && !(e instanceof ApiError && e.status < 500 && e.status !== 429),
        retryDelay: (n) => 500 * 2 ** n,
      },
      mutations: { retry: false },
    },
  })
}
