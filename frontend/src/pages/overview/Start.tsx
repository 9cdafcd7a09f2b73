import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { IconPlug, IconUpload } from '@tabler/icons-react'

import { Key } from '../../ui/basics'
import { Status } from '../../ui/Status'

const STEPS = ['Sources', 'Raw tables', 'Dataset', 'Model', 'Experiment', 'Recs']

/** The overview of an empty project: three steps, the first one with its button. */
export function Start({ project }: { project: string }) {
  return (
    <div className="start">
      <div>
        <h1>Start with one file of transactions</h1>
        <p className="t2">Six steps lie between your invoices and a list of products for every customer. The first takes about a minute and only reads.</p>
      </div>
      <ol className="start-life">
        {STEPS.map((s, i) => <li key={s} className={i === 0 ? 'first' : ''}><span className="em t2">{s}</span><Status state={i === 0 ? 'training' : 'waiting'}>{i === 0 ? 'start here' : 'none yet'}</Status></li>)}
      </ol>
      <ol className="panel start-steps">
        <li>
          <span className="start-no on mono">1</span>
          <div className="grow"><div className="em">Bring transactions in</div><div className="t3 small">A CSV or Parquet file with a customer, a product and, better, a date. Or a table of a PostgreSQL database.</div></div>
          <div className="row wrap">
            <Button component={Link} to="/etl/upload" variant="filled" leftSection={<IconUpload size={16} stroke={1.75} />}>Upload a file</Button>
            <Button component={Link} to="/connections/new" leftSection={<IconPlug size={16} stroke={1.75} />}>New connection</Button>
          </div>
        </li>
        <li>
          <span className="start-no mono">2</span>
          <div className="grow"><div className="em t2">Make a dataset of it</div><div className="t3 small">Roles and joins are suggested, with how sure the suggestion is and why.</div></div>
          <Link className="t3 small" to={`/projects/${project}/datasets/new`}>after step 1</Link>
        </li>
        <li>
          <span className="start-no mono">3</span>
          <div className="grow"><div className="em t2">Run the first experiment</div><div className="t3 small">Suggested features and a small model, compared with popularity and item-kNN.</div></div>
          <span className="t3 small">a few minutes</span>
        </li>
      </ol>
      <p className="t3 small">Press <Key>?</Key> for shortcuts.</p>
    </div>
  )
}
