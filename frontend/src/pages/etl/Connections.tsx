import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconPlus } from '@tabler/icons-react'

import { q } from '../../api/queries'
import type { Connection } from '../../api/types'
import { Page, Title } from '../../app/Page'
import { useAddress } from '../../app/search'
import { Ago, Panel } from '../../ui/basics'
import { DataTable, Paging, type Column } from '../../ui/DataTable'
import { Empty } from '../../ui/Empty'
import { Failed } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { kindName } from '../overview/life'
import './etl.css'

/** The address of a connection, without anything secret. */
export function addressOf(c: Connection): string {
  const p = c.params ?? {}
  if (c.type === 'uploads') return 'files that are uploaded here'
  return [p.host && `${String(p.host)}${p.port ? ':' + String(p.port) : ''}`, p.database].filter(Boolean).map(String).join('/') || '—'
}

const columns: Column<Connection>[] = [
  { id: 'name', header: 'Connection', cell: (c) => <span className="em">{c.name}</span> },
  { id: 'type', header: 'Kind', width: 120, cell: (c) => kindName(c.type) },
  { id: 'addr', header: 'Address', wide: true, cell: (c) => <span className={c.type === 'uploads' ? 't2' : 'mono small'}>{addressOf(c)}</span> },
  { id: 'test', header: 'Last test', width: 120, cell: (c) => (c.type === 'uploads' ? <Status state="success">Built in</Status> : <Status state={c.test_status || 'untested'} />) },
  { id: 'at', header: 'Tested', width: 110, right: true, wide: true, cell: (c) => <span className="t2"><Ago t={c.tested_at} /></span> },
]

/** Where data comes from. */
export function Connections() {
  const [search, set] = useAddress()
  const list = useQuery(q.connections({ limit: 50, cursor: search.cursor }))
  const add = <Button component={Link} to="/connections/new" variant="filled" leftSection={<IconPlus size={16} stroke={1.75} />}>New connection</Button>
  return (
    <Page crumbs={[{ label: 'Connections' }]} actions={add}>
      <Title>Connections</Title>
      {list.error ? <Failed error={list.error} retry={() => void list.refetch()} /> : (
        <Panel flush label="Connections">
          <DataTable
            label="Connections" rows={list.data?.items} columns={columns} rowId={(c) => c.id} to={(c) => `/connections/${c.id}`}
            empty={<Empty title="Connect a source" action={add} other={<Button component={Link} to="/etl/upload">Upload a file</Button>}>The credential is kept in the secret store and never shown again. A test takes a second and only reads.</Empty>}
            foot={list.data && <Paging shown={list.data.items.length} what="connections" next={list.data.next} cursor={search.cursor} go={(cursor) => set({ cursor }, true)} />}
          />
        </Panel>
      )}
    </Page>
  )
}
