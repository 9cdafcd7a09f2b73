import { useInViewport } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'

import { q } from '../../api/queries'
import type { Listed } from '../../api/types'
import { figure, plural } from '../../format/numbers'
import { Sparkline } from '../../ui/Chart'
import { points } from './facts'

/** The loss by epoch on the evaluation rows; read when the row comes into view, and once. */
export function LossSpark({ e, project, color }: { e: Listed; project: string; color?: string }) {
  const { ref, inViewport } = useInViewport<HTMLSpanElement>()
  const history = useQuery({ ...q.history(project, e), enabled: inViewport && e.epoch > 0, staleTime: Infinity, retry: false })
  const evaluated = points(history.data, 'val_loss')
  const curve = evaluated.length ? evaluated : points(history.data, 'loss')
  const last = curve[curve.length - 1]
  const words = last && `${evaluated.length ? 'evaluation' : 'training'} loss ${figure(last[1])} after ${plural(last[0], 'epoch')}`
  return (
    <span ref={ref} className="loss-spark" title={words}>
      {curve.length > 1 ? <Sparkline values={curve.map(([, v]) => v)} color={color ?? 'var(--text2)'} /> : <span className="t3">—</span>}
      {words && <span className="visually-hidden">{words}</span>}
    </span>
  )
}
