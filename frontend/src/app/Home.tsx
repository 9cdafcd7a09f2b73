import { Button } from '@mantine/core'
import { Link, Navigate } from '@tanstack/react-router'

import { Skeleton } from '../ui/basics'
import { Empty } from '../ui/Empty'
import { Failed } from '../ui/Problem'
import { Page } from './Page'
import { useProject } from './project'

/** The root leads to the project in use. */
export function Home() {
  const { id, loading, error } = useProject()
  if (id) return <Navigate to="/projects/$project" params={{ project: id }} replace />
  if (error) return <Page crumbs={[{ label: 'Start' }]}><Failed error={error} /></Page>
  if (loading) return <Page crumbs={[{ label: 'Start' }]}><Skeleton /></Page>
  return <Navigate to="/new-project" replace />
}

export function NotFound() {
  return (
    <Empty title="Nothing is at this address" action={<Button component={Link} to="/" variant="filled">Go to the overview</Button>}>
      It was deleted, or the link was cut.
    </Empty>
  )
}
