// Pictures of every page with the data of data.mjs: light, dark and phone. Fails on
// a console error, on a failed request and on a serious accessibility finding.
// node dev/shots.mjs [folder] [name filter]
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

import { serve } from './server.mjs'

const OUT = process.argv[2] ?? '../artifacts/screenshots'
const ONLY = process.argv[3]
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const p = '/projects/main'
const PAGES = [
  ['overview', p], ['connections', '/connections'], ['connection', '/connections/c1'], ['new-connection', '/connections/new'], ['etl', '/etl'], ['etl-run', '/etl/runs/r318'], ['etl-run-ended', '/etl/runs/r313'], ['etl-run-short', '/etl/runs/r317'], ['etl-run-failed', '/etl/runs/r316'], ['jobs', '/etl/jobs'], ['job', '/etl/jobs/j2'], ['new-job', '/etl/jobs/new?connection=c1&schema=public&table=invoice_lines'],
  ['tables', '/etl/tables?table=raw_data.transactions'], ['upload', '/etl/upload'], ['datasets', `${p}/datasets`], ['new-dataset', `${p}/datasets/new`], ['dataset', `${p}/datasets/d1`], ['dataset-tables', `${p}/datasets/d1?tab=tables`], ['dataset-statistics', `${p}/datasets/d1?tab=statistics`], ['dataset-preview', `${p}/datasets/d1?tab=preview`], ['dataset-sql', `${p}/datasets/d1?tab=sql`],
  ['models', `${p}/models`], ['features', `${p}/models/f1`], ['features-diff', `${p}/models/f1?view=diff&f=query.city`], ['features-model', `${p}/models/f1?pane=model`], ['experiments', `${p}/experiments?sel=e11,e9`], ['compare', `${p}/experiments?sel=e11,e9,e8&compare=1`], ['new-experiment', `${p}/experiments/new`],
  ['experiment', `${p}/experiments/e11`], ['experiment-running', `${p}/experiments/e12?logs=trainer`], ['experiment-failed', `${p}/experiments/e10`], ['experiment-insights', `${p}/experiments/e11?tab=insights`], ['experiment-training', `${p}/experiments/e11?tab=training`], ['experiment-code', `${p}/experiments/e11?tab=code&code=trainer`],
  ['recommendations', `${p}/recommendations`], ['recommendations-unknown', `${p}/recommendations?customer=999999`], ['not-found', `${p}/datasets/nothing`],
]
const VIEWS = { light: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' }, dark: { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' }, phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', deviceScaleFactor: 2, hasTouch: true } }

mkdirSync(OUT, { recursive: true })
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
const servers = { full: await serve(), empty: await serve({ empty: true }), many: await serve({ many: true }), out: await serve({ signedOut: true }) }
const at = (s) => `http://127.0.0.1:${s.address().port}`
let bad = 0
for (const [view, options] of Object.entries(VIEWS)) {
  if (process.env.VIEW && process.env.VIEW !== view) continue
  const context = await browser.newContext({ ...options, reducedMotion: 'reduce' })
  const jobs = [...PAGES.map(([n, path]) => [n, at(servers.full) + path]), ['board', `${at(servers.many)}${p}/experiments?sel=e146,e140,e141`], ['board-trend', `${at(servers.many)}${p}/experiments?view=trend&sel=e146,e140&cols=status,lr,dropout,optimizer,split,recall@5,recall@10,ndcg@100,coverage@10,loss,took,at&sort=-recall@10`], ['board-filtered', `${at(servers.many)}${p}/experiments?status=completed&recall=0.2..0.24&page=2`], ['empty', at(servers.empty) + p], ['sign-in', at(servers.out) + p]]
  for (const [name, url] of jobs) {
    if (ONLY && !name.match(new RegExp(ONLY))) continue
    const page = await context.newPage()
    const errors = []
    page.on('console', (m) => m.type() === 'error' && !/40[14]/.test(m.text()) && errors.push(m.text()))
    page.on('pageerror', (e) => errors.push(String(e)))
    await page.goto(url)
    await page.waitForSelector('h1, h2, h3', { timeout: 15_000 }).catch(() => errors.push('nothing was shown'))
    await page.waitForTimeout(900)
    await page.screenshot({ path: `${OUT}/${name}-${view}.png` })
    if (view !== 'phone') {
      await page.evaluate(axe)
      const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], rules: { region: { enabled: false } } }))
      for (const v of found.violations.filter((x) => ['serious', 'critical'].includes(x.impact))) errors.push(`axe ${v.id}: ${v.nodes.length} × ${v.nodes[0].html.slice(0, 140)} ${v.nodes[0].any?.[0]?.message?.slice(0, 160) ?? ''}`)
    } else {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1)
      if (wide) errors.push('the page is wider than the phone')
    }
    for (const e of errors) console.log(`${name} ${view}: ${e}`)
    bad += errors.length
    await page.close()
  }
  await context.close()
}
await browser.close()
for (const s of Object.values(servers)) { s.closeAllConnections(); s.close() }
console.log(bad ? `${bad} findings` : 'no findings')
process.exitCode = bad ? 1 : 0
