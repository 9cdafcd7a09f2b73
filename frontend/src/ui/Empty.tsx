import './empty.css'

interface Props {
  /** An instruction, not an apology. */
  title: string
  /** What it does and what it costs in time. */
  children: React.ReactNode
  /** One filled button. */
  action?: React.ReactNode
  /** One way round. */
  other?: React.ReactNode
  /** A ghost of the finished thing. */
  ghost?: React.ReactNode
}

export function Empty({ title, children, action, other, ghost }: Props) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p>{children}</p>
      {ghost && <div className="empty-ghost" aria-hidden>{ghost}</div>}
      {(action || other) && <div className="row wrap">{action}{other}</div>}
    </div>
  )
}

/** A list without a match: says how many filters there are and offers to clear them. */
export function NoMatch({ what, filters, clear }: { what: string; filters: number; clear: () => void }) {
  return (
    <div className="no-match">
      <span>No {what} matches {filters === 1 ? 'this filter' : `these ${filters} filters`}.</span>
      <button type="button" className="link" onClick={clear}>Clear</button>
    </div>
  )
}

/** Dashed boxes of a row to come. */
export function GhostRow({ labels }: { labels: string[] }) {
  return (
    <div className="ghost-row">
      {labels.map((l) => <div key={l} className="ghost-box">{l}</div>)}
    </div>
  )
}
