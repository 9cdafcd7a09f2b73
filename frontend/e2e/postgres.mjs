// A connection to a real PostgreSQL: tested, refused, saved, copied from, and reconciled.
// It also proves that the password never comes back: not in a reply, not in the page,
// not in an address and not in the browser's storage.

/** pg: host, port, database, username, password, schema, table, rows. */
export async function postgres({ page, step, look, button, findings, origin, pg }) {
  const leaks = []
  const holds = (text) => text.includes(pg.password) || text.includes(encodeURIComponent(pg.password)) || text.includes(JSON.stringify(pg.password).slice(1, -1))
  const reads = []
  const onReply = (r) => {
    if (!r.url().includes('/v1/') || (r.headers()['content-type'] ?? '').includes('event-stream')) return
    if (holds(r.url())) leaks.push(`the address ${new URL(r.url()).pathname}`)
    reads.push(r.text().then((t) => holds(t) && leaks.push(`the reply of ${r.request().method()} ${new URL(r.url()).pathname}`)).catch(() => {})) // a reply that was navigated away from has no text
  }
  page.on('response', onReply)
  /** Nothing that is shown or kept holds the password; typed fields count once the form is left. */
  async function kept(where, typed = false) {
    await Promise.all(reads.splice(0))
    const seen = await page.evaluate(() => ({
      html: document.documentElement.outerHTML, values: [...document.querySelectorAll('input, textarea')].map((i) => i.value).join('\n'),
      storage: JSON.stringify([{ ...localStorage }, { ...sessionStorage }]), url: location.href,
    }))
    for (const [what, text] of Object.entries(seen)) if (holds(text) && !(typed && what === 'values')) leaks.push(`${where}: ${what}`)
    findings.push(...leaks.splice(0).map((l) => `the password shows in ${l}`))
  }

  await step('a wrong password is refused where it can be read', async () => {
    await page.goto(`${origin}/connections/new?kind=postgresql`)
    await page.getByRole('textbox', { name: 'Name' }).fill('Shop database')
    await page.getByRole('textbox', { name: 'Host' }).fill(pg.host)
    await page.getByRole('textbox', { name: 'Port' }).fill(String(pg.port))
    await page.getByRole('textbox', { name: 'Database' }).fill(pg.database)
    await page.getByRole('textbox', { name: 'User' }).fill(pg.username)
    await page.getByLabel('Password', { exact: true }).fill(pg.password + '!')
    await page.getByRole('combobox', { name: 'TLS' }).click()
    await page.getByRole('option', { name: 'disable' }).click()
    await button('Test the connection').click()
    const block = page.getByRole('alert').filter({ hasText: 'Whose turn' })
    await block.getByText('failed').first().waitFor({ timeout: 30_000 })
    await block.getByText('Check user and password.', { exact: true }).waitFor()
    const [form, box] = [await page.locator('form.form').boundingBox(), await block.boundingBox()]
    if (box.x < form.x + form.width || box.y > form.y + 100) findings.push('the error block does not stand beside the top of the form')
    if ((await page.getByRole('textbox', { name: 'Host' }).inputValue()) !== pg.host) findings.push('what was typed is gone after a failed test')
    await look('connection-refused')
    await kept('the refused test', true)
  })
  await step('the right one reaches the database, and is saved', async () => {
    await page.getByLabel('Password', { exact: true }).fill(pg.password)
    await button('Test the connection').click()
    await page.getByText('Reachable').waitFor({ timeout: 30_000 })
    if (await page.getByRole('alert').filter({ hasText: 'Whose turn' }).count()) findings.push('the error block stays after a test that passed')
    await page.getByText(`${pg.schema}.${pg.table}`).waitFor()
    await look('connection-reachable')
    await kept('the passed test', true)
    await button('Save connection').click()
    await page.waitForURL(/\/connections\/(?!new)/)
    await page.getByRole('table', { name: 'Tables' }).getByText(`${pg.schema}.${pg.table}`).waitFor({ timeout: 30_000 })
    await page.locator('.status-chip', { hasText: 'Reachable' }).waitFor()
    if (await page.getByLabel('Password', { exact: true }).inputValue()) findings.push('the stored password is in the form')
    await look('connection')
    await kept('the saved connection')
  })
  await step('a job copies its table, and the counts reconcile', async () => {
    await page.getByRole('row').filter({ hasText: `${pg.schema}.${pg.table}` }).click()
    await page.waitForURL(/\/etl\/jobs\/new/)
    await page.getByRole('textbox', { name: 'Job name' }).waitFor({ timeout: 30_000 })
    if ((await page.getByRole('combobox', { name: 'Time column' }).inputValue()) !== 'invoiced_at') findings.push('the time column is not suggested')
    await look('new-job')
    await button('Save and run').click()
    await page.waitForURL(/\/etl\/runs\//)
    await page.getByText('Adds up, no row lost').waitFor({ timeout: 120_000 })
    await page.locator('.status-chip', { hasText: 'Completed' }).waitFor({ timeout: 30_000 })
    await page.getByText(`${pg.rows.toLocaleString('en-US')} new, 0 replaced`).waitFor()
    await look('database-run')
    await kept('the run')
  })
  await step('the next run reads only what is newer', async () => {
    const first = page.url()
    await button('Run again').click()
    await page.waitForURL((u) => /\/etl\/runs\//.test(u.href) && u.href !== first)
    await page.locator('.status-chip', { hasText: 'Completed' }).waitFor({ timeout: 120_000 })
    await page.getByText('Nothing new at the source').waitFor()
    await look('database-run-again')
    await page.goto(`${origin}/connections`)
    await page.getByRole('row').filter({ hasText: 'Shop database' }).getByText('Reachable').waitFor()
    await look('connections')
    await kept('the list of connections')
  })
  page.off('response', onReply)
}
