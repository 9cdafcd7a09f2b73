import { Button, Modal } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { IconPlus, IconRefresh, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'

import { api } from '../../api/calls'
import { fieldErrors, problemOf } from '../../api/problem'
import { col, q } from '../../api/queries'
import type { SourceTable } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useAddress } from '../../app/search'
import { bytes, count, plural } from '../../format/numbers'
import { Ago, Panel, Skeleton } from '../../ui/basics'
import { DataTable, type Column } from '../../ui/DataTable'
import { ActionError, Failed, ProblemBlock } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { kindName } from '../overview/life'
import { check, ConnectionFields, initial, inputs, type Values } from './ConnectionForm'
import { addressOf } from './Connections'
import { TestResult } from './NewConnection'
import './etl.css'

const columns: Column<SourceTable>[] = [
  { id: 'name', header: 'Table', cell: (t) => <span className="mono">{t.schema ? `${t.schema}.` : ''}{t.name}</span> },
  { id: 'kind', header: 'Kind', width: 130, wide: true, cell: (t) => <span className="t2">{t.kind}</span> },
  { id: 'rows', header: 'Rows, about', width: 120, right: true, cell: (t) => <span className="mono">{t.rows_estimate < 0 ? '—' : count(t.rows_estimate)}</span> },
  { id: 'bytes', header: 'Size', width: 100, right: true, wide: true, cell: (t) => <span className="mono">{bytes(t.bytes)}</span> },
]

/** One connection: its test, its tables, and its form. */
export function ConnectionPage() {
  const { id = '' } = useParams({ strict: false })
  const [search, set] = useAddress()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [remove, setRemove] = useState(false)
  const [typed, setTyped] = useState<Values>({})
  const connection = useQuery(q.connection(id))
  const kinds = useQuery(q.sourceKinds())
  const c = connection.data
  const kind = kinds.data?.items.find((k) => k.name === c?.type)
  const tables = useQuery({ ...q.sourceTables(id), enabled: !!kind?.capabilities.tables, retry: false })
  const renew = () => void client.invalidateQueries({ queryKey: [col.connections] })
  const test = useMutation({ mutationFn: () => api.testConnection(id), onSettled: renew })
  const save = useMutation({
    mutationFn: (body: { params: Values }) => api.updateConnection(id, body),
    onSuccess: () => {
      renew()
      setTyped({})
    },
  })
  const del = useMutation({
    mutationFn: () => api.deleteConnection(id),
    onSuccess: () => {
      renew()
      void navigate({ to: '/connections' })
    },
  })
  const crumbs = [{ label: 'Connections', to: '/connections' }, { label: c?.name ?? 'Connection' }]
  if (connection.error) return <Page crumbs={crumbs}><Failed error={connection.error} retry={() => void connection.refetch()} /></Page>
  if (!c) return <Page crumbs={crumbs}><Skeleton rows={6} /></Page>
  const builtIn = kind?.built_in
  const values = kind ? { ...initial(kind.fields, c.params), ...typed } : {}
  const own = kind ? check(kind.fields, values, true) : {}
  const served = save.error ? fieldErrors(problemOf(save.error).problem.fields) : {}
  const shown = tables.data?.items.filter((t) => !search.q || `${t.schema}.${t.name}`.includes(search.q))
  return (
    <Page
      crumbs={crumbs}
      actions={!builtIn && <>
        <Button leftSection={<IconTrash size={16} stroke={1.75} />} className="btn-danger" onClick={() => setRemove(true)}>Delete</Button>
        <Button leftSection={<IconRefresh size={16} stroke={1.75} />} loading={test.isPending} onClick={() => test.mutate()}>Test</Button>
      </>}
    >
      <div>
        <Title after={!builtIn && <Status state={c.test_status || 'untested'} chip />}>{c.name}</Title>
        <p className="page-sub"><span>{kind?.title ?? kindName(c.type)}</span><span className="mono">{addressOf(c)}</span>{c.tested_at && <span>tested <Ago t={c.tested_at} /></span>}</p>
      </div>
      {test.error ? <ProblemBlock {...problemOf(test.error)} /> : test.data && <TestResult reply={test.data} again={() => test.mutate()} />}
      <div className={builtIn ? '' : 'form-cols'}>
        {!builtIn && kind && (
          <Panel title="Address and credential">
            <form className="form" onSubmit={(e) => { e.preventDefault(); if (!Object.keys(own).length) save.mutate(inputs(kind.fields, values)) }}>
              <ConnectionFields fields={kind.fields} values={values} errors={{ ...served, ...own }} onChange={setTyped} kept={!!c.secret_id} />
              <ActionError error={save.error} />
              <Button type="submit" disabled={!Object.keys(typed).length || Object.keys(own).length > 0} loading={save.isPending}>Save changes</Button>
            </form>
          </Panel>
        )}
        {kind?.capabilities.tables && (
          <Panel title="Tables" note="row counts from the source's statistics" flush>
            {tables.error ? <div style={{ padding: 16 }}><Failed error={tables.error} retry={() => void tables.refetch()} /></div> : (
              <DataTable
                label="Tables" rows={shown} columns={columns} rowId={(t) => `${t.schema}.${t.name}`} to={(t) => `/etl/jobs/new?${new URLSearchParams({ connection: id, schema: t.schema, table: t.name })}`}
                actions={(t) => <Button component={Link} to={`/etl/jobs/new?${new URLSearchParams({ connection: id, schema: t.schema, table: t.name })}`} size="compact-sm" leftSection={<IconPlus size={14} />}>Job</Button>}
                empty={<p className="no-match t3">This user can see no table. Ask the owner of the database for SELECT.</p>}
                foot={tables.data && <span>{plural(tables.data.items.length, 'table')}; a row opens a new job</span>}
              />
            )}
          </Panel>
        )}
        {builtIn && <Panel title="Uploads"><div className="col"><p className="t2">Files that are uploaded here, or dropped into the uploads folder, start the jobs whose pattern they match.</p><div><Button component={Link} to="/etl/upload" variant="filled">Upload a file</Button></div></div></Panel>}
      </div>
      {search.q && <button type="button" className="link" onClick={() => set({ q: undefined })}>Clear the search</button>}
      <Modal opened={remove} onClose={() => setRemove(false)} title={`Delete ${c.name}?`} size={420}>
        <div className="stack">
          <p className="t2">Its credential is destroyed. Loaded tables stay; a job that uses it keeps the connection from being deleted.</p>
          <ActionError error={del.error} />
          <div className="row"><Button variant="filled" className="btn-stop" loading={del.isPending} onClick={() => del.mutate()}>Delete the connection</Button><Button onClick={() => setRemove(false)}>Keep it</Button></div>
        </div>
      </Modal>
    </Page>
  )
}
