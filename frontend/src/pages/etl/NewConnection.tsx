import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { IconPlugConnected, IconRefresh } from '@tabler/icons-react'
import { useState } from 'react'

import { api } from '../../api/calls'
import { fieldErrors, problemOf } from '../../api/problem'
import { col, q } from '../../api/queries'
import type { TestReply } from '../../api/types'
import { Page } from '../../app/Page'
import { useAddress } from '../../app/search'
import { plural } from '../../format/numbers'
import { duration } from '../../format/time'
import { Panel, Skeleton } from '../../ui/basics'
import { ActionError, Failed, ProblemBlock } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { check, ConnectionFields, initial, inputs, type Values } from './ConnectionForm'
import './etl.css'

/** A new connection: the form of its kind at the left, the test at the right. Everything typed is kept. */
export function NewConnection() {
  const kinds = useQuery(q.sourceKinds())
  const [search, set] = useAddress()
  const client = useQueryClient()
  const navigate = useNavigate()
  const choices = (kinds.data?.items ?? []).filter((k) => !k.built_in)
  const kind = choices.find((k) => k.name === search.kind) ?? choices[0]
  const [name, setName] = useState('')
  const [typed, setTyped] = useState<Values>({})
  const [touched, setTouched] = useState(false)
  const values = kind ? { ...initial(kind.fields), ...typed } : {}
  const own = kind ? check(kind.fields, values) : {}
  const body = () => ({ name: name.trim(), type: kind!.name, ...inputs(kind!.fields, values) })
  const test = useMutation({ mutationFn: () => api.tryConnection(body()) })
  const save = useMutation({
    mutationFn: async () => {
      const c = await api.createConnection(body())
      // What was reached a moment ago is stored as tested; when this fails, its page says "Not tested" and offers the test.
      if (test.data?.ok) await api.testConnection(c.id).catch(() => undefined)
      return c
    },
    onSuccess: (c) => {
      void client.invalidateQueries({ queryKey: [col.connections, 'list'] })
      void navigate({ to: `/connections/${c.id}` })
    },
  })
  const served = [save.error, test.error].flatMap((e) => (e ? Object.entries(fieldErrors(problemOf(e).problem.fields)) : []))
  const errors: Record<string, string> = { ...Object.fromEntries(served.map(([k, v]) => [k.replace(/^(params|secrets)\./, ''), v])), ...(touched ? own : {}) }
  const complete = name.trim() && Object.keys(own).length === 0
  const attempt = (f: () => void) => () => {
    setTouched(true)
    if (complete) f()
  }
  return (
    <Page
      crumbs={[{ label: 'Connections', to: '/connections' }, { label: 'New connection' }]}
      actions={<Button variant="filled" loading={save.isPending} disabled={!complete} onClick={attempt(() => save.mutate())}>Save connection</Button>}
      phone={<><Button loading={test.isPending} onClick={attempt(() => test.mutate())}>Test</Button><Button variant="filled" loading={save.isPending} onClick={attempt(() => save.mutate())}>Save</Button></>}
    >
      {kinds.error ? <Failed error={kinds.error} retry={() => void kinds.refetch()} /> : !kind ? <Skeleton rows={8} /> : (
        <div className="form-cols">
          <Panel title={kind.title} note={kind.category}>
            <form className="form" onSubmit={(e) => { e.preventDefault(); attempt(() => test.mutate())() }}>
              {choices.length > 1 && <Select label="Kind" data={choices.map((k) => ({ value: k.name, label: k.title }))} value={kind.name} onChange={(v) => set({ kind: v ?? undefined })} />}
              <TextInput label="Name" value={name} onChange={(e) => setName(e.currentTarget.value)} error={errors.name ?? (touched && !name.trim() ? 'Name is needed' : undefined)} required autoFocus />
              <ConnectionFields fields={kind.fields} values={values} errors={errors} onChange={setTyped} />
              <Button type="submit" leftSection={<IconPlugConnected size={16} stroke={1.75} />} loading={test.isPending}>Test the connection</Button>
            </form>
          </Panel>
          <div className="stack">
            <ActionError error={save.error} />
            {test.error ? <ProblemBlock {...problemOf(test.error)} actions={<Button leftSection={<IconRefresh size={16} />} onClick={() => test.mutate()}>Test again</Button>} /> : test.data ? <TestResult reply={test.data} again={() => test.mutate()} /> : (
              <Panel title="Test"><p className="t2">{kind.help || 'A test opens the connection, signs in and looks at the catalogue. It reads nothing else and takes at most 15 seconds.'}</p></Panel>
            )}
          </div>
        </div>
      )}
    </Page>
  )
}

/** What a test found: the objects it can see, or the problem that stopped it. */
export function TestResult({ reply, again }: { reply: TestReply; again: () => void }) {
  if (!reply.ok) {
    return <ProblemBlock problem={reply.problem ?? { code: 'unavailable', message: reply.message || 'The test failed', turn: 'you' }} actions={<Button leftSection={<IconRefresh size={16} />} onClick={again}>Test again</Button>} />
  }
  return (
    <Panel title="Test" note={`took ${duration(reply.seconds)}`} right={<Status state="success" />}>
      <p className="t2">{reply.message || 'The address and the credential work.'}{reply.tables?.length ? ` ${plural(reply.tables.length, 'table')} can be read.` : ''}</p>
      {reply.duplicate && <p className="warn small">{reply.duplicate.name} already connects to this place.</p>}
      {reply.tables && reply.tables.length > 0 && <p className="mono small t3">{reply.tables.slice(0, 8).map((t) => (t.schema ? `${t.schema}.${t.name}` : t.name)).join(' · ')}</p>}
    </Panel>
  )
}
