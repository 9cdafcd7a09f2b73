import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Navigate, Outlet } from '@tanstack/react-router'

import { Failed } from '../ui/Problem'
import { Home, NotFound } from './Home'
import { parseSearch, stringifySearch } from './search'
import { Shell } from './Shell'

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound })
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell })

type Module = Record<string, React.ComponentType>
const page = (path: string, load: () => Promise<Module>, name: string) =>
  createRoute({ getParentRoute: () => shell, path, component: lazyRouteComponent(load as () => Promise<Record<string, never>>, name) })

const etl = () => import('../pages/etl') as unknown as Promise<Module>
const datasets = () => import('../pages/datasets') as unknown as Promise<Module>
const models = () => import('../pages/models') as unknown as Promise<Module>
const experiments = () => import('../pages/experiments') as unknown as Promise<Module>

const routes = root.addChildren([
  shell.addChildren([
    createRoute({ getParentRoute: () => shell, path: '/', component: Home }),
    page('/new-project', () => import('../pages/overview/NewProject') as unknown as Promise<Module>, 'NewProject'),
    page('/projects/$project', () => import('../pages/overview/Overview') as unknown as Promise<Module>, 'Overview'),
    page('/people', () => import('../pages/people/People') as unknown as Promise<Module>, 'People'),
    page('/connections', etl, 'Connections'),
    page('/connections/new', etl, 'NewConnection'),
    page('/connections/$id', etl, 'ConnectionPage'),
    page('/etl', etl, 'Runs'),
    page('/etl/jobs', etl, 'Jobs'),
    page('/etl/jobs/new', etl, 'NewJob'),
    page('/etl/jobs/$id', etl, 'JobPage'),
    page('/etl/tables', etl, 'Tables'),
    page('/etl/upload', etl, 'Upload'),
    page('/etl/runs/$id', etl, 'RunPage'),
    createRoute({ getParentRoute: () => shell, path: '/etl/runs', component: () => <Navigate to="/etl" /> }),
    page('/projects/$project/datasets', datasets, 'Datasets'),
    page('/projects/$project/datasets/new', datasets, 'NewDataset'),
    page('/projects/$project/datasets/$id', datasets, 'DatasetPage'),
    page('/projects/$project/models', models, 'Models'),
    page('/projects/$project/models/new', models, 'NewFeatures'),
    page('/projects/$project/models/$id', models, 'FeaturesPage'),
    page('/projects/$project/experiments', experiments, 'Experiments'),
    page('/projects/$project/experiments/new', experiments, 'NewExperiment'),
    page('/projects/$project/experiments/$id', experiments, 'ExperimentPage'),
    page('/projects/$project/recommendations', () => import('../pages/recommendations/Recommendations') as unknown as Promise<Module>, 'RecommendationsPage'),
  ]),
])

export function makeRouter() {
  return createRouter({
    routeTree: routes,
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPendingMs: 300,
    scrollRestoration: false,
    defaultErrorComponent: ({ error, reset }) => <div style={{ padding: 24, maxWidth: 760 }}><Failed error={error} retry={reset} /></div>,
  })
}

declare module '@tanstack/react-router' {
  interface Register { router: ReturnType<typeof makeRouter> }
}
