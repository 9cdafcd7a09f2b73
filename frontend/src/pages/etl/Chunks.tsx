import { Tooltip } from '@mantine/core'
import { IconRefresh, IconX } from '@tabler/icons-react'

import type { Chunk } from '../../api/types'
import { bytes, count } from '../../format/numbers'
import { Skeleton, Took } from '../../ui/basics'
import { DataTable, type Column } from '../../ui/DataTable'
import { Status } from '../../ui/Status'

const WORDS: Record<string, [string, string]> = {
  loaded: ['completed', 'loaded'], extracted: ['completed', 'extracted'], running: ['running', 'reading'], planned: ['waiting', 'waiting'], failed: ['failed', 'failed'], cancelled: ['cancelled', 'cancelled'],
}

const columns: Column<Chunk>[] = [
  { id: 'n', header: 'Chunk', width: 70, cell: (c) => <span className="mono">{c.number + 1}</span> },
  { id: 's', header: 'State', width: 110, cell: (c) => <Status state={WORDS[c.state][0]}>{WORDS[c.state][1]}</Status> },
  { id: 'label', header: 'What it reads', cell: (c) => <span className="mono small">{c.label}</span> },
  { id: 'rows', header: 'Rows', width: 100, right: true, cell: (c) => <span className="mono">{count(c.rows)}</span> },
  { id: 'rej', header: 'Rejected', width: 90, right: true, wide: true, cell: (c) => <span className={`mono${c.rejected ? ' err' : ' t3'}`}>{count(c.rejected)}</span> },
  { id: 'bytes', header: 'Size', width: 90, right: true, wide: true, cell: (c) => <span className="mono">{bytes(c.bytes)}</span> },
  { id: 'tries', header: 'Attempts', width: 80, right: true, wide: true, cell: (c) => <span className="mono">{c.attempts}</span> },
  { id: 'took', header: 'Duration', width: 90, right: true, cell: (c) => <Took start={c.started_at} end={c.ended_at ?? (c.state === 'running' ? undefined : c.started_at)} /> },
]

/** Every chunk of a plan as a cell, with the same facts as a table. */
export function Chunks({ chunks, table }: { chunks: Chunk[] | undefined; table: boolean }) {
  if (!chunks) return <Skeleton rows={2} />
  if (table) return <DataTable label="Chunks" rows={chunks} columns={columns} rowId={(c) => c.id} height={28} />
  const tally = (f: (c: Chunk) => boolean) => chunks.filter(f).length
  const retried = (c: Chunk) => c.attempts > 1 && (c.state === 'loaded' || c.state === 'extracted')
  const legend: [string, number, string][] = [
    ['completed', tally((c) => c.state === 'loaded' && !retried(c)), 'loaded'], ['completed', tally((c) => c.state === 'extracted' && !retried(c)), 'extracted'], ['running', tally((c) => c.state === 'running'), 'reading'],
    ['warning', tally(retried), 'on retry'], ['waiting', tally((c) => c.state === 'planned'), 'waiting'], ['failed', tally((c) => c.state === 'failed'), 'failed'], ['cancelled', tally((c) => c.state === 'cancelled'), 'cancelled'],
  ]
  return (
    <>
      <ul className="chunks">
        {chunks.map((c) => (
          <Tooltip key={c.id} label={<>{c.label}<br />{WORDS[c.state][1]}, {count(c.rows)} rows, {c.attempts} attempt{c.attempts === 1 ? '' : 's'}{c.error ? <><br />{c.error.message}</> : null}</>}>
            <li className={`chunk chunk-${c.state}${retried(c) ? ' chunk-retried' : ''}`} aria-label={`Chunk ${c.number + 1} ${WORDS[c.state][1]}`}>
              {c.state === 'failed' ? <IconX size={13} aria-hidden /> : retried(c) ? <IconRefresh size={13} aria-hidden /> : c.number + 1}
            </li>
          </Tooltip>
        ))}
      </ul>
      <div className="chunk-legend">{legend.filter(([, n, w]) => n > 0 || w === 'failed').map(([s, n, w]) => <Status key={w} state={s === 'failed' && n === 0 ? 'waiting' : s}>{n} {w}</Status>)}</div>
    </>
  )
}
