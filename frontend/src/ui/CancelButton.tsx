import { Button, Modal } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { IconSquare } from '@tabler/icons-react'
import { useState } from 'react'

import { ActionError } from './Problem'

interface Props {
  what: string
  /** Somebody asked already. */
  asked?: boolean
  /** What is kept and what is lost, one sentence. */
  keeps: string
  action: () => Promise<unknown>
}

/** Stops a run; asks once. */
export function CancelButton({ what, asked, keeps, action }: Props) {
  const [open, setOpen] = useState(false)
  const stop = useMutation({ mutationFn: action, onSuccess: () => setOpen(false) })
  return (
    <>
      <Button className="btn-danger" leftSection={<IconSquare size={15} stroke={1.75} />} disabled={asked} onClick={() => setOpen(true)}>{asked ? 'Cancelling' : 'Cancel run'}</Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={`Cancel ${what}?`} size={420}>
        <div className="stack">
          <p className="t2">{keeps}</p>
          <ActionError error={stop.error} />
          <div className="row"><Button variant="filled" className="btn-stop" loading={stop.isPending} onClick={() => stop.mutate()} data-autofocus>Cancel the run</Button><Button onClick={() => setOpen(false)}>Let it go on</Button></div>
        </div>
      </Modal>
    </>
  )
}
