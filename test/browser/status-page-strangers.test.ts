import { execFile } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { ask, type Question } from '../support/http-client.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'
import { openStatusPage } from '../support/status-page.ts'

/*
 * What the page shows was sent by strangers: by whoever calls the proxy, and by whatever it is in front of.
 */

const RECORDS = '/services/data/v67.0/sobjects/CA10__CaAwsInstance__c'

let browser: TestBrowser
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
})

async function setUp(answer: (request: IncomingMessage, response: ServerResponse) => void = answerPlainly) {
  const org = await startOriginServer((request, response) => {
    request.resume()
    if (request.url === '/services/oauth2/token') {
      response.end('{"access_token":"a-token-of-the-org","token_type":"Bearer"}')
    } else {
      answer(request, response)
    }
  })
  const app = await startStack(org, { env: { INSPECT: 'true' } })
  const { page, misdeeds } = await openStatusPage(browser, app.adminUrl ?? '')
  return {
    org,
    app,
    page,
    misdeeds,
    rows: page.getByRole('grid', { name: 'Exchanges' }).locator('tbody tr:visible'),
    detail: page.getByLabel('The chosen exchange'),
    call: (path: string, question: Question = {}) => ask(app.port, path, question),
    async [Symbol.asyncDispose]() {
      await page.context().close()
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

function answerPlainly(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('content-type', 'application/json')
  response.end('{}')
}

const VECTORS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  '<iframe srcdoc="<script>parent.alert(1)</script>">',
  '</pre></td></table><h1 id=injected>x</h1>',
  'javascript:alert(1)',
  '{{constructor.constructor("alert(1)")()}}',
  '<style>*{display:none}</style><link rel=stylesheet href=//evil.example>',
  '\u202Egnp.exe',
]

test('markup in paths, fields and bodies is shown as what it is, and does nothing', async () => {
  const everything = VECTORS.join('\n')
  await using stack = await setUp((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.setHeader('x-vector', Buffer.from(VECTORS.join(' ')).toString('latin1'))
    response.setHeader('location', 'javascript:alert(1)')
    response.end(`<!doctype html>${everything}`)
  })
  for (const vector of VECTORS) {
    await stack.call(`${RECORDS}?q=${encodeURIComponent(vector)}`)
    await stack.call(`${RECORDS}/${vector.replaceAll(/[^!-~]|[\\/#]/g, '')}`)
    await stack.call(RECORDS, {
      method: 'POST',
      body: JSON.stringify({ Name: vector, raw: everything }),
      headers: { 'content-type': vector.replaceAll(/[^ -~]/g, ''), 'x-vector': vector.replaceAll(/[^ -~]/g, '') },
    })
  }
  // Refusals name what was sent.
  for (const vector of VECTORS.slice(0, 4)) {
    await stack.call('/services/data', { headers: { host: vector.replaceAll(/[^ -~]/g, '') } }).catch(() => undefined)
    await stack.call('/services/data', { headers: { origin: vector.replaceAll(/[^ -~]/g, '') } })
  }
  await stack.rows.nth(VECTORS.length * 3).waitFor()
  const count = await stack.rows.count()
  for (let at = 0; at < count; at++) {
    await stack.rows.nth(at).click()
    await stack.detail.getByText('Request headers').waitFor()
  }
  await stack.rows.filter({ hasText: 'POST' }).first().click()
  await stack.detail.getByText('Request headers').waitFor()
  await stack.detail.getByText('<img src=x onerror=alert(1)>').first().waitFor()
  await stack.page.getByRole('searchbox').fill('<script>alert(1)</script>')
  await stack.detail.getByRole('button', { name: 'Replay…' }).click()
  await stack.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()

  expect(
    await stack.page.locator('script, iframe, style, #injected, [onerror], [onload], [style*=display]').count(),
  ).toBe(1)
  expect(await stack.page.locator('main :is(img, link, a[href^=javascript])').count()).toBe(0)
  expect(await stack.misdeeds()).toEqual([])
})

test('the policy of the page stops what its code would let through', async () => {
  await using stack = await setUp()
  const { page } = stack
  const tried = await page.evaluate<string[]>(`Promise.allSettled([
    Promise.resolve().then(() => { document.body.innerHTML = '<b>x</b>' }),
    Promise.resolve().then(() => { document.body.setAttribute('onclick', 'window.did = true') }),
    fetch('http://127.0.0.1:1/'),
    new Promise((resolve, reject) => {
      const script = document.createElement('script')
      script.onerror = reject
      script.onload = resolve
      script.setAttribute('src', 'x')
      document.body.append(script)
    }),
  ]).then((all) => all.map(({ status }) => status))`)
  expect(tried).toEqual(['rejected', 'rejected', 'rejected', 'rejected'])
  expect((await stack.misdeeds()).join('\n')).toContain('trusted')
  const { headers } = await ask(Number(new URL(stack.app.adminUrl ?? '').port), '/')
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(headers['content-security-policy']).not.toContain('unsafe')
})

test('a curl command holds nothing that a terminal takes for a key', async () => {
  await using stack = await setUp()
  await stack.call(RECORDS, { method: 'POST', body: 'x\u001b[201~\rtouch /nonexistent/x\r' })
  await stack.rows.first().click()
  await stack.detail.getByRole('button', { name: 'Copy as curl' }).click()
  await stack.page.getByText('The curl command copied.').waitFor()
  const command = await stack.page.evaluate<string>('navigator.clipboard.readText()')
  expect(command).toContain("--data-binary '@body'")
  expect(command).not.toMatch(/[^\P{Cc}\n]/u)
})

test('the curl command that is copied does what the request did, whatever is in it', async () => {
  await using stack = await setUp()
  const body = `{"Name":"it's $(touch /nonexistent/x) \`id\` \\"quoted\\" \\\\ \n@end"}`
  const headers = {
    'content-type': 'application/json',
    'x-note': `it's "$HOME" \\ fine`,
    'x-empty': '',
    'user-agent': 'a/1',
  }
  await stack.call(RECORDS, { method: 'POST', body, headers })
  await stack.call("/services/data/v67.0/query?q=SELECT+Id+FROM+Account+WHERE+Name='{a}[1-2]'")
  await stack.call(RECORDS, { method: 'POST', body: 'no type' })
  await stack.call(RECORDS, { method: 'PATCH' })
  await stack.call(RECORDS, { method: 'HEAD' })
  const sent = stack.org.requests.slice(1)
  await stack.rows.nth(4).waitFor()
  for (const [at, original] of sent.entries()) {
    await stack.page.locator(`tr[data-n="${at + 1}"]`).click()
    await stack.detail.getByText(`${at + 1}, at `).waitFor()
    await stack.detail.getByRole('button', { name: 'Copy as curl' }).click()
    await stack.page.getByText('The curl command copied.').waitFor()
    const command = await stack.page.evaluate<string>('navigator.clipboard.readText()')
    await promisify(execFile)('sh', ['-c', command])
    const again = stack.org.requests.at(-1)
    expect([again?.method, again?.target]).toEqual([original.method, original.target])
    expect(await again?.body).toEqual(await original.body)
    for (const name of ['content-type', 'x-note', 'x-empty']) expect(again?.headers[name]).toBe(original.headers[name])
  }
})
