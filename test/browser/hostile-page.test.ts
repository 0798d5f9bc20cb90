import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { startBrowser } from '../support/browser.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'
import { startSwitchboard } from '../support/switchboard.ts'
import { startWebOrg } from '../support/web-org.ts'

/*
 * A real browser on a page that means harm. Each way of calling is a line of the page's own script, in which `url` is an address
 * of the proxy. The proxy must have seen it, or the vector would prove nothing, and the org must not.
 */

const POST_JSON = `{ method: 'POST', body: '{"Name":"x"}' }`
const inForm = (method: string, enctype: string) => `
  const form = document.body.appendChild(document.createElement('form'))
  Object.assign(form, { action: url, method: '${method}', enctype: '${enctype}', target: sink() })
  form.appendChild(Object.assign(document.createElement('input'), { name: '{"Name":"', value: 'x"}' }))
  form.submit()`
const inElement = (name: string, attribute: string, further = '') => `
  const element = document.createElement('${name}')
  ${further}
  element.${attribute} = url
  document.body.appendChild(element)`

const VECTORS: Readonly<Record<string, string>> = {
  fetch: `fetch(url)`,
  'fetch with credentials': `fetch(url, { credentials: 'include' })`,
  'fetch without an answer': `fetch(url, { mode: 'no-cors' })`,
  'fetch without a referrer': `fetch(url, { mode: 'no-cors', referrerPolicy: 'no-referrer' })`,
  'simple post': `fetch(url, ${POST_JSON})`,
  'simple post without an answer': `fetch(url, { mode: 'no-cors', ...${POST_JSON} })`,
  'post of json': `fetch(url, { headers: { 'content-type': 'application/json' }, ...${POST_JSON} })`,
  'fetch with the header of a key': `fetch(url, { headers: { 'x-api-key': 'guess' } })`,
  'fetch with authorization': `fetch(url, { headers: { authorization: 'Bearer guess' } })`,
  patch: `fetch(url, { method: 'PATCH', body: '{}' })`,
  delete: `fetch(url, { method: 'DELETE' })`,
  'a body of unknown type': `fetch(url, { method: 'POST', mode: 'no-cors', body: new Uint8Array([123, 125]) })`,
  'fetch that outlives the page': `fetch(url, { keepalive: true, mode: 'no-cors' })`,
  beacon: `navigator.sendBeacon(url, '{"Name":"x"}')`,
  'old request': `const r = new XMLHttpRequest(); r.open('POST', url); r.send('{}')`,
  'form, urlencoded': inForm('post', 'application/x-www-form-urlencoded'),
  'form, plain text': inForm('post', 'text/plain'),
  'form, multipart': inForm('post', 'multipart/form-data'),
  'form, get': inForm('get', 'application/x-www-form-urlencoded'),
  image: `new Image().src = url`,
  'image with cors': inElement('img', 'src', `element.crossOrigin = 'anonymous'`),
  script: inElement('script', 'src'),
  module: inElement('script', 'src', `element.type = 'module'`),
  style: inElement('link', 'href', `element.rel = 'stylesheet'`),
  prefetch: inElement('link', 'href', `element.rel = 'prefetch'`),
  preload: inElement('link', 'href', `element.rel = 'preload'; element.as = 'fetch'`),
  font: `new FontFace('x', 'url(' + url + ')').load()`,
  video: inElement('video', 'src'),
  object: inElement('object', 'data'),
  embed: inElement('embed', 'src'),
  frame: inElement('iframe', 'src'),
  'sandboxed frame': inElement('iframe', 'src', `element.sandbox = ''`),
  'a sandboxed page of its own': inElement(
    'iframe',
    'sandbox',
    `element.srcdoc = '<script>fetch("' + url + '", { method: "POST", body: "{}" })<' + '/script>'; url = 'allow-scripts'`,
  ),
  'new window': `open(url)`,
  'link that is followed': `Object.assign(document.body.appendChild(document.createElement('a')), { href: url, target: sink() }).click()`,
  websocket: `new WebSocket(url.replace('http', 'ws'))`,
  'event source': `new EventSource(url)`,
  worker: `new Worker(URL.createObjectURL(new Blob(['fetch("' + url + '")'])))`,
  'script of a worker': `new Worker(URL.createObjectURL(new Blob(['importScripts("' + url + '")'])))`,
  redirect: `new Image().src = '/redirect?to=' + encodeURIComponent(url)`,
  'post that is redirected': `fetch('/redirect?to=' + encodeURIComponent(url), { mode: 'no-cors', ...${POST_JSON} })`,
}

const PAGE = `<!doctype html><title>evil</title><body><script>
  const sink = () => {
    const name = 'sink' + document.querySelectorAll('iframe').length
    return document.body.appendChild(Object.assign(document.createElement('iframe'), { name })).name
  }
</script>`

/** The proxy, an org behind it, a server with the attacker's page, and the browser that looks at it. */
async function setUp() {
  const org = await startWebOrg()
  const app = await startStack(org)
  const site = await startOriginServer((request, response) => {
    const { pathname, searchParams } = new URL(String(request.url), 'http://evil.example')
    if (pathname === '/redirect') response.writeHead(307, { location: String(searchParams.get('to')) }).end()
    else response.writeHead(200, { 'content-type': 'text/html', connection: 'close' }).end(PAGE)
  })
  const browser = await startBrowser({ hosts: ['evil.example', 'rebound.example'] })
  return {
    org,
    app,
    adminPort: Number(new URL(String(app.adminUrl)).port),
    openEvil: () => browser.open(`http://evil.example:${site.port}/`),
    /** A page of the attacker's on a name of the attacker's, which from then on means this port of the proxy's. */
    async openRebound(port: number) {
      const board = await startSwitchboard(site.port)
      const page = await browser.open(`http://rebound.example:${board.port}/`)
      board.target = port
      return {
        page,
        origin: `http://rebound.example:${board.port}`,
        async [Symbol.asyncDispose]() {
          await page.close()
          await board[Symbol.asyncDispose]()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]()
      await site[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

let place: Awaited<ReturnType<typeof setUp>>
beforeAll(async () => {
  place = await setUp()
})
afterAll(() => place[Symbol.asyncDispose]())

/** Runs a line of the page's own script; what it throws, or is refused, is the page's affair. */
async function attack(page: Page, url: string, script: string): Promise<void> {
  await page.evaluate(`void (async () => { let url = ${JSON.stringify(url)}; ${script} })().catch(() => undefined)`)
}

/** A path for each vector, by which its access line is found. */
const pathOf = (...words: string[]) => `/services/data/v62.0/${words.join('-').replace(/[^a-z\d]+/g, '-')}`

describe('a page of another site', () => {
  test.each(Object.entries(VECTORS))('%s', async (vector, script) => {
    await using page = await place.openEvil()
    for (const host of ['localhost', '127.0.0.1']) {
      const path = pathOf(vector, host)
      await attack(page, `http://${host}:${place.app.port}${path}`, script)
      expect((await place.app.accessLine(path)).error).toBe(
        vector === 'websocket' ? 'PROXY_REQUEST_INVALID' : 'PROXY_ORIGIN_REFUSED',
      )
    }
    expect(place.org.calls()).toEqual([])
  })

  test('learns nothing of the answer, not even that something answered as it should', async () => {
    await using page = await place.openEvil()
    const url = `http://localhost:${place.app.port}${pathOf('read')}`
    for (const init of ['{}', "{ method: 'POST' }", "{ headers: { 'x-api-key': 'guess' } }", "{ method: 'DELETE' }"]) {
      const seen = await page.evaluate(`fetch('${url}', ${init}).then((r) => r.text(), (error) => error.name)`)
      expect(seen).toBe('TypeError')
    }
    expect(place.org.calls()).toEqual([])
  })

  test('cannot ask the admin listener either', async () => {
    await using page = await place.openEvil()
    for (const [path, init] of [
      ['/status', '{}'],
      ['/refresh', "{ method: 'POST', mode: 'no-cors' }"],
      ['/metrics', "{ mode: 'no-cors' }"],
    ] as const) {
      const url = `http://localhost:${place.adminPort}${path}`
      const seen = await page.evaluate(`fetch('${url}', ${init}).then((r) => r.type, (error) => error.name)`)
      expect(seen).toBe(init.includes('no-cors') ? 'opaque' : 'TypeError')
    }
    expect(place.app.tokenEvents.map(({ type }) => type)).toEqual(['requested', 'obtained'])
  })
})

/** What differs once the browser takes the proxy for the page's own server: no Origin, no preflight, `same-origin`. */
const SAME_ORIGIN = [
  ...[
    'fetch',
    'post of json',
    'fetch with authorization',
    'patch',
    'delete',
    'beacon',
    'old request',
    'form, urlencoded',
  ],
  ...['form, get', 'image', 'script', 'frame', 'new window', 'websocket', 'event source', 'worker'],
]

describe('a page whose name has come to mean 127.0.0.1', () => {
  test.each(SAME_ORIGIN)('%s', async (vector) => {
    const script = String(VECTORS[vector])
    await using rebound = await place.openRebound(place.app.port)
    const path = pathOf('rebound', vector)
    await attack(rebound.page, rebound.origin + path, script)
    expect((await place.app.accessLine(path)).error).toBe(
      vector === 'websocket' ? 'PROXY_REQUEST_INVALID' : 'PROXY_HOST_REFUSED',
    )
    expect(place.org.calls()).toEqual([])
  })

  test('reads refusals and nothing else, from either listener', async () => {
    for (const port of [place.app.port, place.adminPort]) {
      await using rebound = await place.openRebound(port)
      for (const path of ['/services/data/v62.0/limits', '/status', '/metrics', '/readyz']) {
        const seen = await rebound.page.evaluate(`fetch('${path}').then(async (r) => [r.status, await r.text()])`)
        expect(seen).toEqual([403, expect.stringContaining('PROXY_HOST_REFUSED')])
      }
    }
    expect(place.org.calls()).toEqual([])
  })
})
