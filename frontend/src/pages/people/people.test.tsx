import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, render, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { api } from '../../api/calls'
import { fromWire } from '../../api/problem'
import type { Person } from '../../api/types'
import { People } from './People'

vi.mock('../../app/Page', () => ({ Page: (p: { children: React.ReactNode }) => <main>{p.children}</main>, Title: (p: { children: React.ReactNode }) => <h1>{p.children}</h1> }))
vi.mock('../../app/search', () => ({ useAddress: () => [{}, () => undefined] }))
vi.mock('@tanstack/react-router', async (real) => ({ ...(await real<object>()), useNavigate: () => () => undefined }))

Element.prototype.scrollIntoView = () => undefined // jsdom has none

const olga: Person = { subject: 'olga@acme.example', name: 'Olga', email: 'olga@acme.example', role: 'owner', created_at: '2026-01-01T00:00:00Z' }
const paul: Person = { ...olga, subject: 'paul@acme.example', name: 'Paul', email: 'paul@acme.example', role: 'viewer' }
let list: Person[]

afterEach(cleanup)
beforeEach(() => {
  list = [olga, paul]
  vi.restoreAllMocks()
  vi.spyOn(api, 'me').mockResolvedValue({ subject: olga.subject, name: 'Olga', role: 'owner', may: [], api_version: '1' })
  vi.spyOn(api, 'signInWay').mockResolvedValue({ method: 'link' })
  vi.spyOn(api, 'people').mockImplementation(() => Promise.resolve({ items: [...list], next: '' }))
  render(<MantineProvider env="test"><QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}><People /></QueryClientProvider></MantineProvider>)
})

test('a colleague is let in by the keyboard alone, and gets a link', async () => {
  const add = vi.spyOn(api, 'addPerson').mockImplementation((b) => {
    const vera = { ...olga, ...b, subject: 'vera@acme.example', name: 'Vera' }
    list.push(vera)
    return Promise.resolve(vera)
  })
  const link = vi.spyOn(api, 'signInLink').mockResolvedValue({ url: 'http://127.0.0.1/signin?code=x' })
  await screen.findByText('(you)', { exact: false })
  screen.getByLabelText(/E-mail address/).focus()
  await userEvent.keyboard('Vera@acme.example{Tab}Vera{Enter}')
  expect(add).toHaveBeenCalledWith({ email: 'Vera@acme.example', name: 'Vera', role: 'viewer' })
  expect(await screen.findByText(/vera@acme.example has access as viewer. Make a sign-in link/)).toBeTruthy()
  await userEvent.click(await screen.findByRole('button', { name: 'Sign-in link for Vera' }))
  expect(link).toHaveBeenCalledWith('vera@acme.example')
  expect(await screen.findByText('http://127.0.0.1/signin?code=x')).toBeTruthy()
})

test('an owner is asked before they step down', async () => {
  const change = vi.spyOn(api, 'changePerson').mockResolvedValue({ ...olga, role: 'manager' })
  await userEvent.click(await screen.findByRole('combobox', { name: 'Role of Olga' }))
  const roles = await screen.findByRole('listbox', { name: 'Role of Olga', hidden: true })
  await userEvent.click(within(roles).getByRole('option', { name: 'Manager', hidden: true }))
  const dialog = await screen.findByRole('dialog')
  expect(change).not.toHaveBeenCalled()
  await userEvent.click(within(dialog).getByRole('button', { name: 'Change my role' }))
  await waitFor(() => expect(change).toHaveBeenCalledWith(olga.subject, { role: 'manager' }))
})

test('a role is changed where it stands', async () => {
  const change = vi.spyOn(api, 'changePerson').mockReturnValue(new Promise(() => undefined)) // it is on its way
  const role = await screen.findByRole('combobox', { name: 'Role of Paul' })
  await userEvent.click(role)
  const roles = await screen.findByRole('listbox', { name: 'Role of Paul', hidden: true })
  await userEvent.click(within(roles).getByRole('option', { name: 'Manager', hidden: true }))
  await waitFor(() => expect(change).toHaveBeenCalledWith(paul.subject, { role: 'manager' }))
  await waitFor(() => expect(role).toHaveProperty('readOnly', true))
  expect(role).toHaveProperty('disabled', false) // which would take the focus away
})

test('the last owner stays, and it says why', async () => {
  const remove = vi.spyOn(api, 'removePerson').mockRejectedValue(fromWire(409, { code: 'failed_precondition', detail: 'olga@acme.example is the last owner', next: 'Make somebody else an owner first.' }))
  await userEvent.click(await screen.findByRole('button', { name: 'Remove Olga' }))
  expect(remove).not.toHaveBeenCalled()
  const dialog = await screen.findByRole('dialog')
  await userEvent.click(within(dialog).getByRole('button', { name: 'End the access' }))
  expect(await within(dialog).findByText(/is the last owner.*Make somebody else an owner first/)).toBeTruthy()
})
