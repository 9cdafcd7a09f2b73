import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'

import { q } from '../../api/queries'
import { Page } from '../../app/Page'
import { useProject } from '../../app/project'
import { Skeleton } from '../../ui/basics'
import { Failed } from '../../ui/Problem'
import { Editor } from './Editor'

/** A saved feature configuration beside a model. */
export function FeaturesPage() {
  const { id = '' } = useParams({ strict: false })
  const { id: project = '' } = useProject()
  const config = useQuery(q.feature(project, id))
  const models = useQuery(q.models(project, { limit: 50 }))
  const presets = useQuery(q.modelPresets())
  const dataset = useQuery({ ...q.dataset(project, config.data?.definition.dataset ?? ''), enabled: !!config.data, retry: false })
  const crumbs = [{ label: 'Features & models', to: `/projects/${project}/models` }, { label: config.data ? `${config.data.name} v${config.data.version}` : 'Features' }]
  const error = config.error ?? models.error ?? presets.error
  if (error) return <Page crumbs={crumbs}><Failed error={error} retry={() => void config.refetch()} /></Page>
  if (!config.data || !models.data || !presets.data || dataset.isPending) return <Page crumbs={crumbs}><Skeleton rows={8} /></Page>
  return <Editor key={id} project={project} crumbs={crumbs} dataset={dataset.data} config={config.data} models={models.data.items} presets={presets.data.items} />
}
