import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { ExchangeDetail } from '../../src/inspector/wire.ts'
import { openEvents } from '../support/event-source.ts'
import { harProblems } from '../support/har.ts'
import { ask, type Question } from '../support/http-client.ts'
import { startOriginServer, type Answer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'

const TOKEN = 'no-known-shape-of-a-token'
const PAGE = { 'x-cloudaware-proxy-page': 'replay' }
const QUERY = '/services/data/v67.0/query?q=SELECT+Name+FROM+CA10__CaAwsInstance__c'
const RECORDS = '/services/data/v67.0/sobjects/CA10__CaAwsInstance__c'

async function setUp({ env = {}, answer }: { env?: Record<string, string>; answer?: Answer } = {}) {
  const origin = await startOriginServer((request, response) => {
    if (request.url === '/services/oauth2/token') {
      request.resume()
      response.end(JSON.stringify({ access_token: TOKEN, token_type: 'Bearer' }))
    } else if (answer) {
      answer(request, response)
    } else {
      request.resume().once('end', () => {
        response.setHeader('content-type', 'application/json')
        response.end('{"totalSize":0}')
      })
    }
  })
  const app = await startStack(origin, { env })
  await app.tokenEvent('obtained')
  const port = Number(new URL(app.adminUrl ?? '').port)
  const events = await openEvents(port)
  const admin = (path: string, question: Question = {}) => ask(port, path, question)
  return {
    origin,
    app,
    port,
    events,
    admin,
    call: (path: string, question: Question = {}) => ask(app.port, path, question),
    /** The details of the exchange with this number, once it is there. */
    async detail(n: number): Promise<ExchangeDetail> {
      await events.until(({ exchanges }) => exchanges?.some((exchange) => exchange.n === n) === true)
      return (await admin(`/exchanges/${n}`)).json() as ExchangeDetail // what the server says it sends
    },
    replay: (n: number, question: Question = {}) =>
      admin(`/exchanges/${n}/replay`, { method: 'POST', headers: PAGE, ...question }),
    apiRequests: () => origin.requests.filter(({ target }) => !target.startsWith('/services/oauth2')),
    async [Symbol.asyncDispose]() {
      await events[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
      await origin[Symbol.asyncDispose]()
    },
  }
}

describe('live', () => {
  test('all there is first, then what is new: exchanges, seconds, marks of the token, troubles', async () => {
    await using stack = await setUp()
    expect(stack.events.status).toBe(200)
    expect(stack.events.headers['content-type']).toBe('text/event-stream')
    const first = await stack.events.until(() => true)
    expect(first).toMatchObject({
      isWhole: true,
      overview: { token: { state: 'ready' } },
      marks: [{ kind: 'obtained' }],
    })
    await stack.call(QUERY)
    await stack.call('/secur/frontdoor.jsp')
    const state = await stack.events.until(({ exchanges, seconds }) => exchanges?.length === 2 && seconds.length > 0)
    expect(state.exchanges).toMatchObject([
      { n: 1, method: 'GET', target: QUERY, status: 200, problem: null },
      { n: 2, status: 403, problem: { code: 'PROXY_PATH_REFUSED' }, upstreamMs: null },
    ])
    expect(state.troubles).toMatchObject([{ source: 'request', code: 'PROXY_PATH_REFUSED 403', exchange: 2 }])
    expect(state.seconds[0]?.requests).toBeGreaterThan(0)
  })

  test('a ninth page is told to wait, and a page that leaves makes room', async () => {
    await using stack = await setUp()
    const others = await Promise.all(Array.from({ length: 7 }, () => openEvents(stack.port)))
    const ninth = await stack.admin('/events')
    expect([ninth.status, ninth.json()]).toMatchObject([503, { ok: false }])
    await others[0]?.[Symbol.asyncDispose]()
    let later = await openEvents(stack.port)
    while (later.status !== 200) later = await openEvents(stack.port)
    await Promise.all([...others, later].map((other) => other[Symbol.asyncDispose]()))
  })

  test('an open page holds up no shutdown, and is told of it', async () => {
    await using stack = await setUp()
    await stack.events.until(() => true)
    expect(await stack.app.close()).toEqual({ drained: true })
    expect(await stack.events.ended).toContain('event: end')
  })
})

describe('an exchange', () => {
  test('without INSPECT: heads and times, bodies by their size alone', async () => {
    await using stack = await setUp()
    await stack.call(RECORDS, { method: 'POST', body: '{"Name":"x"}', headers: { 'x-mine': 'yes', cookie: 'a=b' } })
    const detail = await stack.detail(1)
    expect(detail).toMatchObject({
      requestBody: { kind: 'unasked', bytes: 12 },
      answerBody: { kind: 'unasked', bytes: 15 },
      replay: { kind: 'impossible' },
    })
    expect(detail.requestHeaders).toContainEqual(['x-mine', 'yes'])
    expect(detail.answerHeaders).toContainEqual(['content-type', 'application/json'])
    expect(JSON.stringify(detail)).not.toContain(TOKEN)
  })

  test('with INSPECT: both bodies, decoded; the token is not in them, whatever the API repeats', async () => {
    await using stack = await setUp({
      env: { INSPECT: 'true' },
      answer: (request, response) => {
        request.resume()
        const echo = `{"you sent": "${String(request.headers.authorization)}", "and": "${TOKEN}"}`
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          'x-echo': TOKEN,
          location: `/x?sid=${TOKEN}`,
        })
        response.end(gzipSync(echo))
      },
    })
    await stack.call(RECORDS, { method: 'POST', body: '{"Name":"x"}', headers: { 'content-type': 'application/json' } })
    const detail = await stack.detail(1)
    expect(detail.requestBody).toMatchObject({ kind: 'text', text: '{"Name":"x"}', isCut: false })
    expect(detail.answerBody).toMatchObject({ kind: 'text', coding: 'gzip', isRedacted: true })
    const har = await stack.admin('/exchanges.har')
    const everything = JSON.stringify([detail, har.text, stack.events.latest()])
    expect(everything).toContain('you sent')
    expect(everything).not.toContain(TOKEN)
  })

  test('one that is no longer kept, or never was, is 404', async () => {
    await using stack = await setUp()
    for (const n of ['1', '0', '-1', 'x', '1.5']) expect((await stack.admin(`/exchanges/${n}`)).status).toBe(404)
  })
})

describe('export', () => {
  test('a valid HAR 1.2 of all, or of those that are asked for', async () => {
    await using stack = await setUp({ env: { INSPECT: 'true' } })
    await stack.call(QUERY)
    await stack.call(RECORDS, { method: 'POST', body: '{"Name":"x"}', headers: { 'content-type': 'application/json' } })
    await stack.call('/secur/frontdoor.jsp')
    await stack.call(RECORDS, { method: 'POST', body: Buffer.from([0, 1, 2, 255]) })
    await stack.detail(4)
    const all = await stack.admin('/exchanges.har')
    expect(all.headers['content-disposition']).toContain('attachment')
    expect(harProblems(all.json())).toBeUndefined()
    const { entries } = (all.json() as { log: { entries: unknown[] } }).log
    expect(entries).toHaveLength(4)
    expect(entries[0]).toMatchObject({
      request: {
        url: `${stack.app.url}${QUERY}`,
        queryString: [{ name: 'q', value: 'SELECT Name FROM CA10__CaAwsInstance__c' }],
      },
      response: { status: 200, content: { text: '{"totalSize":0}' } },
    })
    expect(entries[1]).toMatchObject({ request: { postData: { text: '{"Name":"x"}' } } })
    const some = (await stack.admin('/exchanges.har?n=2,3,99')).json()
    expect(harProblems(some)).toBeUndefined()
    expect((some as { log: { entries: unknown[] } }).log.entries).toHaveLength(2)
  })

  test('the validator does find what is wrong', () => {
    expect(harProblems({ log: { version: '1.2', creator: { name: 'x', version: '1' }, entries: [{}] } })).toBeDefined()
  })
})

describe('replay', () => {
  test('what only reads is sent again at once, through the front door, and marked', async () => {
    await using stack = await setUp()
    await stack.call(QUERY, { headers: { 'x-mine': 'yes', 'user-agent': 'tool/1' } })
    await stack.detail(1)
    const reply = await stack.replay(1)
    expect([reply.status, reply.json()]).toMatchObject([200, { ok: true, status: 200 }])
    const again = await stack.detail(2)
    expect(again).toMatchObject({
      replayOf: 1,
      target: QUERY,
      status: 200,
      id: (reply.json() as { requestId: string }).requestId,
    })
    const [first, second] = stack.apiRequests()
    expect(second?.target).toBe(first?.target)
    expect(second?.headers).toMatchObject({
      'x-mine': 'yes',
      'user-agent': 'tool/1 cloudaware-proxy/0.0.0-test',
      authorization: `Bearer ${TOKEN}`,
    })
  })

  test.each([
    { what: 'POST', method: 'POST', path: RECORDS },
    { what: 'PUT', method: 'PUT', path: `${RECORDS}/1` },
    { what: 'GET that is a PATCH by its query', method: 'GET', path: `${RECORDS}/1?_HttpMethod=PATCH` },
    {
      what: 'GET that runs code',
      method: 'GET',
      path: '/services/data/v67.0/tooling/executeAnonymous/?anonymousBody=x',
    },
  ])(
    '$what could change something: it is sent after somebody agreed, with the same bytes',
    async ({ method, path }) => {
      const PROXY_ALLOWED_PATHS = '/services/data/*/tooling/executeanonymous/**'
      await using stack = await setUp({ env: { INSPECT: 'true', PROXY_ALLOWED_PATHS } })
      const body = method === 'GET' ? undefined : Buffer.from([0, 1, 2, 0xff, 0xfe])
      await stack.call(path, { method, ...(body && { body }) })
      expect((await stack.detail(1)).replay).toEqual({ kind: 'ask' })
      const sent = stack.apiRequests().length
      expect((await stack.replay(1)).status).toBe(409)
      expect(stack.apiRequests()).toHaveLength(sent)
      const agreed = await stack.admin('/exchanges/1/replay?agreed=true', { method: 'POST', headers: PAGE })
      expect(agreed.json()).toMatchObject({ ok: true, status: 200 })
      const last = stack.apiRequests().at(-1)
      expect([last?.method, await last?.body]).toEqual([method, body ?? Buffer.alloc(0)])
    },
  )

  test('the guard and the policy of the proxy are those of any caller', async () => {
    await using stack = await setUp({ env: { PROXY_API_KEY: 'a-key-of-callers', INSPECT: 'true' } })
    await stack.call(QUERY, { headers: { 'x-api-key': 'a-key-of-callers' } })
    await stack.detail(1)
    expect((await stack.replay(1)).json()).toMatchObject({ status: 403 })
    const headers = { ...PAGE, 'x-api-key': 'a-key-of-callers' }
    expect((await stack.replay(1, { headers })).json()).toMatchObject({ status: 200 })
    expect(JSON.stringify([await stack.detail(3), stack.events.latest()])).not.toContain('a-key-of-callers')
  })

  test('what was refused, cut or held a credential cannot be sent again, and says why', async () => {
    await using stack = await setUp({ env: { INSPECT: 'true' } })
    await stack.call('/secur/frontdoor.jsp')
    await stack.call(RECORDS, { method: 'POST', body: 'x'.repeat(20_000) })
    await stack.call(RECORDS, { method: 'POST', body: '{"password": "p4ss"}' })
    await stack.call('/services/data/v67.0/query?q=00D000000000001!abc')
    await stack.detail(4)
    for (const n of [1, 2, 3, 4]) {
      const reply = await stack.admin(`/exchanges/${n}/replay?agreed=true`, { method: 'POST', headers: PAGE })
      expect([n, reply.status]).toEqual([n, 422])
    }
    expect((await stack.replay(77)).status).toBe(404)
  })

  test('a proxy that is stopping sends nothing again, and says so', async () => {
    const held = Promise.withResolvers<ServerResponse>()
    await using stack = await setUp({
      answer: (request, response) => {
        request.resume()
        if (request.url === '/services/data') held.resolve(response)
        else response.end('{}')
      },
    })
    await stack.call(QUERY)
    await stack.detail(1)
    const last = stack.call('/services/data')
    const underWay = await held.promise
    const closed = stack.app.close()
    const reply = await stack.replay(1)
    expect([reply.status, reply.text]).toEqual([422, expect.stringContaining('stopping')])
    underWay.end('{}')
    expect((await last).status).toBe(200)
    expect(await closed).toEqual({ drained: true })
  })

  test('no other page can ask for it', async () => {
    await using stack = await setUp()
    await stack.call(QUERY)
    await stack.detail(1)
    for (const headers of [
      {},
      { ...PAGE, origin: 'https://evil.example' },
      { ...PAGE, origin: 'http://localhost:3000' },
      { ...PAGE, 'sec-fetch-site': 'cross-site' },
      { ...PAGE, host: 'rebound.example' },
    ]) {
      expect((await stack.replay(1, { headers })).status).toBe(403)
    }
    const preflight = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    expect(
      (await stack.admin('/exchanges/1/replay', { method: 'OPTIONS', headers: preflight })).headers,
    ).not.toHaveProperty('access-control-allow-origin')
    expect(stack.apiRequests()).toHaveLength(1)
  })
})

describe('a visit', () => {
  test('a link elsewhere leads to the page, by a name that is the proxy’s; nothing else may come from there', async () => {
    await using stack = await setUp()
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    const page = await stack.admin('/', { headers: link })
    expect([page.status, page.headers['x-content-type-options']]).toEqual([200, 'nosniff'])
    expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect((await stack.admin('/', { headers: { ...link, host: 'rebound.example' } })).status).toBe(403)
    expect((await stack.admin('/', { headers: { ...link, 'sec-fetch-dest': 'iframe' } })).status).toBe(403)
    for (const path of ['/status', '/events', '/exchanges.har', '/page/page.js']) {
      expect([path, (await stack.admin(path, { headers: link })).status]).toEqual([path, 403])
    }
  })
})

describe('who may see exchanges', () => {
  test('where callers need a key, nobody without INSPECT; the rest of the page is as public as /status', async () => {
    await using stack = await setUp({ env: { PROXY_API_KEY: 'a-key-of-callers' } })
    await stack.call(QUERY, { headers: { 'x-api-key': 'a-key-of-callers' } })
    const state = await stack.events.until(({ seconds }) => seconds.length > 0)
    expect(state.exchanges).toBeNull()
    expect(state.inspector.closedBecause).toContain('INSPECT=true')
    expect(JSON.stringify(state)).not.toContain('CaAwsInstance')
    for (const path of ['/exchanges/1', '/exchanges.har']) {
      const reply = await stack.admin(path)
      expect([reply.status, reply.json()]).toMatchObject([403, { ok: false }])
    }
    expect((await stack.replay(1)).status).toBe(403)
  })
})
