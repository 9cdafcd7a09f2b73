import { Button, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import { api } from '../../api/calls'
import { fieldErrors, problemOf } from '../../api/problem'
import { Page, Title } from '../../app/Page'
import { Panel } from '../../ui/basics'
import { ActionError } from '../../ui/Problem'

/** One question: what the project is called. */
export function NewProject() {
  const [name, setName] = useState('')
  const client = useQueryClient()
  const navigate = useNavigate()
  const create = useMutation({
    mutationFn: () => api.createProject({ name: name.trim() }),
    onSuccess: async (p) => {
      await client.invalidateQueries({ queryKey: ['projects', 'list'] })
      void navigate({ to: '/projects/$project', params: { project: p.id } })
    },
  })
  const errors = create.error ? fieldErrors(problemOf(create.error).problem.fields) : {}
  return (
    <Page crumbs={[{ label: 'New project' }]}>
      <Title>New project</Title>
      <Panel className="narrow">
        <form className="stack" onSubmit={(e) => { e.preventDefault(); if (name.trim()) create.mutate() }}>
          <TextInput label="Name" description="Datasets, models and experiments belong to a project; connections and raw tables are shared." value={name} onChange={(e) => setName(e.currentTarget.value)} error={errors.name} autoFocus required />
          <ActionError error={create.error} />
          <div><Button type="submit" variant="filled" disabled={!name.trim()} loading={create.isPending}>Create the project</Button></div>
        </form>
      </Panel>
    </Page>
  )
}
