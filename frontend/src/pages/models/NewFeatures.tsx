import { Button, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import { api } from '../../api/calls'
import { q } from '../../api/queries'
import { Page } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { Skeleton } from '../../ui/basics'
import { Empty } from '../../ui/Empty'
import { Failed } from '../../ui/Problem'
import { Editor } from './Editor'

/** Features as they are suggested for a dataset, ready to be changed and saved. */
export function NewFeatures() {
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const datasets = useQuery(q.datasets(project, { limit: 50 }))
  const models = useQuery(q.models(project, { limit: 50 }))
  const presets = useQuery(q.modelPresets())
  const dataset = datasets.data?.items.find((d) => d.id === search.dataset) ?? datasets.data?.items[0]
  const proposal = useQuery({
    queryKey: ['smart-defaults', project, dataset?.id, dataset?.version], enabled: !!dataset, staleTime: 60_000, retry: false,
    queryFn: () => api.smartDefaults(project, { dataset: dataset!.id, version: dataset!.version }),
  })
  const crumbs = [{ label: 'Features & models', to: `/projects/${project}/models` }, { label: 'New features' }]
  const error = datasets.error ?? models.error ?? presets.error ?? proposal.error
  if (error) return <Page crumbs={crumbs}><Failed error={error} retry={() => { void proposal.refetch(); void datasets.refetch() }} /></Page>
  if (datasets.data && !dataset) {
    return <Page crumbs={crumbs}><Empty title="Make a dataset first" action={<Button component={Link} to={`/projects/${project}/datasets/new`} variant="filled">New dataset</Button>}>Features are columns of a dataset.</Empty></Page>
  }
  if (!proposal.data || !models.data || !presets.data || !dataset) return <Page crumbs={crumbs}><p className="t2">Choosing transforms for every column.</p><Skeleton rows={8} /></Page>
  return (
    <Editor
      key={dataset.id} project={project} crumbs={crumbs} dataset={dataset} proposal={proposal.data} models={models.data.items} presets={presets.data.items}
      picker={<Select aria-label="Dataset" w={200} data={datasets.data!.items.map((d) => ({ value: d.id, label: `${d.name} v${d.version}` }))} value={dataset.id} onChange={(v) => set({ dataset: v ?? undefined })} />}
    />
  )
}
