import '@xyflow/react/dist/base.css'
import { useComputedColorScheme } from '@mantine/core'
import { Background, BackgroundVariant, BaseEdge, getBezierPath, Handle, Position, ReactFlow, type Edge, type EdgeProps, type Node, type NodeProps } from '@xyflow/react'
import { IconBox, IconChartBar, IconCircleCheck, IconFile, IconListDetails, IconMathFunction, IconSettings } from '@tabler/icons-react'
import { memo, useMemo } from 'react'

import type { Experiment, Stage } from '../../api/types'
import { Took } from '../../ui/basics'
import { StatusIcon } from '../../ui/Status'
import { factOf, label, stageState } from './facts'
import '../../ui/canvas.css'

/** Where each stage stands, and what it leaves behind. */
const PLACES: Record<string, { x: number; y: number; gives: string; icon: typeof IconBox }> = {
  prepare: { x: 0, y: 60, gives: 'data, code', icon: IconSettings },
  examples: { x: 168, y: 60, gives: 'train, eval, test', icon: IconFile },
  statistics: { x: 336, y: 0, gives: 'statistics', icon: IconChartBar },
  schema: { x: 504, y: 0, gives: 'schema', icon: IconListDetails },
  transform: { x: 672, y: 112, gives: 'graph, examples', icon: IconMathFunction },
  trainer: { x: 840, y: 48, gives: 'model', icon: IconBox },
  evaluator: { x: 1008, y: 48, gives: 'metrics, lists', icon: IconCircleCheck },
}
const EDGES: [string, string][] = [
  ['prepare', 'examples'], ['examples', 'statistics'], ['examples', 'transform'], ['statistics', 'schema'], ['schema', 'transform'], ['schema', 'trainer'], ['transform', 'trainer'], ['trainer', 'evaluator'],
]

interface StageData extends Record<string, unknown> { stage: Stage; fact: string; picked: boolean }

const StageNode = memo(function StageNode({ data }: NodeProps<Node<StageData>>) {
  const { stage, fact, picked } = data
  const state = stageState(stage)
  const place = PLACES[stage.name]
  return (
    <div className={`dag-node ${state}${picked ? ' picked' : ''}`}>
      {stage.name !== 'prepare' && <Handle type="target" position={Position.Left} isConnectable={false} />}
      <span className="row"><StatusIcon state={state} /><span className="name">{label(stage.name)}</span><span className="time">{stage.started ? <Took start={stage.started} end={stage.ended} /> : <span className="mono">—</span>}</span></span>
      <span className="clip" title={fact}>{fact}</span>
      <span className="row tight t3"><place.icon size={13} stroke={1.75} aria-hidden />{place.gives}</span>
      {stage.name !== 'evaluator' && <Handle type="source" position={Position.Right} isConnectable={false} />}
    </div>
  )
})

const StateEdge = memo(function StateEdge(p: EdgeProps<Edge<{ state: string }>>) {
  const [path] = getBezierPath(p)
  return <BaseEdge path={path} className={`dag-edge dag-edge-${p.data?.state}`} />
})

const nodeTypes = { stage: StageNode }
const edgeTypes = { state: StateEdge }
/** The pipeline as it runs; a node shows its stage's log. */
export default function Dag({ e, picked, onPick }: { e: Experiment; picked?: string; onPick: (stage: string) => void }) {
  const scheme = useComputedColorScheme('light')
  const { nodes, edges } = useMemo(() => {
    const state = new Map(e.stages.map((s) => [s.name, stageState(s)]))
    const nodes: Node<StageData>[] = e.stages.filter((s) => PLACES[s.name]).map((stage) => ({
      id: stage.name, type: 'stage', position: PLACES[stage.name], data: { stage, fact: factOf(stage, e), picked: stage.name === picked }, draggable: false, connectable: false, deletable: false,
      width: 150, height: 72, ariaLabel: `${label(stage.name)}, ${stageState(stage)}, ${factOf(stage, e)}`,
    }))
    const edges: Edge<{ state: string }>[] = EDGES.map(([a, b]) => ({
      id: `${a}-${b}`, source: a, target: b, type: 'state', focusable: false,
      data: { state: state.get(b) === 'running' ? 'moving' : state.get(a) === 'failed' ? 'failed' : state.get(a) === 'completed' && state.get(b) !== 'waiting' ? 'done' : 'pending' },
    }))
    return { nodes, edges }
  }, [e, picked])
  return (
    <div className="dag">
      <ReactFlow
        nodes={nodes} edges={edges} nodeTypes={nodeTypes} edgeTypes={edgeTypes} colorMode={scheme} fitView fitViewOptions={{ padding: 0.04, maxZoom: 1.05 }} nodesDraggable={false} nodesConnectable={false}
        zoomOnScroll={false} panOnScroll={false} panOnDrag={false} zoomOnPinch={false} zoomOnDoubleClick={false} preventScrolling={false} proOptions={{ hideAttribution: true }} minZoom={0.3} deleteKeyCode={null}
        onNodeClick={(_, n) => onPick(n.id)}
        onKeyDown={(k) => {
          const id = (k.target as HTMLElement).dataset?.id
          if (k.key === 'Enter' && id) onPick(id)
        }}
      >
        <Background variant={BackgroundVariant.Dots} gap={16} size={1} color="var(--line2)" />
      </ReactFlow>
    </div>
  )
}
