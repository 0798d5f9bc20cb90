import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { harProblems } from '../support/har.ts'
import { ask, type Question } from '../support/http-client.ts'
import { startStack, type StackOptions } from '../support/stack.ts'
import { openStatusPage } from '../support/status-page.ts'

const LIMITS = '/services/data/v67.0/limits'
const INSTANCES = '/services/data/v67.0/sobjects/CA10__CaAwsInstance__c'

let browser: TestBrowser
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
})

async function setUp({ env = {} }: StackOptions = {}, prepare: (org: Org) => void = () => undefined) {
  const org = await startEmulator({ records: 10 })
  prepare(org.org)
  const app = await startStack(org, { env: { INSPECT: 'true', ...env } })
  const { page, misdeeds } = await openStatusPage(browser, app.adminUrl ?? '')
  return {
    org,
    app,
    page,
    misdeeds,
    rows: page.getByRole('grid', { name: 'Exchanges' }).locator('tbody tr:visible'),
    detail: page.getByLabel('The chosen exchange'),
    call: (path: string, question: Question = {}) => ask(app.port, path, question),
    apiCalls: (path: string) => org.requests.filter(({ target }) => target.startsWith(path)).length,
    async [Symbol.asyncDispose]() {
      await page.context().close()
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

type Org = Awaited<ReturnType<typeof startEmulator>>['org']

test('it serves, and a refresh shows on the timeline of the token', async () => {
  await using stack = await setUp()
  const { page } = stack
  await page.getByRole('heading', { name: 'Serving', exact: true }).waitFor()
  await page.getByText('New token (the first one).').waitFor()
  await page.getByRole('button', { name: 'Refresh the token now' }).click()
  await page.getByText('The token was refreshed.').waitFor()
  await page.getByText('Refreshed: the login host gave the same token').waitFor()
  expect(await page.locator('#timeline .mark.unchanged').count()).toBe(1)
  await page.getByRole('img', { name: /Token [0-9a-f]{8}: .* left, refresh due in/ }).waitFor()
  expect(await stack.misdeeds()).toEqual([])
})

test('a request whose session had died shows as sent again, and the token as replaced', async () => {
  await using stack = await setUp()
  await stack.call(LIMITS)
  stack.org.killSessions()
  expect((await stack.call(LIMITS)).status).toBe(200)
  await stack.page.getByText('Cloudaware confirmed that the session has ended.').waitFor()
  await stack.page.getByText('New token (the last session had ended).').waitFor()
  await stack.rows.filter({ hasText: 'resent' }).click()
  await stack.detail.getByText('the request was sent once more, with a new token').waitFor()
  await stack.page.getByRole('button', { name: 'Sent again' }).click()
  expect(await stack.rows.count()).toBe(1)
  await stack.page.getByRole('meter', { name: 'API requests of the org' }).waitFor()
  expect(await stack.misdeeds()).toEqual([])
})

test('an error of the setup says which step mends it, and is over once it is mended', async () => {
  await using stack = await setUp({ env: { TOKEN_WAIT_MS: '50' } }, (org) => {
    org.fail('no-run-as-user')
  })
  const { page } = stack
  await page.getByRole('heading', { name: 'Not serving: it holds no token' }).waitFor()
  const diagnosis = page.locator('#verdict-trouble')
  await diagnosis.getByText('The app has no Run As user.').waitFor()
  await diagnosis.getByText('Steps 13 to 15').waitFor()
  await diagnosis.getByText('External Client App Manager').waitFor()
  expect(await page.title()).toContain('Not serving')
  await stack.call(LIMITS)
  await page
    .locator('.trouble', { hasText: 'PROXY_TOKEN_UNAVAILABLE' })
    .getByRole('button', { name: 'Show the exchange' })
    .click()
  await stack.detail.getByText('The proxy holds no access token').first().waitFor()
  stack.org.org.heal()
  await page.getByRole('button', { name: 'Try again now' }).click()
  await page.getByRole('heading', { name: 'Serving', exact: true }).waitFor()
  await page.locator('.trouble', { hasText: 'over: run-as-user-missing' }).waitFor()
  expect(await stack.misdeeds()).toEqual([])
})

test('what only reads is replayed at once; what could change something after one has agreed', async () => {
  await using stack = await setUp()
  const { page, rows, detail } = stack
  await stack.call(LIMITS)
  await rows.first().click()
  await detail.getByRole('button', { name: 'Replay' }).click()
  await rows.filter({ hasText: 'replay of 1' }).waitFor()
  await detail.getByRole('button', { name: 'exchange 1' }).waitFor()
  expect(stack.apiCalls(LIMITS)).toBe(2)

  await stack.call(INSTANCES, {
    method: 'POST',
    body: '{"Name":"web"}',
    headers: { 'content-type': 'application/json' },
  })
  await rows.filter({ hasText: 'POST' }).click()
  await detail.getByRole('button', { name: 'Replay…' }).click()
  await page.getByRole('dialog', { name: 'It could change something' }).getByRole('button', { name: 'Cancel' }).click()
  expect(stack.apiCalls(INSTANCES)).toBe(1)
  await detail.getByRole('button', { name: 'Replay…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Send it again' }).click()
  await rows.filter({ hasText: 'replay of 3' }).waitFor()
  expect(stack.apiCalls(INSTANCES)).toBe(2)
  expect(await stack.misdeeds()).toEqual([])
})

test('where callers need a key, so does a replay', async () => {
  await using stack = await setUp({ env: { PROXY_API_KEY: 'k3y-of-callers' } })
  await stack.call(LIMITS, { headers: { 'x-api-key': 'k3y-of-callers' } })
  await stack.rows.first().click()
  await stack.detail.getByRole('button', { name: 'Replay' }).click()
  const dialog = stack.page.getByRole('dialog', { name: 'A key is needed' })
  await dialog.getByLabel('API key').fill('k3y-of-callers')
  await dialog.getByRole('button', { name: 'Send' }).click()
  await stack.page.getByText('Answered with 200.').waitFor()
  await stack.rows.filter({ hasText: 'replay of 1' }).waitFor()
  expect(await stack.page.content()).not.toContain('k3y-of-callers')
})

test('without INSPECT, and with callers that need a key, it says why it shows no exchanges', async () => {
  await using stack = await setUp({ env: { INSPECT: 'false', PROXY_API_KEY: 'k3y-of-callers' } })
  await stack.call(LIMITS, { headers: { 'x-api-key': 'k3y-of-callers' } })
  await stack.page.getByText('start it with INSPECT=true').waitFor()
  expect(await stack.page.getByRole('searchbox').isVisible()).toBe(false)
})

test('the filter takes words, leaves out words with a minus, and says where nothing is left', async () => {
  await using stack = await setUp()
  const { page, rows } = stack
  await stack.call(LIMITS)
  await stack.call('/services/data/v67.0/query?q=SELECT+Id+FROM+CA10__CaAwsInstance__c')
  await stack.call('/secur/frontdoor.jsp')
  await rows.nth(2).waitFor()
  const filter = page.getByRole('searchbox')
  for (const [words, count] of [
    ['get', 3],
    ['403', 1],
    ['get -403', 2],
    ['SELECT 200', 1],
  ] as const) {
    await filter.fill(words)
    expect([words, await rows.count()]).toEqual([words, count])
  }
  await filter.fill('nothing-has-this')
  await page.getByText('None of the 3 exchanges matches the filter.').waitFor()
  await filter.fill('')
  await page.getByRole('button', { name: 'Failed' }).click()
  expect(await rows.count()).toBe(1)
  await page.getByRole('button', { name: 'Changes' }).click()
  expect(await rows.count()).toBe(0)
})

test('a paused list stands still and tells how much came', async () => {
  await using stack = await setUp()
  await stack.call(LIMITS)
  await stack.rows.first().waitFor()
  await stack.page.getByRole('button', { name: 'Pause' }).click()
  await stack.call(LIMITS)
  await stack.call(LIMITS)
  await stack.page.getByRole('button', { name: 'Go on (2 new)' }).waitFor()
  expect(await stack.rows.count()).toBe(1)
  await stack.page.getByRole('button', { name: 'Go on (2 new)' }).click()
  await stack.rows.nth(2).waitFor()
})

test('what is listed is exported as HAR 1.2', async () => {
  await using stack = await setUp()
  await stack.call(LIMITS)
  await stack.call('/secur/frontdoor.jsp')
  await stack.rows.nth(1).waitFor()
  await stack.page.getByRole('searchbox').fill('limits')
  const [download] = await Promise.all([
    stack.page.waitForEvent('download'),
    stack.page.getByRole('link', { name: 'Export 1 exchange as HAR' }).click(),
  ])
  const har = JSON.parse(await readFile(await download.path(), 'utf8')) as { log: { entries: unknown[] } }
  expect(harProblems(har)).toBeUndefined()
  expect(har.log.entries).toMatchObject([{ request: { url: `${stack.app.url}${LIMITS}` } }])
})

test('everything can be done from the keyboard', async () => {
  await using stack = await setUp()
  const { page, rows, detail } = stack
  await stack.call(LIMITS)
  await stack.call('/services/data')
  await rows.nth(1).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('limits')
  expect(await rows.count()).toBe(1)
  await page.keyboard.press('Escape')
  expect(await page.getByRole('searchbox').inputValue()).toBe('')
  await page.keyboard.press('ArrowDown')
  await detail.getByRole('heading', { name: 'GET /services/data' }).waitFor()
  await page.keyboard.press('ArrowDown')
  await detail.getByRole('heading', { name: `GET ${LIMITS}` }).waitFor()
  await page.keyboard.press('c')
  await page.getByText('The curl command copied.').waitFor()
  await page.keyboard.press('r')
  await rows.filter({ hasText: 'replay of 1' }).waitFor()
  await detail.getByText('Replay of').waitFor()
  await page.keyboard.press('Enter')
  expect(await page.evaluate(`document.activeElement.closest('#detail') !== null`)).toBe(true)
  await page.keyboard.press('Escape')
  await detail.waitFor({ state: 'hidden' })
  expect(await page.evaluate('document.activeElement.tagName')).toBe('TR')
  expect(await stack.misdeeds()).toEqual([])
})

test('a proxy that is gone is missed, and found again when it is back', async () => {
  await using stack = await setUp()
  const { page } = stack
  const ADMIN_PORT = new URL(stack.app.adminUrl ?? '').port
  await stack.app.close()
  await page.getByRole('heading', { name: 'The proxy has stopped.' }).waitFor()
  await page.getByText('Not connected').waitFor()
  await page.getByText('trying again every two seconds').waitFor()
  await using again = await startStack(stack.org, { env: { ADMIN_PORT } })
  expect(again.adminUrl).toBe(stack.app.adminUrl)
  await page.getByRole('heading', { name: 'Serving', exact: true }).waitFor()
  await page.getByText('Live').waitFor()
})

test('dark and light as the system has it, or as one chooses; wide and narrow', async () => {
  await using stack = await setUp()
  const { app } = stack
  const ground = 'getComputedStyle(document.body).backgroundColor'
  const seen = new Set<unknown>()
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, misdeeds } = await openStatusPage(browser, app.adminUrl ?? '', {
      colorScheme,
      viewport: { width: 360, height: 740 },
    })
    const bySystem = await page.evaluate(ground)
    seen.add(bySystem)
    // Nothing is wider than a phone.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    const button = page.getByRole('button', { name: /^Colours/ })
    await button.click()
    const opposite = colorScheme === 'light' ? 'dark' : 'light'
    while ((await button.textContent()) !== `Colours: ${opposite}`) await button.click()
    expect(await page.evaluate(ground)).not.toBe(bySystem)
    await page.reload()
    expect(await page.evaluate(ground)).not.toBe(bySystem)
    expect(await misdeeds()).toEqual([])
    await page.context().close()
  }
  expect(seen.size).toBe(2)
})
