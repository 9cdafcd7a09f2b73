import '@xyflow/react/dist/base.css'
import { Checkbox } from '@mantine/core'
import { Background, BackgroundVariant, BaseEdge, EdgeLabelRenderer, getBezierPath, Handle, Position, ReactFlow, ReactFlowProvider, useReactFlow, type Edge, type EdgeProps, type Node, type NodeProps } from '@xyflow/react'
import { useComputedColorScheme } from '@mantine/core'
import { IconAlertTriangle, IconBox, IconClock, IconCoin, IconMaximize, IconMinus, IconPlus, IconTable, IconUser, IconX } from '@tabler/icons-react'
import { memo, useMemo } from 'react'

import type { DatasetDefinition, DatasetRole, Join, Ref, TableInfo } from '../../api/types'
import { count } from '../../format/numbers'
import { Chip } from '../../ui/Status'
import { refId, sameRef, shortType, tableRefs } from './definition'
import '../../ui/canvas.css'

const ROLE_ICONS = { customer: IconUser, product: IconBox, time: IconClock, value: IconCoin }

/** What is known of a join: how well it matches and whether it repeats rows. */
export interface JoinFact { score?: number; why?: string; fanOut?: boolean; text?: string }

interface TableData extends Record<string, unknown> {
  table: TableInfo; primary: boolean; picked: Map<string, string>; roles: Map<string, DatasetRole>; keys: Set<string>
  toggle?: (column: string) => void; remove?: () => void
}
interface JoinData extends Record<string, unknown> { join: Join; fact?: JoinFact; tone: string; open?: () => void }

const TableNode = memo(function TableNode({ data }: NodeProps<Node<TableData>>) {
  const { table, primary, picked, roles, keys, toggle, remove } = data
  return (
    <div className="tnode">
      <div className="tnode-head"><IconTable size={15} stroke={1.75} aria-hidden /><span className="em clip" title={refId(table.ref)}>{table.ref.name}</span><span className="end row tight">{primary ? <Chip tone="run">Primary</Chip> : <Chip>Joined</Chip>}{remove && <button type="button" className="icon-btn nodrag" aria-label={`Remove ${table.ref.name}`} onClick={remove}><IconX size={13} /></button>}</span></div>
      <div className="tnode-sub"><span>{picked.size} of {table.columns.length} columns</span><span className="mono">{count(table.rows)}</span></div>
      <ul className="nowheel">
        {table.columns.map((c) => {
          const out = picked.get(c.name)
          const role = out ? roles.get(out) : undefined
          const Icon = role && ROLE_ICONS[role]
          return (
            <li key={c.name} className={`tcol${out ? '' : ' off'}`}>
              {keys.has('l:' + c.name) && <Handle type="source" position={Position.Right} id={'l:' + c.name} className="port" isConnectable={false} />}
              {keys.has('r:' + c.name) && <Handle type="target" position={Position.Left} id={'r:' + c.name} className="port" isConnectable={false} />}
              <Checkbox className="nodrag" checked={!!out} readOnly={!toggle} disabled={!toggle && !out} onChange={() => toggle?.(c.name)} aria-label={`${table.ref.name}.${c.name}`} />
              <span className="mono tcol-type">{shortType(c.type)}</span>
              <span className="clip" title={out && out !== c.name ? `called ${out}` : c.type}>{c.name}</span>
              {Icon && <Chip tone="run" icon={Icon}>{role}</Chip>}
            </li>
          )
        })}
      </ul>
    </div>
  )
})

const JoinEdge = memo(function JoinEdge(p: EdgeProps<Edge<JoinData>>) {
  const [path, x, y] = getBezierPath(p)
  const d = p.data!
  return (
    <>
      <BaseEdge path={path} className={`join-edge${d.fact?.fanOut ? ' fan' : ''}`} style={{ stroke: d.fact?.fanOut ? 'var(--warn)' : d.tone }} />
      <EdgeLabelRenderer>
        <button type="button" className={`join-pill nodrag nopan${d.fact?.fanOut ? ' fan' : ''}`} style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }} title={d.fact?.why} onClick={d.open} disabled={!d.open}>
          {d.fact?.fanOut ? <span className="warn row tight"><IconAlertTriangle size={13} aria-hidden />{d.fact.text ?? 'repeats rows'}</span> : d.fact?.score !== undefined ? <span className="mono" style={{ color: d.tone }}>{Math.round(d.fact.score * 100)}{'\u2009'}%</span> : null}
          <span className="t3">{d.join.type} · N:1{d.join.fan_out && d.join.fan_out !== 'block' ? ` · ${d.join.fan_out}` : ''}</span>
        </button>
      </EdgeLabelRenderer>
    </>
  )
})

const nodeTypes = { table: TableNode }
const edgeTypes = { join: JoinEdge }
const TONES = ['var(--s1)', 'var(--s4)', 'var(--s3)', 'var(--s2)']

export interface CanvasProps {
  definition: DatasetDefinition; tables: TableInfo[]; facts?: (j: Join) => JoinFact | undefined
  onToggle?: (table: Ref, column: string) => void; onRemove?: (table: Ref) => void; onJoin?: (j: Join) => void
}

/** Tables and joins as a picture: columns with check boxes, roles, and how the tables hang together. */
function Canvas({ definition: d, tables, facts, onToggle, onRemove, onJoin }: CanvasProps) {
  const scheme = useComputedColorScheme('light')
  const flow = useReactFlow()
  const { nodes, edges } = useMemo(() => {
    const roles = new Map(Object.entries(d.roles).map(([role, name]) => [name, role as DatasetRole]))
    const depth = new Map([[refId(d.primary), 0]])
    for (const j of d.joins) depth.set(refId(j.table), (depth.get(refId(j.left_table)) ?? 0) + 1)
    const heights: number[] = []
    const nodes: Node<TableData>[] = tableRefs(d).map((ref) => {
      const id = refId(ref)
      const table = tables.find((t) => sameRef(t.ref, ref)) ?? { ref, columns: [], rows: -1, bytes: -1, modified: '' }
      const level = depth.get(id) ?? 1
      const y = heights[level] ?? (level % 2 ? 0 : 40)
      const height = 66 + 26 * table.columns.length
      heights[level] = y + height + 36
      const keys = new Set([...d.joins.filter((j) => sameRef(j.left_table, ref)).map((j) => 'l:' + j.left_column), ...d.joins.filter((j) => sameRef(j.table, ref)).map((j) => 'r:' + j.right_column)])
      return {
        id, type: 'table', position: { x: level * 400, y }, width: 240,
        data: {
          table, primary: level === 0, picked: new Map(d.columns.filter((c) => sameRef(c.table, ref)).map((c) => [c.column, c.name])), roles, keys,
          toggle: onToggle && ((column: string) => onToggle(ref, column)), remove: onRemove && level > 0 ? () => onRemove(ref) : undefined,
        },
      }
    })
    const edges: Edge<JoinData>[] = d.joins.map((j, i) => ({
      id: refId(j.table), type: 'join', source: refId(j.left_table), target: refId(j.table), sourceHandle: 'l:' + j.left_column, targetHandle: 'r:' + j.right_column,
      ariaLabel: `${j.left_table.name}.${j.left_column} joins ${j.table.name}.${j.right_column}`,
      data: { join: j, fact: facts?.(j), tone: TONES[i % TONES.length], open: onJoin && (() => onJoin(j)) },
    }))
    return { nodes, edges }
  }, [d, tables, facts, onToggle, onRemove, onJoin])
  return (
    <div className="canvas">
      <ReactFlow
        key={tableRefs(d).map(refId).join()} defaultNodes={nodes} nodes={undefined} edges={edges} nodeTypes={nodeTypes} edgeTypes={edgeTypes} colorMode={scheme} fitView fitViewOptions={{ padding: 0.08, maxZoom: 1 }}
        minZoom={0.2} maxZoom={1.5} snapToGrid snapGrid={[16, 16]} nodesConnectable={false} deleteKeyCode={null} proOptions={{ hideAttribution: true }} zoomOnScroll={false} preventScrolling={false} panOnScroll={false}
      >
        <NodeSync nodes={nodes} />
        <Background variant={BackgroundVariant.Dots} gap={16} size={1} color="var(--line2)" />
      </ReactFlow>
      <div className="canvas-controls">
        <button type="button" className="icon-btn" aria-label="Zoom out" onClick={() => void flow.zoomOut()}><IconMinus size={15} /></button>
        <button type="button" className="icon-btn" aria-label="Zoom in" onClick={() => void flow.zoomIn()}><IconPlus size={15} /></button>
        <button type="button" className="icon-btn" aria-label="Fit the picture" onClick={() => void flow.fitView({ padding: 0.08, maxZoom: 1 })}><IconMaximize size={15} /></button>
      </div>
    </div>
  )
}

/** Gives nodes new data and leaves them where the person has moved them. */
function NodeSync({ nodes }: { nodes: Node<TableData>[] }) {
  const flow = useReactFlow()
  useMemo(() => {
    queueMicrotask(() => {
      for (const n of nodes) flow.updateNodeData(n.id, n.data, { replace: true })
    })
  }, [nodes, flow])
  return null
}

export default function JoinCanvas(p: CanvasProps) {
  return <ReactFlowProvider><Canvas {...p} /></ReactFlowProvider>
}
