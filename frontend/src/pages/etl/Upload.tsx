import { Button, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { IconFile, IconPlayerPlay, IconUpload, IconX } from '@tabler/icons-react'
import { useRef, useState } from 'react'

import { api, idempotencyKey } from '../../api/calls'
import { upload } from '../../api/client'
import { fieldErrors, problemOf } from '../../api/problem'
import { col, q } from '../../api/queries'
import type { Description, FileOptions, LoadType } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useAddress } from '../../app/search'
import { bytes, plural, share } from '../../format/numbers'
import { duration } from '../../format/time'
import { Panel, Skeleton, Term } from '../../ui/basics'
import { ActionError, Failed } from '../../ui/Problem'
import { Bar } from '../../ui/Progress'
import { Chip } from '../../ui/Status'
import { matches, tableName } from './parts'
import { chosen, draftOf, nameError, SchemaEditor, type Draft } from './SchemaEditor'
import './etl.css'

const DELIMITERS = [{ value: '', label: 'Detected' }, { value: ',', label: 'Comma' }, { value: ';', label: 'Semicolon' }, { value: '\t', label: 'Tab' }, { value: '|', label: 'Pipe' }]
const ENCODINGS = ['', 'utf-8', 'latin-1', 'windows-1252', 'windows-1251', 'utf-16'].map((v) => ({ value: v, label: v || 'Detected' }))

/** A file from the desk to a raw table: drop, look at what was understood, load. */
export function Upload() {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [search, set] = useAddress()
  const [file, setFile] = useState<File>()
  const [sent, setSent] = useState(0)
  const [over, setOver] = useState(false)
  const [started, setStarted] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const abort = useRef<AbortController>(undefined)
  const [options, setOptions] = useState<Partial<FileOptions>>({})
  const [found, setFound] = useState<Description>()

  const detect = useMutation({ mutationFn: (a: { key: string; options: Partial<FileOptions> }) => api.detect({ key: a.key, options: { prefix: '', pattern: '', format: '', ...a.options } }), onSuccess: setFound })
  const jobs = useQuery(q.jobs({ limit: 200, connection: 'uploads' }))
  const targets = (jobs.data?.items ?? []).filter((j) => j.files && j.enabled)
  const target = targets.find((j) => j.id === search.job)
  const wrong = file && target && !matches(target.files!.pattern, file.name)
  const put = useMutation({
    mutationFn: async (f: File) => {
      abort.current = new AbortController()
      setStarted(Date.now())
      // A file for a job starts its run by arriving. A new one waits behind an
      // underscore, which arrivals leave alone, until somebody has said how to read it.
      const key = target ? target.files!.prefix + f.name : `${tableName(f.name)}/_${f.name}`
      await upload(await api.uploadWay(key, f.size), f, setSent, abort.current.signal)
      return { key }
    },
    onSuccess: (u) => {
      if (!target) return detect.mutate({ key: u.key, options })
      void client.invalidateQueries({ queryKey: [col.runs, 'list'] })
      void navigate({ to: `/etl/jobs/${target.id}` })
    },
  })
  const take = (f: File | undefined) => {
    if (!f) return
    setFile(f)
    setSent(0)
    setFound(undefined)
    detect.reset()
    put.reset()
    if (!target || matches(target.files!.pattern, f.name)) put.mutate(f)
  }
  const redo = (patch: Partial<FileOptions>) => {
    const next = { ...options, ...patch }
    setOptions(next)
    if (put.data) detect.mutate({ key: put.data.key, options: next })
  }
  const rate = started && sent ? sent / Math.max(0.2, (Date.now() - started) / 1000) : 0
  const cancelled = put.error instanceof DOMException

  return (
    <Page crumbs={[{ label: 'ETL', to: '/etl' }, { label: 'Upload' }]}>
      <Title right={targets.length > 0 && <Select aria-label="Where the file goes" w={280} data={[{ value: '', label: 'Into a new table' }, ...targets.map((j) => ({ value: j.id, label: `${j.load === 'catalog' ? 'Replace' : 'Add to'} ${j.destination.name}` }))]} value={target?.id ?? ''} onChange={(v) => { set({ job: v || undefined }); setFile(undefined); setFound(undefined); put.reset() }} />}>Upload a file</Title>
      <div
        className={`drop${over ? ' over' : ''}`}
        onDragOver={(e) => { e.preventDefault(); setOver(true) }} onDragLeave={() => setOver(false)}
        onDrop={(e) => { e.preventDefault(); setOver(false); take(e.dataTransfer.files[0]) }}
      >
        <IconUpload size={20} stroke={1.75} aria-hidden />
        <p className="em">Drop a CSV or Parquet file here</p>
        <p className="t3 small">One row per purchase, or a list of products or customers. Any delimiter, any usual encoding; the first row may name the columns. It goes into your installation and nowhere else.</p>
        <Button onClick={() => input.current?.click()}>Choose a file</Button>
        <input ref={input} type="file" accept=".csv,.tsv,.txt,.parquet" className="visually-hidden" tabIndex={-1} aria-label="File" onChange={(e) => { take(e.currentTarget.files?.[0]); e.currentTarget.value = '' }} />
      </div>
      {file && (
        <Panel label="The file">
          <div className="col">
            <div className="row">
              <IconFile size={16} stroke={1.75} className="t2" aria-hidden />
              <span className="em clip">{file.name}</span>
              <span className="mono small t2 nowrap">{put.isPending ? `${bytes(sent)} of ${bytes(file.size)}` : bytes(file.size)}</span>
              {put.isPending && rate > 0 && <span className="t3 small nowrap">{bytes(rate)}/s, about {duration((file.size - sent) / rate)} left</span>}
              {put.isPending && <Button size="compact-sm" className="end btn-danger" leftSection={<IconX size={14} />} onClick={() => abort.current?.abort()}>Cancel upload</Button>}
            </div>
            {put.isPending && <Bar value={file.size ? sent / file.size : 1} label="Upload" />}
            {wrong && <p className="field-error" role="alert">This job takes files named {target.files!.pattern}. Rename the file, or load it into a new table.</p>}
            {cancelled ? <p className="t2">The upload was cancelled; nothing was kept.</p> : <ActionError error={put.error} />}
          </div>
        </Panel>
      )}
      {detect.isPending && !found && <Panel title="Reading the first rows"><Skeleton rows={5} /></Panel>}
      {detect.error && <Failed error={detect.error} retry={() => put.data && detect.mutate({ key: put.data.key, options })} />}
      {found && put.data && <NewTable key={put.data.key + JSON.stringify(options)} uploaded={put.data} found={found} options={options} redo={redo} busy={detect.isPending} />}
    </Page>
  )
}

interface TableProps { uploaded: { key: string }; found: Description; options: Partial<FileOptions>; redo: (p: Partial<FileOptions>) => void; busy: boolean }

/** What was understood, correctable; and the job that loads it. */
function NewTable({ uploaded, found, options, redo, busy }: TableProps) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [drafts, setDrafts] = useState<Draft[]>(() => found.columns.map(draftOf))
  const stored = uploaded.key.split('/').pop() ?? uploaded.key
  const base = stored.replace(/^_/, '')
  const [name, setName] = useState(base)
  const [table, setTable] = useState(tableName(base))
  const [load, setLoad] = useState<LoadType>('transactional')
  const [limit, setLimit] = useState('0.05')
  const csv = found.format !== 'parquet'
  const prefix = uploaded.key.slice(0, uploaded.key.length - stored.length)

  const start = useMutation({
    mutationFn: async () => {
      const job = await api.createJob({
        name, connection: 'uploads', load, enabled: true, destination: { dataset: 'raw_data', name: table }, columns: chosen(drafts), max_reject_share: Number(limit), safety_lag_seconds: 0,
        files: { prefix, pattern: `*${/\.[^.]+$/.exec(base)?.[0] ?? ''}`, format: found.format ?? '', delimiter: options.delimiter || found.delimiter, encoding: options.encoding || found.encoding, no_header: options.no_header ?? (found.header === false && csv), latest_only: load === 'catalog' },
      })
      return api.runJob(job.id, idempotencyKey())
    },
    onSuccess: (r) => {
      void client.invalidateQueries({ queryKey: [col.jobs, 'list'] })
      void client.invalidateQueries({ queryKey: [col.runs, 'list'] })
      void navigate({ to: `/etl/runs/${r.id}` })
    },
  })
  const errors = start.error ? fieldErrors(problemOf(start.error).problem.fields) : {}
  const bad = drafts.some((_, i) => nameError(drafts, i)) || !drafts.some((d) => d.keep)
  const tableError = /^[A-Za-z_][A-Za-z0-9_]{0,299}$/.test(table) ? errors['destination.name'] : 'Letters, digits and _, starting with a letter or _'
  return (
    <>
      <Panel
        title="What was understood" flush
        note={`${found.format ?? 'csv'}${found.rows_estimate >= 0 ? `, about ${plural(found.rows_estimate, 'row')}` : ''}`}
        right={csv && <>
          <Select aria-label="Delimiter" w={120} data={DELIMITERS.map((d) => (d.value ? d : { ...d, label: `Detected${found.delimiter ? ` (${found.delimiter === '\t' ? 'tab' : found.delimiter})` : ''}` }))} value={options.delimiter ?? ''} onChange={(v) => redo({ delimiter: v ?? '' })} disabled={busy} />
          <Select aria-label="Encoding" w={140} data={ENCODINGS.map((d) => (d.value ? d : { ...d, label: `Detected${found.encoding ? ` (${found.encoding})` : ''}` }))} value={options.encoding ?? ''} onChange={(v) => redo({ encoding: v ?? '' })} disabled={busy} />
          <SegmentedControl aria-label="Header" value={(options.no_header ?? found.header === false) ? 'no' : 'yes'} onChange={(v) => redo({ no_header: v === 'no' })} data={[{ value: 'yes', label: 'Header' }, { value: 'no', label: 'No header' }]} disabled={busy} />
        </>}
      >
        {found.warnings?.map((w) => <p key={w} className="attention warn">{w}</p>)}
        <SchemaEditor drafts={drafts} onChange={setDrafts} />
      </Panel>
      <Panel title="Load it">
        <form className="form" onSubmit={(e) => { e.preventDefault(); if (!bad && !start.isPending) start.mutate() }}>
          <div className="form-2">
            <TextInput label="Job name" value={name} onChange={(e) => setName(e.currentTarget.value)} error={errors.name} required />
            <TextInput label="Raw table" value={table} onChange={(e) => setTable(e.currentTarget.value)} error={tableError} leftSection={<span className="mono small t3">raw_data.</span>} leftSectionWidth={72} required classNames={{ input: 'mono' }} />
          </div>
          <div className="form-2">
            <div>
              <div className="mantine-Input-label"><Term tip="Transactions are added and later files add more. A catalogue is replaced as a whole by the newest file.">What the file holds</Term></div>
              <SegmentedControl value={load} onChange={(v) => setLoad(v as LoadType)} data={[{ value: 'transactional', label: 'Transactions, add rows' }, { value: 'catalog', label: 'A catalogue, replace all rows' }]} />
            </div>
            <Select label={<Term tip="A run with a larger share of rejected rows fails and changes nothing.">Stop limit for rejected rows</Term>} value={limit} onChange={(v) => setLimit(v ?? limit)} data={['0', '0.01', '0.05', '0.2', '1'].map((v) => ({ value: v, label: v === '0' ? 'None may be rejected' : v === '1' ? 'No limit' : share(Number(v)) }))} />
          </div>
          {load === 'transactional' && <p className="t3 small">Later files in <span className="mono">{prefix}</span> are loaded into the same table when they arrive. <Chip>new files only</Chip></p>}
          <ActionError error={start.error} />
          <div className="row"><Button type="submit" variant="filled" leftSection={<IconPlayerPlay size={16} stroke={1.75} />} loading={start.isPending} disabled={bad || !name.trim() || !!tableError}>Load into {table}</Button>{bad && <span className="t3 small">Correct the marked names first.</span>}</div>
        </form>
      </Panel>
    </>
  )
}
