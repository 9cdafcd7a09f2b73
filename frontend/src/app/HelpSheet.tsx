import { Modal } from '@mantine/core'

import { Key } from '../ui/basics'
import type { NavItem } from './nav'

/** All shortcuts on one sheet. */
export default function HelpSheet({ close, nav }: { close: () => void; nav: NavItem[] }) {
  const groups: [string, [string[], string][]][] = [
    ['Anywhere', [[['⌘', 'K'], 'Search and commands'], [['/'], 'Search this list'], [['?'], 'This sheet'], [['Esc'], 'Close']]],
    ['Lists', [[['j'], 'Next row'], [['k'], 'Row before'], [['Enter'], 'Open the row'], [['x'], 'Select a run'], [['C'], 'Compare the selected runs']]],
    ['Go to', nav.filter((n) => n.letter).map((n) => [['g', n.letter!], n.label])],
  ]
  return (
    <Modal opened onClose={close} title="Shortcuts" size={640}>
      <div className="help-cols">
        {groups.map(([name, keys]) => (
          <section key={name}>
            <h3 className="t3 small">{name}</h3>
            {keys.map(([ks, what]) => <div key={what} className="help-row"><span>{what}</span><span className="row tight">{ks.map((k) => <Key key={k}>{k}</Key>)}</span></div>)}
          </section>
        ))}
      </div>
    </Modal>
  )
}
