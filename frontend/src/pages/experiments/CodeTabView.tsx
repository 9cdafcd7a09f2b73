import { useQuery } from '@tanstack/react-query'

import { q } from '../../api/queries'
import type { Experiment } from '../../api/types'
import { useAddress } from '../../app/search'
import { Skeleton } from '../../ui/basics'
import { CodePane } from '../../ui/CodePane'
import { Failed } from '../../ui/Problem'

/** The modules this run used; diffable against the experiment before it. */
export function CodeTabView({ e, project }: { e: Experiment; project: string }) {
  const [search, set] = useAddress()
  const list = useQuery(q.experiments(project, { limit: 100 }))
  const before = list.data?.items.filter((o) => o.number < e.number && o.code_hash).sort((a, b) => b.number - a.number)[0]
  const code = useQuery({ ...q.experimentCode(project, e.id), enabled: !!e.code_hash, retry: false })
  const old = useQuery({ ...q.experimentCode(project, before?.id ?? ''), enabled: !!before && search.view === 'diff', retry: false })
  if (!e.code_hash) return <p className="t2">The code is generated while the run is prepared.</p>
  if (code.error) return <Failed error={code.error} retry={() => void code.refetch()} />
  if (!code.data) return <Skeleton rows={10} />
  const blank = { transform: '', trainer: '' }
  return (
    <div className="panel code-tab">
      <CodePane
        code={code.data} tab={search.code === 'trainer' ? 'trainer' : 'transform'} onTab={(t) => set({ code: t === 'transform' ? undefined : t })} view={search.view === 'diff' && (old.data || !before) ? 'diff' : 'code'} onView={(v) => set({ view: v === 'code' ? undefined : v })}
        before={before && { code: old.data ?? (search.view === 'diff' ? blank : code.data), name: `#${before.number}` }}
      />
    </div>
  )
}
