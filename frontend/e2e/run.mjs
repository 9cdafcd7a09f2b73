// From sign-in to recommendations on a real server, in headless Chromium.
//
// B2BRECS_SIGNIN  a one-time sign-in link (from `serve` or `signin`); needed
// B2BRECS_FILE    a CSV or Parquet file of transactions to upload; without one a small file is made
// B2BRECS_EPOCHS  epochs of the experiment, default 2
// B2BRECS_PG      a PostgreSQL to copy from, as JSON (postgres.mjs); that part is skipped without one
// OUT             folder of the pictures, default ../artifacts/screenshots
//
// It fails on a console error, a failed request and a serious accessibility finding.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

import { postgres } from './postgres.mjs'

const link = process.env.B2BRECS_SIGNIN
if (!link) {
  console.error('B2BRECS_SIGNIN is not set: give the sign-in link that `b2brecs serve` or `b2brecs signin` prints.')
  process.exit(2)
}
const out = process.env.OUT ?? '../artifacts/screenshots'
const epochs = Number(process.env.B2BRECS_EPOCHS ?? 2)
const origin = new URL(link).origin
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
mkdirSync(out, { recursive: true })

/** Transactions of a small shop with taste: customers of a group buy from the group's products. */
function makeFile() {
  let seed = 11
  const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0), seed / 2 ** 32)
  const rows = ['Beleg;Kunden-Nr;Artikel-Nr;Datum;Menge;Netto']
  for (let i = 0; i < 6000; i++) {
    const customer = Math.floor(random() ** 1.4 * 160)
    const group = customer % 8
    const product = random() < 0.85 ? group * 15 + Math.floor(random() ** 1.8 * 15) : Math.floor(random() * 120)
    const day = new Date(Date.UTC(2025, 10, 1) + i * 5_400_000)
    rows.push(`R-${100000 + i};${String(customer * 7 + 11).padStart(6, '0')};SKU-${1000 + product};${day.toISOString().slice(0, 19).replace('T', ' ')};${1 + Math.floor(random() * 9)};${(2 + random() * 200).toFixed(2)}`)
  }
  const path = join(mkdtempSync(join(tmpdir(), 'b2brecs-e2e-')), 'verkaeufe.csv')
  writeFileSync(path, rows.join('\n') + '\n')
  return path
}

const file = process.env.B2BRECS_FILE ?? makeFile()
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', colorScheme: 'light' })
const page = await context.newPage()
const findings = []
let where = 'start'
page.on('console', (m) => m.type() === 'error' && findings.push(`${where}: console: ${m.text()}`))
page.on('pageerror', (e) => findings.push(`${where}: ${e}`))
page.on('response', (r) => r.status() >= 400 && r.url().includes('/v1/') && !(r.status() === 404 && /profile|history/.test(r.url())) && findings.push(`${where}: ${r.status()} ${r.request().method()} ${new URL(r.url()).pathname}`))

const began = Date.now()
async function step(name, run) {
  where = name
  const at = Date.now()
  await run()
  console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${name} (${((Date.now() - at) / 1000).toFixed(1)} s)`)
}
let shots = 0
async function look(name) {
  await page.waitForTimeout(700)
  await page.screenshot({ path: join(out, `e2e-${String(++shots).padStart(2, '0')}-${name}.png`) })
  await page.evaluate(axe) // not a script tag: the page's policy allows none from elsewhere
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], rules: { region: { enabled: false } } }))
  for (const v of result.violations.filter((x) => ['serious', 'critical'].includes(x.impact))) findings.push(`${where}: axe ${v.id}: ${v.nodes[0].html.slice(0, 160)}`)
}
const button = (name) => page.getByRole('button', { name, exact: false }).and(page.locator(':visible')).first()

try {
  await step('without a session the page asks to sign in', async () => {
    await page.goto(origin)
    await page.getByRole('heading', { name: 'Open your sign-in link' }).waitFor()
    await look('sign-in')
    findings.length = 0 // the refused calls are what this step is about
  })
  await step('the sign-in link opens the overview', async () => {
    await page.goto(link)
    await page.waitForURL(/\/(projects\/|new-project)/)
    if (page.url().includes('new-project')) {
      await page.getByLabel('Name').fill('Wholesale trial')
      await look('new-project')
      await button('Create the project').click()
      await page.waitForURL(/\/projects\//)
    }
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await look('overview-first')
  })
  if (page.url().endsWith('/projects/new')) {
    await step('the first project is made', async () => {
      await page.getByRole('textbox', { name: 'Name' }).fill('Hardware shop')
      await button('Create the project').click()
      await page.waitForURL(/\/projects\/hardware-shop/)
      await look('project')
    })
  }
  const project = /projects\/([^/?]+)/.exec(page.url())[1]
  const base = `${origin}/projects/${project}`
  await step('a file is uploaded and understood', async () => {
    await page.goto(`${origin}/etl/upload`)
    await page.setInputFiles('input[type=file]', file)
    await page.getByText('What was understood').waitFor({ timeout: 60_000 })
    await look('upload')
  })
  await step('it loads, and the counts reconcile', async () => {
    await button('Load into').click()
    await page.waitForURL(/\/etl\/runs\//)
    await page.getByText('Adds up, no row lost').waitFor({ timeout: 120_000 })
    await page.getByRole('region', { name: 'Throughput' }).getByText('for a curve over time').waitFor() // too short for one, and it says so
    await page.locator('.status-chip', { hasText: 'Completed' }).waitFor()
    await look('etl-run')
  })
  await step('a dataset is suggested, created and analysed', async () => {
    await page.goto(`${base}/datasets/new`)
    await button('Create and analyse').waitFor({ timeout: 60_000 })
    await page.locator('.react-flow__node').first().waitFor()
    await page.waitForFunction(() => [...document.querySelectorAll('button')].some((b) => b.textContent === 'Create and analyse' && !b.disabled), null, { timeout: 60_000 })
    await look('new-dataset')
    await button('Create and analyse').click()
    await page.waitForURL(/\/datasets\/(?!new)[^/]+$/, { timeout: 60_000 })
    await page.getByText('Readiness').first().waitFor({ timeout: 60_000 })
    await look('dataset')
    await page.getByRole('tab', { name: 'Statistics' }).click()
    await page.getByRole('table', { name: 'Column statistics' }).waitFor()
    await look('dataset-statistics')
    await page.getByRole('tab', { name: 'SQL' }).click()
    await page.getByText('SELECT').first().waitFor()
  })
  await step('features are suggested, the code is generated, both are saved', async () => {
    await button('Make features').or(page.getByRole('link', { name: 'Make features' })).first().click()
    await page.getByText('preprocessing_fn').first().waitFor({ timeout: 60_000 })
    await look('features-new')
    await page.getByRole('tab', { name: 'Trainer' }).click()
    await page.getByText('run_fn').first().waitFor()
    await button('Save').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.waitForURL(/\/models\/(?!new)/)
    await page.getByText('preprocessing_fn').or(page.getByText('run_fn')).first().waitFor()
    await look('features')
  })
  await step('an experiment starts', async () => {
    await button('Run experiment').click()
    await page.getByRole('heading', { name: 'New experiment' }).waitFor()
    await page.getByLabel('Epochs').fill(String(epochs))
    await page.getByText('fit together').waitFor({ timeout: 60_000 })
    await look('new-experiment')
    await button('Start').click()
    await page.waitForURL(/\/experiments\/(?!new)/)
    await page.locator('.dag-node').first().waitFor()
    await look('experiment-started')
  })
  await step('it runs live, and is measured beside its baselines', async () => {
    await button('Logs').click()
    await page.locator('.logs').waitFor()
    await page.locator('.dag-node.running').first().waitFor({ timeout: 240_000 })
    await look('experiment-running')
    await page.getByRole('region', { name: 'Metrics beside baselines' }).waitFor({ timeout: 900_000 })
    await page.getByLabel('Close the log').click()
    await page.locator('.status-chip', { hasText: 'Completed' }).waitFor({ timeout: 120_000 })
    await look('experiment')
    for (const [tab, text] of [['Data insights', 'Split'], ['Training', 'Every epoch'], ['Code', 'transform_module.py'], ['Errors', '']]) {
      await page.getByRole('tab', { name: tab }).click()
      if (text) await page.getByText(text).first().waitFor()
      await look(`experiment-${tab.toLowerCase().replace(' ', '-')}`)
    }
  })
  await step('a customer is asked for, and an unknown one', async () => {
    await page.goto(`${base}/recommendations`)
    const table = page.getByRole('table', { name: 'Recommended products' })
    await table.locator('tbody tr').nth(9).waitFor({ timeout: 60_000 })
    await page.getByRole('table', { name: 'Bought products' }).waitFor()
    await look('recommendations')
    await page.getByLabel('Customer number').fill('nobody-by-this-number')
    await page.getByText('anyway').click()
    await page.getByText('is not in the model').waitFor()
    await look('recommendations-unknown')
  })
  if (process.env.B2BRECS_PG) await postgres({ page, step, look, button, findings, origin, pg: JSON.parse(process.env.B2BRECS_PG) })
  else console.log('SKIPPED: PostgreSQL connections: B2BRECS_PG names no server')
  await step('lists, palette, keyboard, dark and phone', async () => {
    await page.goto(`${base}/experiments`)
    const board = page.getByRole('table', { name: 'Experiments' })
    await board.locator('tbody tr').first().waitFor()
    await board.locator('.loss-spark polyline').first().waitFor() // its curve is read when it comes into view
    await look('experiments')
    await page.getByRole('checkbox', { name: 'Completed' }).focus()
    await page.keyboard.press('Space')
    await page.waitForURL(/status=completed/)
    await board.getByRole('button', { name: 'Recall@10' }).press('Enter')
    await board.getByRole('columnheader', { name: 'Recall@10' }).and(page.locator('[aria-sort=descending]')).waitFor()
    await page.getByRole('button', { name: 'Clear 1 filter' }).press('Enter')
    await page.waitForURL((u) => !u.search.includes('status'))
    await page.getByRole('button', { name: 'Columns' }).press('Enter')
    await page.getByRole('checkbox', { name: 'Optimizer' }).press('Space')
    await board.getByRole('columnheader', { name: 'Optimizer' }).waitFor()
    await page.keyboard.press('Escape')
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).press('Enter')])
    const lines = readFileSync(await file.path(), 'utf8').trimEnd().split('\r\n')
    if (!/"Optimizer","Recall@10, model \[.* customers .*\]"/.test(lines[0]) || !/,"adam",0\.\d{6,},0\.\d+,/.test(lines[1])) findings.push(`the file of the board is wrong: ${lines[0]} ${lines[1]}`)
    await page.getByRole('button', { name: 'Save this view' }).press('Enter')
    await page.keyboard.type('Optimizers')
    await page.keyboard.press('Enter')
    await look('experiments-view')
    await page.goto(`${base}/experiments`)
    await page.getByRole('button', { name: 'Optimizers', exact: true }).press('Enter')
    await board.getByRole('columnheader', { name: 'Optimizer' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    await page.waitForURL(base)
    await page.getByText('Life of the data').waitFor()
    await look('overview')
    await page.keyboard.press('ControlOrMeta+k')
    await page.getByRole('combobox', { name: 'Search and commands' }).fill('upload')
    await look('palette')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/etl\/upload/)
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('Go to', { exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.goto(base)
    await page.getByText('Current model').first().waitFor()
    await look('overview-dark')
    await page.setViewportSize({ width: 390, height: 844 })
    await page.goto(`${base}/experiments`)
    await page.locator('tbody tr').first().waitFor()
    await look('experiments-phone')
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1)
    if (wide) findings.push('the list of experiments is wider than a phone')
  })
} catch (e) {
  findings.push(`${where}: ${e.message.split('\n')[0]}`)
  await page.screenshot({ path: join(out, 'e2e-failed.png') }).catch(() => {})
}
await browser.close()
for (const f of findings) console.log(`FINDING ${f}`)
console.log(findings.length ? `${findings.length} findings` : 'no findings')
process.exitCode = findings.length ? 1 : 0
