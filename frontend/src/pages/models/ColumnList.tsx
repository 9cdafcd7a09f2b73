import { Menu, TextInput } from '@mantine/core'
import { IconBox, IconSearch, IconUser } from '@tabler/icons-react'
import { useState } from 'react'

import type { Dataset, Feature, FeatureDefinition, Profile, WarehouseColumn } from '../../api/types'
import { Skeleton } from '../../ui/basics'
import { shortType } from '../datasets/definition'
import { newFeature, type Side } from './towers'

interface Props {
  schema: WarehouseColumn[] | undefined; features: FeatureDefinition; profile: Profile | undefined; dataset: Dataset | undefined; version: number
  onAdd: (side: Side, f: Feature) => void
}

/** The dataset's columns; a column is dragged to a tower, or put there from its menu. */
export function ColumnList({ schema, features, profile, dataset, version, onAdd }: Props) {
  const [find, setFind] = useState('')
  const used = (side: Side, column: string) => features[side].features.some((f) => f.column === column)
  return (
    <aside className="editor-columns" aria-label="Columns">
      <div className="editor-head"><div className="em">Columns</div><div className="t3 small clip">{dataset ? `${dataset.name}, v${version}` : 'the dataset is gone'}</div></div>
      <div style={{ padding: '8px 8px 4px' }} data-search><TextInput aria-label="Find a column" placeholder="Find" leftSection={<IconSearch size={14} />} value={find} onChange={(e) => setFind(e.currentTarget.value)} /></div>
      {!schema ? <Skeleton rows={8} height={27} /> : (
        <ul>
          {schema.filter((c) => c.name.toLowerCase().includes(find.toLowerCase())).map((c) => {
            const inQuery = used('query', c.name)
            const inCandidate = used('candidate', c.name)
            const feature = () => newFeature(c.name, c.type, profile?.columns.find((p) => p.name === c.name))
            return (
              <Menu key={c.name} position="right-start">
                <Menu.Target>
                  <li>
                    <button
                      type="button" className="column" draggable={!inQuery || !inCandidate}
                      onDragStart={(e) => e.dataTransfer.setData('application/x-column', JSON.stringify(feature()))}
                    >
                      <span className="mono tcol-type">{shortType(c.type)}</span>
                      <span className={`clip grow${inQuery || inCandidate ? ' t2' : ' em'}`}>{c.name}</span>
                      {inQuery && <IconUser size={14} stroke={1.75} color="var(--s1)" aria-label="in the query tower" />}
                      {inCandidate && <IconBox size={14} stroke={1.75} color="var(--s4)" aria-label="in the candidate tower" />}
                    </button>
                  </li>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item disabled={inQuery} leftSection={<IconUser size={14} />} onClick={() => onAdd('query', feature())}>Add to the query tower</Menu.Item>
                  <Menu.Item disabled={inCandidate} leftSection={<IconBox size={14} />} onClick={() => onAdd('candidate', feature())}>Add to the candidate tower</Menu.Item>
                </Menu.Dropdown>
              </Menu>
            )
          })}
        </ul>
      )}
      <div className="editor-legend small t3"><span className="row tight"><IconUser size={14} color="var(--s1)" aria-hidden />in query tower</span><span className="row tight"><IconBox size={14} color="var(--s4)" aria-hidden />in candidate tower</span></div>
    </aside>
  )
}
