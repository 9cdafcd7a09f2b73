import { Menu, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { IconDeviceLaptop, IconKeyboard, IconLogout, IconMoon, IconPlus, IconSun } from '@tabler/icons-react'

import { api } from '../api/calls'
import { session } from '../auth/session'
import { ProjectFace, UserFace } from './faces'
import { useProject } from './project'

/** The projects, and the way to a new one. */
export function ProjectMenu({ rail, name, id }: { rail: boolean; name: string | undefined; id: string | undefined }) {
  const { projects } = useProject()
  const navigate = useNavigate()
  return (
    <Menu position="bottom-start" width={220}>
      <Menu.Target>
        <UnstyledButton className="side-project">
          <ProjectFace rail={rail} name={name} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Projects</Menu.Label>
        {projects.map((p) => (
          <Menu.Item key={p.id} onClick={() => void navigate({ to: `/projects/${p.id}` })} className={p.id === id ? 'em' : ''}>{p.name}</Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconPlus size={14} />} onClick={() => void navigate({ to: '/new-project' })}>New project</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

/** Ends the session where it was begun: at the issuer, or with the server's cookie. */
async function leave(): Promise<void> {
  if (!(await session.signOut())) await api.signOut().finally(() => location.assign('/'))
}

/** Who is signed in, the colour scheme, shortcuts, sign out. */
export function UserMenu({ rail, name, role, onHelp }: { rail: boolean; name: string; role: string; onHelp: () => void }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const schemes = [['light', 'Light', IconSun], ['dark', 'Dark', IconMoon], ['auto', 'Like the system', IconDeviceLaptop]] as const
  return (
    <Menu position="right-end" width={220}>
      <Menu.Target>
        <UnstyledButton className="nav">
          <UserFace rail={rail} name={name} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {name && <Menu.Label>{name}{role && `, ${role}`}</Menu.Label>}
        {schemes.map(([value, label, Icon]) => (
          <Menu.Item key={value} leftSection={<Icon size={14} stroke={1.75} />} rightSection={colorScheme === value ? '✓' : undefined} onClick={() => setColorScheme(value)}>{label}</Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconKeyboard size={14} stroke={1.75} />} rightSection="?" onClick={onHelp}>Shortcuts</Menu.Item>
        <Menu.Item leftSection={<IconLogout size={14} stroke={1.75} />} onClick={() => void leave()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
