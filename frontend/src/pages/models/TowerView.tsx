import { Menu, Popover } from '@mantine/core'
import { IconBox, IconClock, IconKey, IconLetterCase, IconNumber123, IconPlus, IconArrowsShuffle, IconUser } from '@tabler/icons-react'
import { useState } from 'react'

import type { Cross, Feature, Layer, Profile, Reason, Tower, WarehouseColumn } from '../../api/types'
import { count } from '../../format/numbers'
import { Chip } from '../../ui/Status'
import { CrossForm, FeatureForm } from './FeatureForm'
import { LayerForm } from './LayerForm'
import { crossName, drawnWidth, dropFeature, embeddingParams, featureParts, layerWords, moveFeature, sum, sumWords, towerDim, transformWords, type LayerRow, type Side } from './towers'

const MIX = [100, 78, 56, 40, 28]
const ICONS = { text: IconLetterCase, numeric: IconNumber123, temporal: IconClock }

interface Props {
  side: Side; tower: Tower; rows: LayerRow[]; errors: Record<string, string>; reasons?: Reason[]; schema?: WarehouseColumn[]; profile?: Profile
  open: string | undefined; onOpen: (f: string | undefined) => void; onChange: (t: Tower) => void; layers: Layer[]; onLayers: (l: Layer[]) => void
}

/** One tower from its features, through the sum of their dims, to its output. */
export function TowerView({ side, tower, rows, errors, reasons, schema, open, onOpen, onChange, layers, onLayers }: Props) {
  const [over, setOver] = useState(false)
  const tone = side === 'query' ? 'var(--s1)' : 'var(--s4)'
  const mix = (i: number) => `color-mix(in srgb, ${tone} ${MIX[Math.min(i, MIX.length - 1)]}%, var(--surface))`
  const total = towerDim(tower)
  const most = Math.max(...rows.map((r) => r.width))
  const errorAt = (prefix: string) => Object.entries(errors).find(([k]) => k === `${side}.${prefix}` || k.startsWith(`${side}.${prefix}.`) || k.includes(`${side}.${prefix}`))?.[1]
  const name = side === 'query' ? 'Query tower' : 'Candidate tower'
  const setFeature = (i: number, f: Feature) => onChange({ ...tower, features: tower.features.map((o, j) => (j === i ? f : o)) })
  const setCross = (i: number, c: Cross) => onChange({ ...tower, crosses: tower.crosses.map((o, j) => (j === i ? c : o)) })
  return (
    <section className="tower" aria-label={name}>
      <header className="editor-head tower-head">
        <div className="grow"><div className="em row" style={{ fontSize: 15 }}>{side === 'query' ? <IconUser size={16} stroke={1.75} color={tone} aria-hidden /> : <IconBox size={16} stroke={1.75} color={tone} aria-hidden />}{name}</div><div className="t3 small">{side === 'query' ? 'who asks: the customer and the moment' : 'what is offered: the product'}</div></div>
        <span><span className="mono em" style={{ fontSize: 15 }}>{total}</span> <span className="t3 small">dims in</span></span>
      </header>
      <div className="tower-body">
        {tower.features.map((f, i) => {
          const key = `${side}.${f.column}`
          const parts = featureParts(f)
          const Icon = f.primary_id ? IconKey : ICONS[f.data_type]
          const why = reasons?.find((r) => r.column === f.column && r.tower === side)?.why
          const error = errorAt(`features[${i}]`)
          return (
            <div key={key} className={`feature${open === key ? ' open' : ''}${error ? ' bad' : ''}`}>
              <button type="button" className="feature-head" aria-expanded={open === key} onClick={() => onOpen(open === key ? undefined : key)}>
                <span className="grow">
                  <span className="row tight"><Icon size={14} stroke={1.75} className="t2" aria-hidden /><span className="em clip">{f.column}</span>{f.primary_id && <Chip tone="run">primary id</Chip>}</span>
                  <span className="t3 small clip" title={why}>{error ?? transformWords(f)}</span>
                </span>
                <Dim parts={parts} color={mix(i)} />
              </button>
              {open === key && (
                <FeatureForm
                  f={f} why={why} onChange={(n) => setFeature(i, n)} onRemove={f.primary_id ? undefined : () => { onChange(dropFeature(tower, f.column)); onOpen(undefined) }}
                  onMove={(by) => onChange(moveFeature(tower, i, i + by))} first={i <= 1} last={i === tower.features.length - 1} column={schema?.find((c) => c.name === f.column)}
                />
              )}
            </div>
          )
        })}
        {tower.crosses.map((c, i) => {
          const key = `${side}.x${i}`
          const error = errorAt(`crosses[${i}]`)
          return (
            <div key={key} className={`feature${open === key ? ' open' : ''}${error ? ' bad' : ''}`}>
              <button type="button" className="feature-head" aria-expanded={open === key} onClick={() => onOpen(open === key ? undefined : key)}>
                <span className="grow"><span className="row tight"><IconArrowsShuffle size={14} stroke={1.75} className="t2" aria-hidden /><span className="em clip">{crossName(c)}</span></span><span className="t3 small">{error ?? `hash ${count(c.hash_buckets)} → embedding`}</span></span>
                <Dim parts={[c.dim]} color="var(--s3)" />
              </button>
              {open === key && <CrossForm c={c} tower={tower} onChange={(n) => setCross(i, n)} onRemove={() => { onChange({ ...tower, crosses: tower.crosses.filter((_, j) => j !== i) }); onOpen(undefined) }} />}
            </div>
          )
        })}
        <div
          className={`tower-drop${over ? ' over' : ''}`} onDragOver={(e) => { e.preventDefault(); setOver(true) }} onDragLeave={() => setOver(false)}
          onDrop={(e) => {
            e.preventDefault()
            setOver(false)
            const raw = e.dataTransfer.getData('application/x-column')
            const f = raw ? (JSON.parse(raw) as Feature) : undefined
            if (f && !tower.features.some((o) => o.column === f.column)) onChange({ ...tower, features: [...tower.features, f] })
          }}
        >
          <Menu position="bottom">
            <Menu.Target><button type="button" className="row tight"><IconPlus size={14} aria-hidden />Drop a column, or add a cross</button></Menu.Target>
            <Menu.Dropdown>
              <Menu.Label>Cross of two features</Menu.Label>
              {pairs(tower).slice(0, 12).map(([a, b]) => (
                <Menu.Item key={a.column + b.column} onClick={() => { onOpen(`${side}.x${tower.crosses.length}`); onChange({ ...tower, crosses: [...tower.crosses, { features: [member(a), member(b)], hash_buckets: 1000, dim: 16 }] }) }}>{a.column} × {b.column}</Menu.Item>
              ))}
              {pairs(tower).length === 0 && <Menu.Item disabled>Two features beside the primary id are needed</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
        </div>
      </div>
      <div className="tower-net">
        <p className="t3 small"><span className="t2">Input</span> <span className="mono">{sumWords(tower)}</span> = <span className="mono em t1">{total}</span></p>
        <div className="tower-sum" role="img" aria-label={`${total} dims from ${tower.features.length + tower.crosses.length} inputs`}>
          {tower.features.map((f, i) => <span key={f.column} title={`${f.column}: ${sum(featureParts(f))}`} style={{ flexGrow: sum(featureParts(f)), background: mix(i) }} />)}
          {tower.crosses.map((c) => <span key={crossName(c)} title={`${crossName(c)}: ${c.dim}`} style={{ flexGrow: c.dim, background: 'var(--s3)' }} />)}
        </div>
        <ol className="layers">
          {rows.map((r, i) => {
            const [what, more] = layerWords(r.layer)
            const output = i === rows.length - 1
            const box = <span className={`layer${r.layer.type === 'dropout' ? ' soft' : ''}`} style={{ width: `${drawnWidth(r.width, most)}%` }}><span className="em">{what}</span> <span className="t3 small">{more}</span></span>
            return (
              <li key={i}>
                <span className="layer-track">
                  {output ? box : (
                    <Popover width={260} position="right" withinPortal trapFocus>
                      <Popover.Target><button type="button" className="layer-btn" title="Edit this layer">{box}</button></Popover.Target>
                      <Popover.Dropdown><LayerForm layer={r.layer} onChange={(l) => onLayers(layers.map((o, j) => (j === i ? l : o)))} onRemove={() => onLayers(layers.filter((_, j) => j !== i))} /></Popover.Dropdown>
                    </Popover>
                  )}
                </span>
                <span className="mono small t2 layer-params">{count(r.params)}</span>
              </li>
            )
          })}
        </ol>
        <Menu>
          <Menu.Target><button type="button" className="link row tight small"><IconPlus size={13} aria-hidden />Add a layer</button></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => onLayers([...layers, { type: 'dense', units: Math.max(32, (layers.findLast((l) => l.type === 'dense')?.units ?? 128) / 2), activation: 'relu' }])}>Dense</Menu.Item>
            <Menu.Item onClick={() => onLayers([...layers, { type: 'dropout', rate: 0.2 }])}>Dropout</Menu.Item>
            <Menu.Item onClick={() => onLayers([...layers, { type: 'batch_norm' }])}>Batch normalisation</Menu.Item>
            <Menu.Item onClick={() => onLayers([...layers, { type: 'layer_norm' }])}>Layer normalisation</Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <p className="tower-params small"><span className="t3">dense</span> <span className="mono">{count(sum(rows.map((r) => r.params)))}</span> <span className="t3" title="Rows come from the profile's distinct counts">embeddings, about</span> <span className="mono">{count(embeddingParams(tower))}</span></p>
      </div>
    </section>
  )
}

function Dim({ parts, color }: { parts: number[]; color: string }) {
  const total = sum(parts)
  return (
    <span className="dim">
      <span className="mono">{parts.length ? parts.join(' + ') : 0} d</span>
      <span className="dim-bar"><span style={{ width: `${Math.min(100, (total / 64) * 100)}%`, background: color }} /></span>
    </span>
  )
}

const member = (f: Feature) => (f.data_type === 'text' ? { column: f.column } : { column: f.column, buckets: 10 })

/** Pairs of features that are not crossed yet, without the primary id. */
function pairs(t: Tower): [Feature, Feature][] {
  const list = t.features.filter((f) => !f.primary_id)
  const taken = new Set(t.crosses.map((c) => c.features.map((m) => m.column).sort().join()))
  return list.flatMap((a, i) => list.slice(i + 1).map((b): [Feature, Feature] => [a, b])).filter(([a, b]) => !taken.has([a.column, b.column].sort().join()))
}
