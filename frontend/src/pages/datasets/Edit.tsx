import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { api } from '../../api/calls'
import { col, q } from '../../api/queries'
import type { Dataset, DatasetDefinition } from '../../api/types'
import { Skeleton } from '../../ui/basics'
import { ActionError, Failed } from '../../ui/Problem'
import { Builder } from './Builder'
import { blocker } from './definition'

/** The builder on a saved dataset: a change becomes the next version. */
export function Edit({ project, d }: { project: string; d: Dataset }) {
  const tables = useQuery(q.tables())
  const client = useQueryClient()
  const [draft, setDraft] = useState<DatasetDefinition>()
  const save = useMutation({
    mutationFn: async (definition: DatasetDefinition) => {
      const next = await api.updateDataset(project, d.id, { definition })
      await api.analyze(project, d.id).catch(() => undefined)
      return next
    },
    onSuccess: (next) => {
      client.setQueryData([col.datasets(project), 'item', d.id], next)
      void client.invalidateQueries({ queryKey: [col.profiles(project)] })
      setDraft(undefined)
    },
  })
  if (tables.error) return <div style={{ padding: 24 }}><Failed error={tables.error} retry={() => void tables.refetch()} /></div>
  if (!tables.data) return <Skeleton rows={8} />
  return (
    <Builder
      project={project} definition={draft ?? d.definition} tables={tables.data.items} onChange={setDraft}
      foot={(findings) => {
        const stop = draft && (blocker(draft) ?? findings?.find((f) => f.severity === 'blocking')?.message)
        return (
          <>
            <ActionError error={save.error} />
            <div className="row">
              {stop ? <span className="pending-word grow">{stop}</span> : <span className="t3 small grow">{draft ? `Becomes v${d.version + 1}; experiments keep theirs` : `v${d.version}, saved`}</span>}
              {draft && <Button onClick={() => setDraft(undefined)}>Discard</Button>}
              <Button variant="filled" disabled={!draft || !!stop} loading={save.isPending} onClick={() => draft && save.mutate(draft)}>Save v{d.version + 1}</Button>
            </div>
          </>
        )
      }}
    />
  )
}
