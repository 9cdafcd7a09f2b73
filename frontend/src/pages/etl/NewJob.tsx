import { Button, MultiSelect, NumberInput, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import { api, idempotencyKey } from '../../api/calls'
import { fieldErrors, problemOf } from '../../api/problem'
import { col, q } from '../../api/queries'
import type { Description, LoadType } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useAddress } from '../../app/search'
import { plural } from '../../format/numbers'
import { Panel, Skeleton, Term } from '../../ui/basics'
import { Empty } from '../../ui/Empty'
import { ActionError, Failed } from '../../ui/Problem'
import { tableName } from './parts'
import { chosen, draftOf, nameError, SchemaEditor, type Draft } from './SchemaEditor'
import './etl.css'

/** A job that copies a database table: which one, what becomes of its columns, how often. */
export function NewJob() {
  const [search, set] = useAddress()
  const connections = useQuery(q.connections({ limit: 200 }))
  const databases = connections.data?.items.filter((c) => c.type !== 'uploads')
  const connection = search.connection ?? (databases?.length === 1 ? databases[0].id : undefined)
  const tables = useQuery({ ...q.sourceTables(connection ?? ''), enabled: !!connection })
  const described = useQuery({ ...q.sourceTable(connection ?? '', search.schema ?? '', search.table ?? ''), enabled: !!connection && !!search.table })
  const crumbs = [{ label: 'ETL', to: '/etl' }, { label: 'Jobs', to: '/etl/jobs' }, { label: 'New job' }]
  if (databases && databases.length === 0) {
    return (
      <Page crumbs={crumbs}>
        <Empty title="Connect a database first" action={<Button component="a" href="/connections/new" variant="filled">New connection</Button>} other={<Button component="a" href="/etl/upload">Upload a file</Button>}>A job of a database table needs a connection. A file makes its own job when it is uploaded.</Empty>
      </Page>
    )
  }
  return (
    <Page crumbs={crumbs}>
      <Title>New job</Title>
      <Panel title="What to copy">
        <div className="form-2">
          <Select label="Connection" placeholder="Choose" data={(databases ?? []).map((c) => ({ value: c.id, label: c.name }))} value={connection ?? null} onChange={(v) => set({ connection: v ?? undefined, table: undefined, schema: undefined })} />
          <Select
            label="Table" placeholder={tables.isPending && connection ? 'Reading the catalogue' : 'Choose'} searchable disabled={!connection || !tables.data} data={(tables.data?.items ?? []).map((t) => `${t.schema}.${t.name}`)}
            value={search.table ? `${search.schema}.${search.table}` : null}
            onChange={(v) => {
              const t = tables.data?.items.find((x) => `${x.schema}.${x.name}` === v)
              set({ schema: t?.schema, table: t?.name })
            }}
          />
        </div>
      </Panel>
      {tables.error && <Failed error={tables.error} retry={() => void tables.refetch()} />}
      {described.error && <Failed error={described.error} retry={() => void described.refetch()} />}
      {search.table && described.isPending && connection && <Skeleton rows={6} />}
      {described.data && connection && <JobForm key={`${search.schema}.${search.table}`} connection={connection} schema={search.schema ?? ''} table={search.table ?? ''} d={described.data} />}
    </Page>
  )
}

function JobForm({ connection, schema, table, d }: { connection: string; schema: string; table: string; d: Description }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [drafts, setDrafts] = useState<Draft[]>(() => d.columns.map(draftOf))
  const nameOf = (source: string | undefined) => drafts.find((c) => c.source === source)?.name
  const [name, setName] = useState(table)
  const [dest, setDest] = useState(tableName(table))
  const [load, setLoad] = useState<LoadType>(d.timestamps?.length ? 'transactional' : 'catalog')
  const [time, setTime] = useState(nameOf(d.recommended_timestamp) ?? nameOf(d.timestamps?.[0]) ?? '')
  const [keys, setKeys] = useState<string[]>((d.keys ?? []).map((k) => nameOf(k)).filter((k) => k !== undefined))
  const [from, setFrom] = useState('')
  const [cron, setCron] = useState('')
  const [lag, setLag] = useState<number | string>(0)
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
  const save = useMutation({
    mutationFn: async (run: boolean) => {
      const job = await api.createJob({
        name, connection, schema, table, destination: { dataset: 'raw_data', name: dest }, load, columns: chosen(drafts), enabled: true, max_reject_share: 0.01,
        ...(load === 'transactional' ? { timestamp_column: time, keys, start_date: from || undefined, safety_lag_seconds: Number(lag) || 0 } : { safety_lag_seconds: 0 }),
        ...(cron.trim() ? { schedule: { cron: cron.trim(), time_zone: zone } } : {}),
      })
      return run ? { run: await api.runJob(job.id, idempotencyKey()) } : { job }
    },
    onSuccess: (r) => {
      void client.invalidateQueries({ queryKey: [col.jobs, 'list'] })
      void navigate({ to: 'run' in r && r.run ? `/etl/runs/${r.run.id}` : `/etl/jobs/${r.job!.id}` })
    },
  })
  const errors = save.error ? fieldErrors(problemOf(save.error).problem.fields) : {}
  const times = drafts.filter((c) => c.keep && (d.timestamps ?? []).includes(c.source)).map((c) => c.name)
  const needTime = load === 'transactional' && !times.includes(time)
  const bad = drafts.some((_, i) => nameError(drafts, i)) || needTime || !name.trim() || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(dest)
  return (
    <>
      <Panel title="Columns" note={d.rows_estimate >= 0 ? `about ${plural(d.rows_estimate, 'row')}` : undefined} flush>
        {d.warnings?.map((w) => <p key={w} className="attention warn">{w}</p>)}
        <SchemaEditor drafts={drafts} onChange={setDrafts} />
      </Panel>
      <Panel title="How to load">
        <form className="form" onSubmit={(e) => { e.preventDefault(); if (!bad) save.mutate(true) }}>
          <div className="form-2">
            <TextInput label="Job name" value={name} onChange={(e) => setName(e.currentTarget.value)} error={errors.name} required />
            <TextInput label="Raw table" value={dest} onChange={(e) => setDest(e.currentTarget.value)} error={errors['destination.name']} leftSection={<span className="mono small t3">raw_data.</span>} leftSectionWidth={72} required classNames={{ input: 'mono' }} />
          </div>
          <div>
            <div className="mantine-Input-label"><Term tip="Transactions read only what is newer than the last run. A catalogue is read whole each time and replaced in one step.">Kind of table</Term></div>
            <SegmentedControl value={load} onChange={(v) => setLoad(v as LoadType)} data={[{ value: 'transactional', label: 'Transactions, incremental' }, { value: 'catalog', label: 'Catalogue, full snapshot' }]} />
          </div>
          {load === 'transactional' && (
            <div className="form-2">
              <Select label={<Term tip="The watermark: a run reads rows whose value is above the last run's and at most now minus the safety lag.">Time column</Term>} data={times} value={times.includes(time) ? time : null} onChange={(v) => setTime(v ?? '')} error={errors.timestamp_column ?? (needTime ? 'Choose a time column, or load the table as a catalogue' : undefined)} />
              <MultiSelect size="xs" label={<Term tip="With a key, a row that changed at the source replaces the loaded one. Without, rows are only added.">Key columns</Term>} data={drafts.filter((c) => c.keep).map((c) => c.name)} value={keys} onChange={setKeys} clearable />
              <TextInput label="First run begins at" placeholder="YYYY-MM-DD, empty for everything" value={from} onChange={(e) => setFrom(e.currentTarget.value)} error={errors.start_date ?? (from && !/^\d{4}-\d\d-\d\d$/.test(from) ? 'A date as 2026-11-23' : undefined)} classNames={{ input: 'mono' }} />
              <NumberInput label={<Term tip="Rows of the last seconds may not be committed at the source yet; they are left to the next run.">Safety lag, seconds</Term>} min={0} max={86400} value={lag} onChange={setLag} error={errors.safety_lag_seconds} />
            </div>
          )}
          <TextInput label={<Term tip="Five fields: minute, hour, day of month, month, day of week. 0 2 * * * is every night at two.">Schedule</Term>} placeholder="0 2 * * *, empty to run by hand" description={`Times are in ${zone}.`} value={cron} onChange={(e) => setCron(e.currentTarget.value)} error={errors['schedule.cron']} classNames={{ input: 'mono' }} />
          <ActionError error={save.error} />
          <div className="row"><Button type="submit" variant="filled" disabled={bad} loading={save.isPending}>Save and run</Button><Button disabled={bad || save.isPending} onClick={() => save.mutate(false)}>Save only</Button></div>
        </form>
      </Panel>
    </>
  )
}
