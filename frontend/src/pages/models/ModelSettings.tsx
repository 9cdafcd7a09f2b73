import { NumberInput, Select, Switch } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'

import { api } from '../../api/calls'
import { fieldErrors } from '../../api/problem'
import type { ModelDefinition, ModelPreset } from '../../api/types'
import { Term } from '../../ui/basics'

const OPTIMIZERS: Record<string, number> = { adam: 0.004, adagrad: 0.1, adamw: 0.004, sgd: 0.01, rmsprop: 0.001, ftrl: 0.1 }

interface Props {
  model: ModelDefinition; preset: string | undefined; presets: ModelPreset[]; dims: { query: number; candidate: number }; project: string
  onChange: (m: ModelDefinition, preset?: string) => void
}

/** How the towers are trained; a preset sets the layers too. */
export function ModelSettings({ model: m, preset, presets, dims, project, onChange }: Props) {
  const [asked] = useDebouncedValue(m, 350)
  const check = useQuery({ queryKey: ['model-check', project, asked, dims.query, dims.candidate], queryFn: () => api.checkModel(project, { definition: asked, query_dim: dims.query, candidate_dim: dims.candidate }), retry: false, staleTime: 60_000, placeholderData: (o) => o })
  const e = fieldErrors(check.data?.errors)
  const number = (k: keyof ModelDefinition, label: string, tip: string, more: object = {}) => (
    <NumberInput label={<Term tip={tip}>{label}</Term>} value={m[k] as number} error={e[k]} onChange={(v) => v !== '' && onChange({ ...m, [k]: Number(v) })} {...more} />
  )
  const chosen = presets.find((p) => p.name === preset)
  return (
    <div className="form model-form">
      <Select label="Preset" description={chosen?.description ?? 'Layers of your own'} placeholder="Own layers" data={presets.map((p) => ({ value: p.name, label: p.title ?? p.name }))} value={preset || null} onChange={(v) => { const p = presets.find((x) => x.name === v); if (p) onChange(p.definition, p.name) }} />
      <div className="form-2">
        <Select label={<Term tip="Choosing one also sets the learning rate it usually starts with.">Optimizer</Term>} data={Object.keys(OPTIMIZERS)} value={m.optimizer} error={e.optimizer} onChange={(v) => v && onChange({ ...m, optimizer: v, learning_rate: OPTIMIZERS[v] })} />
        {number('learning_rate', 'Learning rate', 'How far each batch moves the weights.', { step: 0.001, decimalScale: 6, min: 0 })}
        {number('batch_size', 'Batch', 'Rows per step. The other products of a batch are the negatives a row is told from.', { min: 2, max: 65536 })}
        {number('epochs', 'Epochs', 'Passes over the training rows, at most; a run can choose its own.', { min: 1, max: 500 })}
        {number('output_dim', 'Output width', 'Both towers end in so many learned numbers; their dot product is the score. With log-Q correction, and outputs that are not normalised, one more carries how popular a product is.', { min: 8, max: 512 })}
        {number('patience', 'Patience', 'Training stops when recall on the evaluation rows has not improved for so many epochs. The best epoch is restored. 0 is off.', { min: 0, max: 100 })}
        {number('embedding_l2', 'L2 on embeddings', 'Keeps embeddings of rare values small.', { step: 0.00001, decimalScale: 8, min: 0 })}
        {number('temperature', 'Temperature', 'Logits are divided by it. 1 changes nothing; it must be searched when outputs are normalised.', { step: 0.05, decimalScale: 3, min: 0.01 })}
        {number('clip_norm', 'Clip gradients at', 'The greatest global norm of a step. 0 is off.', { step: 0.5, decimalScale: 2, min: 0 })}
        {number('top_k', 'Products served', 'How many products a served list holds.', { min: 10, max: 1000 })}
      </div>
      <Switch label={<Term tip="Subtracts the log of how often a product is drawn into a batch, so that popular products are not punished (Yi et al. 2019). Without it a two-tower model often loses to a best-seller list.">log-Q correction</Term>} checked={m.log_q} onChange={(x) => onChange({ ...m, log_q: x.currentTarget.checked })} />
      <Switch label={<Term tip="Both outputs are scaled to length 1, so that the score is a cosine. Needs a temperature below 1.">Normalise outputs</Term>} checked={m.normalize} onChange={(x) => onChange({ ...m, normalize: x.currentTarget.checked })} />
      <Select label={<Term tip="Brute force compares with every product and is best below some 10,000. ScaNN is approximate.">Index</Term>} data={[{ value: 'brute_force', label: 'Brute force, exact' }, { value: 'scann', label: 'ScaNN, approximate' }]} value={m.index} error={e.index} onChange={(v) => v && onChange({ ...m, index: v })} />
      {check.data?.errors?.filter((f) => !['optimizer', 'learning_rate', 'batch_size', 'epochs', 'output_dim', 'patience', 'embedding_l2', 'temperature', 'clip_norm', 'top_k', 'index'].includes(f.location)).map((f) => <p key={f.location} className="field-error"><span className="mono">{f.location}</span> {f.message}</p>)}
    </div>
  )
}
