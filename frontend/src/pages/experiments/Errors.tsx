import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { IconAdjustments, IconAlertTriangle, IconFileText } from '@tabler/icons-react'

import type { Experiment } from '../../api/types'
import { Panel } from '../../ui/basics'
import { ProblemBlock } from '../../ui/Problem'
import { Status } from '../../ui/Status'
import { label, stageState } from './facts'

/** What stopped, why, and the fix; beside it what passed and what was not reached. */
export function Errors({ e, project, onLogs, rerun }: { e: Experiment; project: string; onLogs: (stage: string) => void; rerun: React.ReactNode }) {
  const failed = e.stages.find((s) => s.error)
  const problem = e.error ?? failed?.error
  if (!problem && !e.warnings?.length) return <p className="t2">No error, no warning.</p>
  const ended = e.stages.findIndex((s) => s.state === 'FAILED')
  return (
    <div className="cols-side">
      <div className="stack">
        {problem && (
          <ProblemBlock
            problem={problem} at={failed && label(failed.name)}
            actions={<>
              {rerun}
              <Button leftSection={<IconAdjustments size={16} stroke={1.75} />} component={Link} to={`/projects/${project}/models/${e.snapshot.feature_config}?model=${e.snapshot.model_config}&pane=model`}>Change features or model</Button>
              <Button leftSection={<IconFileText size={16} stroke={1.75} />} onClick={() => onLogs(failed?.name ?? problem.step ?? 'trainer')}>See the log</Button>
            </>}
          />
        )}
        {!!e.warnings?.length && <Panel title="Warnings" flush>{e.warnings.map((w) => <p key={w} className="attention"><IconAlertTriangle size={16} stroke={1.75} className="warn" aria-label="Warning" />{w}</p>)}</Panel>}
      </div>
      <Panel title="Stages" flush>
        {e.stages.map((s, i) => (
          <div key={s.name} className="attention"><span className="em grow">{label(s.name)}</span><Status state={stageState(s) === 'failed' ? 'stopped' : stageState(s) === 'completed' ? 'passed' : ended >= 0 && i > ended ? 'not_reached' : stageState(s)} /></div>
        ))}
      </Panel>
    </div>
  )
}
