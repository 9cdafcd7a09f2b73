import { Button, Popover } from '@mantine/core'
import { IconColumns3 } from '@tabler/icons-react'

import { Tick } from '../../ui/basics'
import { addressOf, USUAL, type BoardColumn, type Group } from './columns'

const GROUPS: Group[] = ['Run', 'Parameters', 'Metrics']

/** Which columns the board shows; run and name always stand there. */
export function ColumnPicker({ columns, shown, onChange }: { columns: BoardColumn[]; shown: BoardColumn[]; onChange: (cols: string | undefined) => void }) {
  const ids = shown.map((c) => c.id)
  const toggle = (id: string) => onChange(addressOf(columns.map((c) => c.id).filter((c) => (c === id ? !ids.includes(id) : ids.includes(c)))))
  return (
    <Popover position="bottom-end" trapFocus returnFocus>
      <Popover.Target><Button leftSection={<IconColumns3 size={16} stroke={1.75} />}>Columns</Button></Popover.Target>
      <Popover.Dropdown className="pick-columns" aria-label="Columns of the board">
        <div className="pick-groups">
          {GROUPS.map((g) => (
            <fieldset key={g} className="facet">
              <legend>{g}</legend>
              {columns.filter((c) => c.group === g).map((c) => <label key={c.id} className="facet-row"><Tick checked={ids.includes(c.id)} onChange={() => toggle(c.id)} /><span className="clip">{c.name}</span></label>)}
            </fieldset>
          ))}
        </div>
        <div className="row"><span className="t3 small">{shown.length} of {columns.length}, kept in the address</span><span className="end"><Button variant="subtle" size="compact-sm" disabled={addressOf(ids) === undefined} onClick={() => onChange(addressOf(USUAL))}>The usual ones</Button></span></div>
      </Popover.Dropdown>
    </Popover>
  )
}
