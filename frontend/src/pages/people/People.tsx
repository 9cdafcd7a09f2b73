import { Button, Modal, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { IconLink, IconTrash, IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'

import { api } from '../../api/calls'
import { fieldErrors, problemOf } from '../../api/problem'
import { q } from '../../api/queries'
import type { Person, Role, SignInWay } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useAddress } from '../../app/search'
import { Ago, Copy, Panel } from '../../ui/basics'
import { DataTable, Paging, type Column } from '../../ui/DataTable'
import { ActionError, Failed } from '../../ui/Problem'
import './people.css'

/** Roles, each with what the ones before it may do. */
const ROLES: { value: Role; label: string; may: string }[] = [
  { value: 'viewer', label: 'Viewer', may: 'Look at everything but people' },
  { value: 'analyst', label: 'Analyst', may: 'Run and cancel loads and experiments' },
  { value: 'manager', label: 'Manager', may: 'Create, change and delete connections, jobs, datasets and models' },
  { value: 'owner', label: 'Owner', may: 'Say who has access' },
]

/** How somebody who was given access comes in. */
const NEXT: Record<SignInWay['method'], (issuer: string) => string> = {
  link: () => 'Make a sign-in link in the list and send it to them.',
  oidc: (issuer) => `They sign in at ${issuer}.`,
  'identity-platform': () => "They sign in on this page, with an account at the project's Identity Platform: who runs the installation makes one.",
}

/** Who has access, and as what. */
export function People() {
  const client = useQueryClient()
  const [search, set] = useAddress()
  const [leaving, setLeaving] = useState<Person>()
  const [stepping, setStepping] = useState<Role>() // down from owner, oneself
  const me = useQuery(q.me())
  const way = useQuery(q.signInWay())
  const list = useQuery(q.people({ limit: 100, cursor: search.cursor }))
  const renew = () => Promise.all([client.invalidateQueries({ queryKey: ['people'] }), client.invalidateQueries({ queryKey: ['me'] })])
  const change = useMutation({ mutationFn: (p: { subject: string; role: Role }) => api.changePerson(p.subject, { role: p.role }), onSettled: () => {
    setStepping(undefined)
    return renew()
  } })
  const remove = useMutation({
    mutationFn: (p: Person) => api.removePerson(p.subject),
    onSuccess: () => {
      setLeaving(undefined)
      return renew()
    },
  })
  const link = useMutation({ mutationFn: async (p: Person) => ({ name: p.name, ...(await api.signInLink(p.subject)) }) })

  const columns: Column<Person>[] = [
    { id: 'who', header: 'Person', cell: (p) => <span className="two-line"><span className="em">{p.name}{p.subject === me.data?.subject && <span className="t3"> (you)</span>}</span>{p.subject !== p.name && <span className="t3 small">{p.subject}</span>}</span> },
    {
      id: 'role', header: 'Role', width: 150,
      cell: (p) => <Select miw={112} aria-label={`Role of ${p.name}`} data={ROLES} value={p.role} allowDeselect={false} readOnly={change.isPending} onChange={(v) => {
        if (!v || v === p.role) return
        if (p.subject === me.data?.subject) setStepping(v as Role)
        else change.mutate({ subject: p.subject, role: v as Role })
      }} />,
    },
    { id: 'since', header: 'Since', width: 110, right: true, wide: true, cell: (p) => <span className="t2"><Ago t={p.created_at} /></span> },
    { id: 'by', header: 'Given by', width: 200, wide: true, cell: (p) => <span className="t2 clip">{p.created_by || '—'}</span> },
  ]
  return (
    <Page crumbs={[{ label: 'People' }]}>
      <Title>People</Title>
      {list.data && <Give done={renew} next={way.data && NEXT[way.data.method](way.data.issuer ?? '')} />}
      {change.error && <ActionError error={change.error} />}
      {link.error && <ActionError error={link.error} />}
      {link.data && (
        <Panel title={`Sign-in link for ${link.data.name}`} note="works once, for 15 minutes" right={<Button size="compact-sm" onClick={() => link.reset()}>Close</Button>}>
          <div className="people-link mono small" role="status"><span>{link.data.url}</span><Copy text={link.data.url} label="Copy the link" /></div>
        </Panel>
      )}
      {list.error ? <Failed error={list.error} retry={() => void list.refetch()} /> : (
        <Panel flush label="People">
          <DataTable
            label="People" rows={list.data?.items} columns={columns} rowId={(p) => p.subject} height={41}
            actions={(p) => (
              <span className="row tight people-acts">
                {way.data?.method === 'link' && <Button size="compact-sm" leftSection={<IconLink size={14} />} loading={link.isPending && link.variables.subject === p.subject} onClick={() => link.mutate(p)} aria-label={`Sign-in link for ${p.name}`}>Link</Button>}
                <Button size="compact-sm" className="btn-danger" leftSection={<IconTrash size={14} />} onClick={() => { remove.reset(); setLeaving(p) }} aria-label={`Remove ${p.name}`}>Remove</Button>
              </span>
            )}
            foot={list.data && <Paging shown={list.data.items.length} what="accounts" next={list.data.next} cursor={search.cursor} go={(cursor) => set({ cursor }, true)} />}
          />
        </Panel>
      )}
      <Panel title="What the roles may do" note="each also what the ones above it may">
        <dl className="people-roles">{ROLES.map((r) => <div key={r.value}><dt className="em">{r.label}</dt><dd className="t2">{r.may}</dd></div>)}</dl>
      </Panel>
      <Modal opened={!!stepping} onClose={() => setStepping(undefined)} title={`Become ${stepping ?? ''}?`} size={420}>
        <div className="stack">
          <p className="t2">You can no longer say who has access, and only another owner can make you one again.</p>
          <div className="row"><Button variant="filled" className="btn-stop" loading={change.isPending} onClick={() => stepping && me.data && change.mutate({ subject: me.data.subject, role: stepping })}>Change my role</Button><Button onClick={() => setStepping(undefined)} data-autofocus>Stay owner</Button></div>
        </div>
      </Modal>
      <Modal opened={!!leaving} onClose={() => setLeaving(undefined)} title={`Remove ${leaving?.name ?? ''}?`} size={420}>
        <div className="stack">
          <p className="t2">{leaving?.subject === me.data?.subject ? 'You lose access with your next click. ' : 'Their next request is refused. '}What they made stays.</p>
          <ActionError error={remove.error} />
          <div className="row"><Button variant="filled" className="btn-stop" loading={remove.isPending} onClick={() => leaving && remove.mutate(leaving)} data-autofocus>End the access</Button><Button onClick={() => setLeaving(undefined)}>Keep it</Button></div>
        </div>
      </Modal>
    </Page>
  )
}

/** The form that gives access. */
function Give({ done, next }: { done: () => Promise<unknown>; next: string | undefined }) {
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const add = useMutation({
    mutationFn: () => api.addPerson({ email: email.trim(), role, ...(name.trim() ? { name: name.trim() } : {}) }),
    onSuccess: () => {
      setEmail('')
      setName('')
      return done()
    },
  })
  const errors = add.error ? fieldErrors(problemOf(add.error).problem.fields) : {}
  return (
    <Panel title="Give access">
      <form className="people-give" onSubmit={(e) => { e.preventDefault(); if (email.trim()) add.mutate() }}>
        <TextInput label="E-mail address" type="email" value={email} onChange={(e) => setEmail(e.currentTarget.value)} error={errors.email} required autoComplete="off" />
        <TextInput label="Name" value={name} onChange={(e) => setName(e.currentTarget.value)} error={errors.name} placeholder="The address when left out" />
        <Select label="Role" data={ROLES} value={role} allowDeselect={false} onChange={(v) => v && setRole(v as Role)} />
        <Button type="submit" variant="filled" leftSection={<IconUserPlus size={16} stroke={1.75} />} disabled={!email.trim()} loading={add.isPending}>Give access</Button>
      </form>
      <ActionError error={add.error} />
      {add.data && !add.error && <p className="t2 small" role="status">{add.data.subject} has access as {add.data.role}. {next}</p>}
    </Panel>
  )
}
