import { SegmentedControl } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useMemo } from 'react'

import type { Listed } from '../../api/types'
import type { Search } from '../../app/search'
import { likeNewest } from './board'
import { Parallel } from './Parallel'
import { Trend } from './Trend'

/** From so many measured runs on, a picture shows something. */
const ENOUGH = { parallel: 3, trend: 2 }

/** The runs as pictures: hyper-parameters against recall, or the best recall in time. A phone has room for the second. */
export function Pictures({ all, rows, selected, search, set }: { all: Listed[]; rows: Listed[]; selected: string[]; search: Search; set: (patch: Search) => void }) {
  const phone = useMediaQuery('(max-width: 700px)', false, { getInitialValueInEffect: false })
  const like = useMemo(() => likeNewest(all, rows), [all, rows])
  if (like.length < ENOUGH.trend) return null
  const both = like.length >= ENOUGH.parallel && !phone
  const pick = both && <SegmentedControl aria-label="Which picture" value={search.view === 'trend' ? 'trend' : 'parallel'} onChange={(v) => set({ view: v === 'trend' ? v : undefined })} data={[{ value: 'parallel', label: 'Parallel' }, { value: 'trend', label: 'Trend' }]} />
  const Shown = both && search.view !== 'trend' ? Parallel : Trend
  return <Shown like={like} rows={rows} selected={selected} set={set} pick={pick} />
}
