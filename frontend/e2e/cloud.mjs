// Sign-in at an issuer, in headless Chromium, on the deployed functions in a box.
// scripts/box/page_test.go starts the box and this.
//
// B2BRECS_URL        where the page and the API are
// B2BRECS_OWNER      who is the first owner, by e-mail address
// B2BRECS_COLLEAGUE  who can sign in and has no access
// B2BRECS_TOKEN_LIFE seconds that a token lives; little more than the minute before its end
// OUT                folder of the pictures, default ../artifacts/screenshots
//
// It fails on a console error, a failed request and a serious accessibility finding.
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const { B2BRECS_URL: origin, B2BRECS_OWNER: owner, B2BRECS_COLLEAGUE: colleague, B2BRECS_TOKEN_LIFE: life } = process.env
const out = process.env.OUT ?? '../artifacts/screenshots'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
mkdirSync(out, { recursive: true })

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', colorScheme: 'light' })
const page = await context.newPage()
const findings = []
let where = 'start'
let expected = /^$/ // statuses of calls that a step is about
page.on('console', (m) => m.type() === 'error' && !expected.test(/status of (\d+)/.exec(m.text())?.[1] ?? 'another') && findings.push(`${where}: console: ${m.text()}`))
page.on('pageerror', (e) => findings.push(`${where}: ${e}`))
page.on('response', (r) => r.status() >= 400 && !expected.test(String(r.status())) && findings.push(`${where}: ${r.status()} ${r.request().method()} ${r.url()}`))
const renewals = []
page.on('request', (r) => r.url().endsWith('/token') && r.postData()?.includes('grant_type=refresh_token') && renewals.push(r.url()))

const began = Date.now()
async function step(name, run, statuses = /^$/) {
  where = name
  expected = statuses
  await run()
  console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${name}`)
}
/** A picture in both schemes and on a phone, and what axe finds in each. */
async function look(name) {
  for (const [kind, colorScheme, width] of [['light', 'light', 1440], ['dark', 'dark', 1440], ['phone', 'dark', 390]]) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 844 })
    await page.waitForTimeout(150)
    await page.screenshot({ path: join(out, `cloud-${name}-${kind}.png`) })
    await page.evaluate(axe)
    const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], rules: { region: { enabled: false } } }))
    for (const v of result.violations.filter((x) => ['serious', 'critical'].includes(x.impact))) findings.push(`${where}: ${kind}: axe ${v.id}: ${v.nodes[0].html.slice(0, 160)}`)
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1)) findings.push(`${where}: ${kind}: wider than the window`)
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 1440, height: 900 })
}
const asked = () => page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
/** Says at the issuer who one is. */
const as = (who, at = page) => at.getByRole('button', { name: who }).click()
/** Signs out by the menu, whose button stands before the menu is loaded. */
async function leave() {
  const out = page.getByRole('menuitem', { name: 'Sign out' })
  for (let i = 0; i < 20 && !(await out.isVisible()); i++) {
    await page.getByRole('button', { name: /account and appearance/ }).first().click()
    await out.waitFor({ timeout: 1000 }).catch(() => {}) // clicked again
  }
  await out.click()
}
const kept = () => page.evaluate(() => Object.values(sessionStorage).filter((v) => v.includes('id_token')).length)

try {
  await step('an address of the page asks to sign in', async () => {
    await page.goto(`${origin}/people`)
    await asked()
    await look('sign-in')
  })
  await step('a refusal at the issuer is told, by the keyboard', async () => {
    await page.keyboard.press('Enter') // the button has the focus
    await page.getByRole('button', { name: 'Refuse' }).click()
    await page.getByText('The sign-in was refused.').waitFor()
    await look('refused')
    if (new URL(page.url()).pathname !== '/people') findings.push(`${where}: the address is ${page.url()}`)
  })
  await step('a colleague without access sees so', async () => {
    await page.getByRole('button', { name: 'Try again' }).click()
    await as(colleague)
    await page.getByRole('heading', { name: 'You have no access yet' }).waitFor()
    await page.getByText(colleague).waitFor()
    await look('no-access')
    await page.getByRole('button', { name: 'Sign in as somebody else' }).click()
    await asked()
    if (await kept()) findings.push(`${where}: tokens are left`)
  }, /^403$/)
  await step('the owner signs in and is where they were', async () => {
    await page.goto(`${origin}/people`)
    const stream = page.waitForResponse((r) => r.url().includes('/v1/watch') && r.status() === 200)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await as(owner)
    await page.waitForURL(`${origin}/people`)
    await page.getByRole('heading', { name: 'People', exact: true }).waitFor()
    const headers = await (await stream).request().allHeaders()
    if (!headers.authorization?.startsWith('Bearer ')) findings.push(`${where}: the watch carries no token`)
  })
  await step('a project is made, and its overview is seen', async () => {
    await page.goto(`${origin}/new-project`)
    await page.getByRole('textbox', { name: 'Name' }).fill('Wholesale trial')
    await page.getByRole('button', { name: 'Create the project' }).click()
    await page.waitForURL(/\/projects\/wholesale-trial/)
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await page.screenshot({ path: join(out, 'cloud-overview-light.png') })
  })
  await step('a file goes straight into the bucket', async () => {
    await page.goto(`${origin}/etl/upload`)
    await page.setInputFiles('input[type=file]', { name: 'orders.csv', mimeType: 'text/csv', buffer: Buffer.from(`customer,product,at,value\n${'c1,p1,2026-01-02 10:00:00,9.50\n'.repeat(50)}`) })
    await page.getByText('What was understood').waitFor()
    await page.goto(`${origin}/projects/wholesale-trial`)
    await page.getByRole('heading', { level: 1 }).first().waitFor()
  })
  await step('a reload keeps the session', async () => {
    const visits = []
    const note = (r) => r.isNavigationRequest() && visits.push(r.url())
    page.on('request', note)
    await page.reload()
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    page.off('request', note)
    if (visits.some((v) => !v.startsWith(origin))) findings.push(`${where}: it went to ${visits}`)
  })
  await step('a token near its end is renewed', async () => {
    await page.waitForTimeout(Math.max(0, (Number(life) - 60) * 1000 + 500))
    renewals.length = 0
    await page.goto(`${origin}/people`)
    await page.getByRole('table', { name: 'People' }).getByText(owner).first().waitFor()
    if (!renewals.length) findings.push(`${where}: it was not`)
  })
  await step('a session that ends under a form is begun again beside it', async () => {
    await page.getByLabel('E-mail address').fill(colleague)
    await page.getByLabel('Name').fill('Vera')
    // The installation takes the token no more, and the issuer renews none.
    await page.route('**/v1/**', (r) => r.continue({ headers: { ...r.request().headers(), authorization: 'Bearer ended' } }))
    await page.route('**/token', (r) => r.fulfill({ status: 400, contentType: 'application/json', headers: { 'access-control-allow-origin': origin }, body: '{"error":"invalid_grant"}' }))
    await page.getByRole('button', { name: 'Give access' }).click()
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
    await look('ended')
    await page.unroute('**/v1/**')
    await page.unroute('**/token')
    const opened = page.waitForEvent('popup')
    await page.keyboard.press('Enter')
    const beside = await opened
    beside.on('console', (m) => m.type() === 'error' && findings.push(`${where}: the window: ${m.text()}`))
    await as(owner, beside)
    if (!beside.isClosed()) await beside.waitForEvent('close')
    await page.getByText(`${colleague} has access as viewer`).waitFor() // the call that waited
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }, /^40[01]$/)
  await step('signing out leaves nothing', async () => {
    await leave()
    await asked()
    await page.goto(`${origin}/projects/wholesale-trial`)
    await asked()
    if (await kept()) findings.push(`${where}: tokens are left`)
  })
  await step('the colleague comes in', async () => {
    await page.getByRole('button', { name: 'Sign in' }).click()
    await as(colleague)
    await page.waitForURL(`${origin}/projects/wholesale-trial`)
    await page.getByRole('heading', { level: 1 }).first().waitFor()
  })
  await step('an issuer that cannot be told of a sign-out asks again who one is', async () => {
    await page.route('**/.well-known/openid-configuration', async (r) => {
      const reply = await r.fetch()
      await r.fulfill({ response: reply, json: { ...(await reply.json()), end_session_endpoint: undefined } })
    })
    await page.reload()
    await leave()
    await asked()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(/authorize\?.*prompt=login/)
  })
} catch (e) {
  findings.push(`${where}: ${e.message.split('\n')[0]}`)
  await page.screenshot({ path: join(out, 'cloud-failed.png') }).catch(() => {})
}
await browser.close()
for (const f of findings) console.log(`FINDING ${f}`)
console.log(findings.length ? `${findings.length} findings` : 'no findings')
process.exitCode = findings.length ? 1 : 0
