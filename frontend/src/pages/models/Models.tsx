import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconAlertTriangle, IconPlus } from '@tabler/icons-react'

import { q } from '../../api/queries'
import type { FeatureConfig, ModelConfig } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { Ago, Panel } from '../../ui/basics'
import { DataTable, Paging, type Column } from '../../ui/DataTable'
import { Empty } from '../../ui/Empty'
import { Failed } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { modelWords, presetOf } from './towers'

/** What the towers read, and how they are built. */
export function Models() {
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const features = useQuery(q.features(project, { limit: 50, cursor: search.cursor }))
  const models = useQuery(q.models(project, { limit: 50 }))
  const presets = useQuery(q.modelPresets())
  const datasets = useQuery(q.datasets(project, { limit: 50 }))
  const nameOf = (id: string) => datasets.data?.items.find((d) => d.id === id)?.name ?? 'dataset'
  const base = `/projects/${project}/models`
  const add = <Button component={Link} to={`${base}/new`} variant="filled" leftSection={<IconPlus size={16} stroke={1.75} />}>New features</Button>
  const columns: Column<FeatureConfig>[] = [
    { id: 'name', header: 'Features', cell: (f) => <span className="two-line"><span className="em">{f.name}</span><span>{f.definition.query.features.length} + {f.definition.candidate.features.length} features, {f.definition.query.crosses.length + f.definition.candidate.crosses.length} crosses</span></span> },
    { id: 'v', header: 'Version', width: 76, cell: (f) => <span className="mono">v{f.version}</span> },
    { id: 'ds', header: 'Dataset', wide: true, cell: (f) => <>{nameOf(f.definition.dataset)} <span className="mono t2">v{f.definition.dataset_version}</span></> },
    { id: 'dims', header: 'Dims in', width: 110, right: true, cell: (f) => <span className="mono">{f.query_dim} + {f.candidate_dim}</span> },
    { id: 'w', header: 'Checks', width: 120, wide: true, cell: (f) => (f.warnings?.length ? <span title={f.warnings.join('\n')}><Status state="warning">{f.warnings.length} to note</Status></span> : <Status state="completed">Valid</Status>) },
    { id: 'at', header: 'Changed', width: 110, right: true, wide: true, cell: (f) => <span className="t2"><Ago t={f.updated_at} /></span> },
  ]
  const first = features.data?.items[0]
  const modelColumns: Column<ModelConfig>[] = [
    { id: 'name', header: 'Model', cell: (m) => <span className="two-line"><span className="em">{m.name}</span><span>{modelWords(m.definition)}</span></span> },
    { id: 'v', header: 'Version', width: 76, cell: (m) => <span className="mono">v{m.version}</span> },
    { id: 'preset', header: 'Preset', width: 110, wide: true, cell: (m) => presetOf(m.definition, presets.data?.items ?? []) ?? 'own layers' },
    { id: 'out', header: 'Output', width: 90, right: true, cell: (m) => <span className="mono">{m.definition.output_dim}</span> },
    { id: 'at', header: 'Changed', width: 110, right: true, wide: true, cell: (m) => <span className="t2"><Ago t={m.updated_at} /></span> },
  ]
  const error = features.error ?? models.error
  return (
    <Page crumbs={[{ label: 'Features & models' }]} actions={add}>
      <Title>Features & models</Title>
      {error ? <Failed error={error} retry={() => { void features.refetch(); void models.refetch() }} /> : (
        <>
          <Panel title="Features" note="what each tower reads" flush>
            <DataTable
              label="Feature configurations" rows={features.data?.items} columns={columns} rowId={(f) => f.id} to={(f) => `${base}/${f.id}`} height={41} skeleton={3}
              empty={
                <Empty title={datasets.data?.items.length ? 'Let the features be suggested' : 'Make a dataset first'} action={datasets.data?.items.length ? add : <Button component={Link} to={`/projects/${project}/datasets/new`} variant="filled">New dataset</Button>}>
                  Every column gets the transforms that suit its type and its number of values, with the reason beside it. You can change all of them.
                </Empty>
              }
              foot={features.data && <Paging shown={features.data.items.length} what="feature configurations" next={features.data.next} cursor={search.cursor} go={(cursor) => set({ cursor }, true)} />}
            />
          </Panel>
          {(models.data?.items.length ?? 0) > 0 && (
            <Panel title="Models" note="how the towers are built and trained" flush>
              <DataTable label="Model configurations" rows={models.data?.items} columns={modelColumns} rowId={(m) => m.id} height={41} to={(m) => (first ? `${base}/${first.id}?model=${m.id}&pane=model` : undefined)} />
            </Panel>
          )}
          {first?.warnings?.length ? <p className="t3 small row"><IconAlertTriangle size={14} className="warn" aria-hidden />A warning does not stop a run; it says what may hurt the model.</p> : null}
        </>
      )}
    </Page>
  )
}
