import { Button, NumberInput, Select } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'

import type { Layer } from '../../api/types'

/** One hidden layer. */
export function LayerForm({ layer: l, onChange, onRemove }: { layer: Layer; onChange: (l: Layer) => void; onRemove: () => void }) {
  return (
    <div className="form">
      {l.type === 'dense' && (
        <>
          <NumberInput label="Units" min={1} max={2048} value={l.units} onChange={(v) => Number(v) > 0 && onChange({ ...l, units: Number(v) })} />
          <Select label="Activation" data={['linear', 'relu', 'leaky_relu', 'elu', 'selu', 'tanh', 'sigmoid', 'swish']} value={l.activation || 'linear'} onChange={(v) => onChange({ ...l, activation: v ?? undefined })} comboboxProps={{ withinPortal: false }} />
          <NumberInput label="L2 on the weights" min={0} step={0.001} decimalScale={6} value={l.l2 ?? 0} onChange={(v) => onChange({ ...l, l2: Number(v) || undefined })} />
        </>
      )}
      {l.type === 'dropout' && <NumberInput label="Share that is dropped" min={0.01} max={0.95} step={0.05} decimalScale={2} value={l.rate} onChange={(v) => Number(v) > 0 && Number(v) < 1 && onChange({ ...l, rate: Number(v) })} />}
      {(l.type === 'batch_norm' || l.type === 'layer_norm') && <p className="t2 small">It has nothing to set.</p>}
      <Button size="compact-sm" className="btn-danger" leftSection={<IconTrash size={14} />} onClick={onRemove}>Remove the layer</Button>
    </div>
  )
}
