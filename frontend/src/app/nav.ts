import { IconUsers, IconTopologyStar3, IconDatabase, IconTableImport, IconFlask, IconLayoutDashboard, IconListSearch, IconPlugConnected, type TablerIcon } from '@tabler/icons-react'

export interface NavItem { key: string; label: string; icon: TablerIcon; to: string; letter?: string; group?: string; match: RegExp }

/** The places of the product, in the order of the side bar; people are an owner's business. */
export function navOf(project: string | undefined, owner: boolean): NavItem[] {
  const p = project ? `/projects/${project}` : undefined
  const inProject = (path: string) => (p ? p + path : '/')
  return [
    { key: 'overview', label: 'Overview', icon: IconLayoutDashboard, to: inProject(''), letter: 'o', match: /^\/projects\/[^/]+\/?$/ },
    { key: 'connections', label: 'Connections', icon: IconPlugConnected, to: '/connections', letter: 'c', group: 'Data', match: /^\/connections/ },
    { key: 'etl', label: 'ETL', icon: IconTableImport, to: '/etl', letter: 'e', group: 'Data', match: /^\/etl/ },
    { key: 'datasets', label: 'Datasets', icon: IconDatabase, to: inProject('/datasets'), letter: 'd', group: 'Data', match: /^\/projects\/[^/]+\/datasets/ },
    { key: 'models', label: 'Features & models', icon: IconTopologyStar3, to: inProject('/models'), letter: 'm', group: 'Model', match: /^\/projects\/[^/]+\/models/ },
    { key: 'experiments', label: 'Experiments', icon: IconFlask, to: inProject('/experiments'), letter: 'x', group: 'Model', match: /^\/projects\/[^/]+\/experiments/ },
    { key: 'recommendations', label: 'Recommendations', icon: IconListSearch, to: inProject('/recommendations'), letter: 'r', group: 'Serving', match: /^\/projects\/[^/]+\/recommendations/ },
    ...(owner ? [{ key: 'people', label: 'People', icon: IconUsers, to: '/people', letter: 'p', group: 'Settings', match: /^\/people/ }] : []),
  ]
}
