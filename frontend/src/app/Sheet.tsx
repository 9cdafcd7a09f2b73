import { Drawer } from '@mantine/core'

/** The side bar of a phone. */
export default function Sheet({ close, children }: { close: () => void; children: React.ReactNode }) {
  return <Drawer opened onClose={close} size={264} withCloseButton={false} padding={0} aria-label="Navigation">{children}</Drawer>
}
