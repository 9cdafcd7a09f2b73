import { MantineProvider } from '@mantine/core'
import { cleanup, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { Views } from './Views'
import { leadTo, readViews, shows, viewOf } from './savedViews'

const set = vi.fn()
const show = (search: Record<string, string>) => render(<MantineProvider env="test"><Views project="main" search={search} set={set} /></MantineProvider>)
beforeEach(() => {
  localStorage.clear()
  set.mockReset()
})
afterEach(() => {
  vi.restoreAllMocks()
  cleanup()
})

test('a view is saved, opened and forgotten by the keyboard', async () => {
  show({ status: 'completed', cols: 'lr', sort: '-lr', sel: 'e1', page: '2' })
  screen.getByRole('button', { name: 'Save this view' }).focus()
  await userEvent.keyboard('{Enter}Finished{Enter}')
  expect(readViews('main')).toEqual([{ name: 'Finished', search: { status: 'completed', cols: 'lr', sort: '-lr' } }])
  expect(readViews('other')).toEqual([])
  const open = screen.getByRole('button', { name: 'Finished' })
  expect(open.getAttribute('aria-current')).toBe('true')
  expect(screen.getByText(/Kept in this browser alone/)).toBeTruthy()
  open.focus()
  await userEvent.keyboard('{Enter}')
  expect(set).toHaveBeenCalledWith(expect.objectContaining({ status: 'completed', cols: 'lr', sort: '-lr', page: undefined }), true)
  await userEvent.click(screen.getByRole('button', { name: 'Forget the view Finished' }))
  expect(readViews('main')).toEqual([])
})

test('a browser that keeps nothing says so', async () => {
  vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => { throw new DOMException('no', 'QuotaExceededError') })
  show({ status: 'completed' })
  await userEvent.click(screen.getByRole('button', { name: 'Save this view' }))
  await userEvent.keyboard('Finished{Enter}')
  expect(screen.getByRole('alert').textContent).toMatch(/keeps nothing/)
  expect(screen.getByRole('button', { name: 'Finished' })).toBeTruthy()
})

test('what is stored may be anything', () => {
  for (const text of ['{', '3', '[1, null, {"name": "x"}, {"name": "", "search": {}}, {"name": "y", "search": {"a": 1}}]']) {
    localStorage.setItem('b2-views:main', text)
    expect(readViews('main')).toEqual([])
  }
})

test('opening a view clears what it does not name, and keeps the selection', () => {
  const view = { name: 'v', search: { status: 'failed' } }
  expect(leadTo({ lr: '0.1', status: 'completed', sel: 'e1', page: '3' }, view)).toEqual({ lr: undefined, status: 'failed', page: undefined })
  expect(viewOf({ sel: 'e1', page: '2', compare: '1', q: 'x', lr: undefined })).toEqual({ q: 'x' })
  expect(shows({ status: 'failed', sel: 'e2' }, view)).toBe(true)
  expect(shows({ status: 'failed', lr: '1' }, view)).toBe(false)
})
