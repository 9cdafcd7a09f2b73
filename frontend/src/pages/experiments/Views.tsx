import { Button, TextInput } from '@mantine/core'
import { IconBookmark, IconCheck, IconX } from '@tabler/icons-react'
import { useState } from 'react'

import type { Search } from '../../app/search'
import { keepViews, leadTo, readViews, shows, viewOf, type View } from './savedViews'

/** Views by name, of this browser; the address is what a colleague can be sent. */
export function Views({ project, search, set }: { project: string; search: Search; set: (patch: Search, push?: boolean) => void }) {
  const [views, setViews] = useState<View[]>(() => readViews(project))
  const [name, setName] = useState<string>()
  const [lost, setLost] = useState(false)
  const change = (list: View[]) => {
    setViews(list)
    setLost(!keepViews(project, list))
  }
  const typed = name?.trim() ?? ''
  const known = views.some((v) => v.name === typed)
  const save = () => {
    if (!typed) return
    change([...views.filter((v) => v.name !== typed), { name: typed, search: viewOf(search) }].sort((a, b) => a.name.localeCompare(b.name)))
    setName(undefined)
  }
  return (
    <section className="views" aria-label="Saved views">
      {views.length > 0 && <h2 className="views-head">Saved views</h2>}
      <ul>
        {views.map((v) => (
          <li key={v.name} className="view">
            <button type="button" className="view-open clip" aria-current={shows(search, v) || undefined} title={v.name} onClick={() => set(leadTo(search, v), true)}>{shows(search, v) ? <IconCheck size={14} stroke={1.75} aria-hidden /> : <IconBookmark size={14} stroke={1.75} aria-hidden />}<span className="clip">{v.name}</span></button>
            <button type="button" className="icon-btn" aria-label={`Forget the view ${v.name}`} onClick={() => change(views.filter((o) => o !== v))}><IconX size={14} /></button>
          </li>
        ))}
      </ul>
      {name === undefined
        ? <Button className="views-add" variant="subtle" color="gray" size="compact-sm" leftSection={<IconBookmark size={14} stroke={1.75} />} onClick={() => setName('')}>Save this view</Button>
        : (
          <form onSubmit={(e) => { e.preventDefault(); save() }} onKeyDown={(e) => { if (e.key === 'Escape') setName(undefined) }}>
            <TextInput label="Name of the view" description="Filters, columns, sort and picture." maxLength={60} data-autofocus autoFocus value={name} onChange={(e) => setName(e.currentTarget.value)} />
            <span className="row"><Button type="submit" size="compact-sm" disabled={!typed}>{known ? 'Replace' : 'Save'}</Button><Button variant="subtle" size="compact-sm" onClick={() => setName(undefined)}>Cancel</Button></span>
          </form>
        )}
      {(views.length > 0 || name !== undefined) && <p className="t3 small">Kept in this browser alone. To show a view to a colleague, send the address of the page.</p>}
      {lost && <p className="warn small" role="alert">This browser keeps nothing: the views are gone when the page is closed.</p>}
    </section>
  )
}
