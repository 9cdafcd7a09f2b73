import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import { api } from '../../api/calls'
import { fieldErrors, problemOf } from '../../api/problem'
import { col, q } from '../../api/queries'
import type { DatasetDefinition, TableInfo } from '../../api/types'
import { Page } from '../../app/Page'
import { useProject } from '../../app/project'
import { useAddress } from '../../app/search'
import { Skeleton } from '../../ui/basics'
import { Empty } from '../../ui/Empty'
import { ActionError, Failed } from '../../ui/Problem'
import { Builder } from './Builder'
import { blocker, refId } from './definition'

/** A dataset from a suggestion: the tables are read, roles and joins proposed, everything can be changed. */
export function NewDataset() {
  const { id: project = '' } = useProject()
  const [search, set] = useAddress()
  const tables = useQuery(q.tables())
  const raw = tables.data?.items.filter((t) => t.ref.dataset !== 'ml')
  const primary = raw?.find((t) => refId(t.ref) === search.primary)
  const suggestion = useQuery({
    queryKey: ['dataset-suggest', project, search.primary ?? ''], staleTime: 60_000, retry: false, enabled: !!raw?.length,
    queryFn: () => api.suggestDataset(project, primary ? { primary: primary.ref } : {}),
  })
  const crumbs = [{ label: 'Datasets', to: `/projects/${project}/datasets` }, { label: 'New dataset' }]
  if (raw && !raw.length) return <Page crumbs={crumbs}><Empty title="Load a table first" action={<Button component={Link} to="/etl/upload" variant="filled">Upload a file</Button>}>A dataset is made of raw tables, and there is none yet.</Empty></Page>
  const error = tables.error ?? suggestion.error
  return (
    <Page
      crumbs={crumbs} full={!error}
      actions={raw && <Select aria-label="Transaction table" w={220} placeholder="Transaction table" data={raw.map((t) => refId(t.ref))} value={suggestion.data ? refId(suggestion.data.definition.primary) : search.primary ?? null} onChange={(v) => set({ primary: v ?? undefined })} />}
    >
      {error ? <Failed error={error} retry={() => { void tables.refetch(); void suggestion.refetch() }} /> : !raw || !suggestion.data ? <div style={{ padding: 24 }}><p className="t2">Reading the tables and looking for roles and joins.</p><Skeleton rows={8} /></div> : (
        <Draft key={search.primary ?? ''} project={project} tables={raw} suggestion={suggestion.data} />
      )}
    </Page>
  )
}

function Draft({ project, tables, suggestion }: { project: string; tables: TableInfo[]; suggestion: NonNullable<Awaited<ReturnType<typeof api.suggestDataset>>> }) {
  const [definition, setDefinition] = useState<DatasetDefinition>({ ...suggestion.definition, joins: suggestion.definition.joins ?? [] })
  const [name, setName] = useState(suggestion.definition.primary.name.replaceAll('_', ' '))
  const client = useQueryClient()
  const navigate = useNavigate()
  const create = useMutation({
    mutationFn: async () => {
      const d = await api.createDataset(project, { name: name.trim(), definition })
      // The analysis is wanted in any case; a failed one is shown on the dataset's page.
      await api.analyze(project, d.id).catch(() => undefined)
      return d
    },
    onSuccess: (d) => {
      void client.invalidateQueries({ queryKey: [col.datasets(project)] })
      void navigate({ to: `/projects/${project}/datasets/${d.id}` })
    },
  })
  const errors = create.error ? fieldErrors(problemOf(create.error).problem.fields) : {}
  return (
    <Builder
      project={project} definition={definition} tables={tables} suggestion={suggestion} onChange={setDefinition}
      foot={(findings) => {
        const stop = blocker(definition) ?? findings?.find((f) => f.severity === 'blocking')?.message
        return (
          <form className="col" onSubmit={(e) => { e.preventDefault(); if (!stop && name.trim()) create.mutate() }}>
            <TextInput label="Name" value={name} onChange={(e) => setName(e.currentTarget.value)} error={errors.name} required />
            <ActionError error={create.error} />
            <div className="row">{stop && <span className="pending-word grow">{stop}</span>}<Button type="submit" className="end" variant="filled" disabled={!!stop || !name.trim()} loading={create.isPending}>Create and analyse</Button></div>
          </form>
        )
      }}
    />
  )
}
