/**
 * `npm run screenshots [-- FOLDER [SECONDS]]`: the status page's pictures in docs/images, of a proxy in front of the embedded org.
 * Needs Chromium. `pngquant --force --ext .png docs/images/*.png` makes them a third of the size afterwards.
 * A demonstration's data: nothing in it is anybody's.
 */
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { startApp } from '../src/app.ts'
import { systemClock } from '../src/clock.ts'
import { loadSettings } from '../src/config.ts'
import { startEmulator } from '../src/emulator/emulator.ts'
import { createLogger } from '../src/logger.ts'
import { startBrowser } from '../test/support/browser.ts'

const API = '/services/data/v67.0'
const images = process.argv[2] ?? resolve(import.meta.dirname, '../docs/images')

await using org = await startEmulator({ sessionTimeoutMs: 90_000 })
const settings = loadSettings({
  env: {
    CLOUDAWARE_URL: org.url,
    CLOUDAWARE_CLIENT_ID: org.clientId,
    CLOUDAWARE_CLIENT_SECRET: org.clientSecret,
    TOKEN_LIFETIME_SECONDS: '90',
    TOKEN_REQUESTS_PER_HOUR: '3600',
    PROXY_PORT: '8080',
    ADMIN_PORT: '0',
    INSPECT: 'true',
  },
})
const logger = createLogger({ level: 'silent' })
const app = await startApp(settings, { logger, version: '0.1.0', stateDirectory: '/nonexistent' })
await using browser = await startBrowser()

async function call(path: string, { method = 'GET', body }: { method?: string; body?: string } = {}): Promise<void> {
  const headers = { 'user-agent': 'inventory-sync/2.4', accept: 'application/json', 'accept-encoding': 'gzip' }
  const sent = request(app.url + path, {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
  }).end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage] // as the event is documented
  await once(answer.resume(), 'end')
}

const QUERIES = [
  `${API}/limits`,
  `${API}/query?q=SELECT+Id,Name,CA10__stateName__c+FROM+CA10__CaAwsInstance__c+LIMIT+50`,
  `${API}/query?q=SELECT+COUNT()+FROM+CA10__CaAwsInstance__c`,
  `${API}/sobjects/CA10__CaAwsInstance__c/describe`,
  `${API}/sobjects`,
]

/** A minute and a half of a day. */
async function work(seconds: number): Promise<void> {
  const end = systemClock.now() + seconds * 1000
  for (let n = 0; systemClock.now() < end; n++) {
    org.org.apiDelayMs = 20 + ((n * 37) % 140)
    await Promise.all(Array.from({ length: 1 + (n % 4) }, (_, at) => call(QUERIES[(n + at) % QUERIES.length] ?? '')))
    if (n % 23 === 5)
      await call(`${API}/sobjects/CA10__CaAwsInstance__c`, { method: 'POST', body: '{"Name":"web-417"}' })
    if (n % 31 === 9) await call('/secur/frontdoor.jsp')
    // One dead session; more in a short time would have the proxy wait between its token requests.
    if (n === 60) org.killSessions()
    if (n % 37 === 12) await call(`${API}/query?q=SELECT+Nope+FROM+CA10__CaAwsInstance__c`)
    await systemClock.sleep(250)
  }
}

async function openPage(colorScheme: 'light' | 'dark', viewport: { width: number; height: number }): Promise<Page> {
  const context = await browser.browser.newContext({ colorScheme, viewport })
  const page = await context.newPage()
  await page.goto(`${app.adminUrl ?? ''}/`)
  await page.locator('[data-contact=live]').waitFor()
  await systemClock.sleep(1200)
  return page
}

async function shoot(page: Page, name: string, place?: string): Promise<void> {
  const path = join(images, name)
  if (place === undefined) {
    await page.evaluate('scrollTo(0, 0)')
    await page.screenshot({ path })
  } else {
    await page.locator(place).screenshot({ path })
  }
  await page.context().close()
}

const wide = { width: 1280, height: 940 }
await work(Number(process.argv[3] ?? 160))
await shoot(await openPage('light', wide), 'status-light.png')

const inspector = await openPage('dark', wide)
await inspector.locator('tbody tr', { hasText: 'POST' }).first().click()
await inspector.locator('.body-text').first().waitFor()
await inspector.getByText('Request headers').click()
await shoot(inspector, 'inspector-dark.png', '#inspector')

org.org.fail('no-run-as-user')
org.killSessions()
await call(QUERIES[0] ?? '')
await fetch(`${app.adminUrl ?? ''}/refresh`, { method: 'POST' })
await systemClock.sleep(500)
await shoot(await openPage('dark', wide), 'trouble-dark.png')

const away = await openPage('light', { width: 400, height: 900 })
await app.close()
await away.getByText('Not connected').waitFor()
await shoot(away, 'away-narrow.png')
