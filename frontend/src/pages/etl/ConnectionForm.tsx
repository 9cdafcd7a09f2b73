import { NumberInput, PasswordInput, Select, Textarea, TextInput, type PasswordInputProps } from '@mantine/core'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'

import type { FormField } from '../../api/types'

export type Values = Record<string, unknown>

/** The values a form begins with. */
export function initial(fields: FormField[], given: Values = {}): Values {
  return Object.fromEntries(fields.map((f) => [f.name, given[f.name] ?? f.default ?? '']))
}

/** What is wrong, by field, found before anything is sent. */
export function check(fields: FormField[], values: Values, secretsKept = false): Record<string, string> {
  const out: Record<string, string> = {}
  for (const f of fields) {
    const v = values[f.name]
    const empty = v === undefined || v === null || v === ''
    if (empty) {
      if (f.required && !(f.secret && secretsKept)) out[f.name] = `${f.title} is needed`
      continue
    }
    if (f.type === 'number') {
      const n = Number(v)
      if (!Number.isInteger(n)) out[f.name] = 'A whole number'
      else if (f.max && (n < (f.min ?? 0) || n > f.max)) out[f.name] = `Between ${f.min ?? 0} and ${f.max}`
    }
    if (f.type === 'choice' && f.choices && !f.choices.includes(String(v))) out[f.name] = `One of ${f.choices.join(', ')}`
  }
  return out
}

/** The inputs that are filled in; an empty secret is left out and so keeps what is stored. */
export function inputs(fields: FormField[], values: Values): { params: Values } {
  const params: Values = {}
  for (const f of fields) {
    const v = values[f.name]
    if (v === undefined || v === null || v === '') continue
    params[f.name] = f.type === 'number' ? Number(v) : v
  }
  return { params }
}

interface Props {
  fields: FormField[]; values: Values; errors: Record<string, string>; onChange: (v: Values) => void
  /** Secrets are stored: an empty field keeps them. */
  kept?: boolean
}

/** A form made from the same description of a source kind that checks it. */
export function ConnectionFields({ fields, values, errors, onChange, kept }: Props) {
  const set = (name: string, v: unknown) => onChange({ ...values, [name]: v })
  const one = (f: FormField) => {
    const common = { label: f.title, description: f.help, error: errors[f.name], required: f.required && !(f.secret && kept), placeholder: !f.secret || !kept ? f.example : f.type === 'block' ? 'empty keeps what is stored' : 'kept, not shown', name: f.name }
    const text = String(values[f.name] ?? '')
    if (f.type === 'number') return <NumberInput key={f.name} {...common} value={text} hideControls min={f.min} max={f.max || undefined} onChange={(v) => set(f.name, v)} classNames={{ input: 'mono' }} />
    if (f.type === 'choice') return <Select key={f.name} {...common} data={f.choices ?? []} value={text || null} onChange={(v) => set(f.name, v ?? '')} />
    if (f.type === 'block') return <Textarea key={f.name} {...common} autosize minRows={3} maxRows={8} value={text} onChange={(e) => set(f.name, e.currentTarget.value)} classNames={{ input: f.secret ? 'mono veiled' : 'mono' }} />
    if (f.secret) return <SecretInput key={f.name} {...common} text={text} onText={(v) => set(f.name, v)} />
    return <TextInput key={f.name} {...common} autoComplete="off" value={text} onChange={(e) => set(f.name, e.currentTarget.value)} classNames={{ input: 'mono' }} />
  }
  const host = fields.find((f) => f.name === 'host')
  const port = fields.find((f) => f.name === 'port')
  const rest = fields.filter((f) => !(host && port && (f === host || f === port)))
  // Blocks that may stay empty, like certificates, are folded until they matter.
  const more = rest.filter((f) => f.type === 'block' && !f.required)
  const [unfolded, unfold] = useState(false)
  const open = unfolded || more.some((f) => errors[f.name] || values[f.name])
  return (
    <>
      {host && port && <div className="form-host">{one(host)}{one(port)}</div>}
      {rest.filter((f) => !more.includes(f)).map(one)}
      {more.length > 0 && (
        <button type="button" className="form-fold" aria-expanded={open} onClick={() => unfold(!open)}>
          {open ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
          <span className="clip"><span className="em">Optional</span> <span className="t3">{more.map((f) => f.title).join(', ')}</span></span>
        </button>
      )}
      {open && more.map(one)}
    </>
  )
}

/** A controlled input writes its value into the document's text as well; this one does not. */
function SecretInput({ text, onText, ...p }: PasswordInputProps & { text: string; onText: (v: string) => void }) {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (input.current && input.current.value !== text) input.current.value = text
  }, [text])
  return <PasswordInput {...p} ref={input} autoComplete="off" onChange={(e) => onText(e.currentTarget.value)} />
}
