import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../support/fake-clock.ts'
import { ask } from '../../support/http-client.ts'
import { startOrgAnswering, type OrgAnswering } from '../../support/org-answering.ts'
import type { Answer } from '../../support/origin-server.ts'
import { head, statuses } from '../../support/raw-bytes.ts'
import { openRaw } from '../../support/raw-http.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { handshake } from '../../support/tls-client.ts'

/* Who stops in the middle of a body holds a connection to Cloudaware, and there are not many. */

const SECOND = 1000
const ACCOUNTS = '/services/data/v62.0/sobjects/Account'
const ok: Answer = (request, response) => {
  request.resume().on('end', () => response.end('ok'))
}

async function orgAnswering(answer: Answer = ok, env: Record<string, string> = {}, stateDirectory?: string) {
  const clock = new FakeClock()
  const org = await startOrgAnswering(answer, { clock, env, ...(stateDirectory !== undefined && { stateDirectory }) })
  await org.app.tokenEvent('obtained')
  return { ...org, clock }
}

/** The connections to Cloudaware, as /status has them. */
async function load({ app }: OrgAnswering): Promise<unknown> {
  const status = (await ask(Number(new URL(String(app.adminUrl)).port), '/status')).json()
  return (status as { connections: unknown }).connections // checked by the caller
}

async function loadBecomes(org: OrgAnswering, active: number, waiting = 0): Promise<void> {
  await expect.poll(() => load(org), { interval: 10 }).toEqual({ active, waiting })
}

test('as many silent callers as there are connections: after 30 s they are told to go, and the next one is served', async () => {
  await using org = await orgAnswering()
  const silent = (length: number) =>
    Array.from({ length }, () => {
      const caller = openRaw(org.app.port)
      caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 1000') + '{"Name":')
      return caller
    })
  const first = silent(64)
  await loadBecomes(org, 64)
  await org.clock.advance(2 * SECOND)
  const second = silent(6)
  await loadBecomes(org, 64, 6)
  const ordinary = ask(org.app.port, ACCOUNTS)
  await loadBecomes(org, 64, 7)
  await org.clock.advance(27 * SECOND)
  expect(await load(org)).toEqual({ active: 64, waiting: 7 })

  await org.clock.advance(2 * SECOND)
  const answers = await Promise.all(first.map((caller) => caller.untilClosed()))
  for (const answer of answers) {
    expect(answer).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/)
    expect(answer).toMatch(/^Connection: close\r$/im)
    expect(answer).toContain('"errorCode":"PROXY_REQUEST_TIMEOUT"')
  }
  expect(await ordinary).toMatchObject({ status: 200, text: 'ok' })
  // The six that waited have had a connection since, and lose it in their turn.
  await loadBecomes(org, 6)
  await org.clock.advance(30 * SECOND)
  await Promise.all(second.map((caller) => caller.untilClosed()))
  await loadBecomes(org, 0)
  // Nothing that was cut is taken for a whole.
  for (const { method, body } of org.api()) if (method === 'POST') await expect(body).rejects.toThrow()
})

describe('whatever is wanted of a body that stops, the request ends with 408', () => {
  const envelope = '<Envelope><Body>'
  test.each([
    ['by its length', head(`POST ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 10') + '{'],
    ['of which nothing comes', head(`POST ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 10')],
    ['in chunks', head(`POST ${ACCOUNTS} HTTP/1.1`, 'Transfer-Encoding: chunked') + '2\r\n{'],
    [
      'before its trailers',
      head(`POST ${ACCOUNTS} HTTP/1.1`, 'Transfer-Encoding: chunked') + '2\r\n{}\r\n0\r\nX: y\r\n',
    ],
    ['of a GET', head(`GET ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 10') + '{'],
    ['that is judged', head('POST /services/data/v62.0/composite HTTP/1.1', 'Content-Length: 10') + '{'],
    ['of an envelope', head('POST /services/Soap/u/62.0 HTTP/1.1', 'Content-Length: 90') + envelope],
    ['of a call', head('POST /services/Soap/u/62.0 HTTP/1.1', 'Content-Length: 900') + `${envelope}<query>`],
    ['of a login', head('POST /services/Soap/u/62.0 HTTP/1.1', 'Content-Length: 900') + `${envelope}<login>`],
    ['of a token request', head('POST /services/oauth2/token HTTP/1.1', 'Content-Length: 90') + 'grant_type='],
    [
      'that is packed',
      head('POST /services/Soap/u/62.0 HTTP/1.1', 'Content-Encoding: gzip', 'Content-Length: 90') + '\u001f\u008b',
    ],
  ])('%s', async (_what, bytes) => {
    await using org = await orgAnswering()
    using caller = openRaw(org.app.port)
    caller.socket.write(bytes.replace('\r\n', '\r\nX-Request-Id: stops\r\n'), 'latin1')
    await org.clock.waitForSleep(SECOND)
    await org.clock.advance(29 * SECOND)
    expect(await caller.until('')).toBe('')
    await org.clock.advance(2 * SECOND)
    const answer = await caller.untilClosed()
    expect(statuses(answer)).toEqual([408])
    expect(answer).toContain('PROXY_REQUEST_TIMEOUT')
    expect(await org.app.accessLine('stops')).toMatchObject({ status: 408, error: 'PROXY_REQUEST_TIMEOUT' })
    await loadBecomes(org, 0)
    expect(await ask(org.app.port, ACCOUNTS)).toMatchObject({ status: 200, text: 'ok' })
    expect(org.app.log()).not.toContain('already sent')
  })
})

test('drips do not keep a request alive: less than 100 bytes a second, whatever they are', async () => {
  await using org = await orgAnswering()
  using caller = openRaw(org.app.port)
  caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'Transfer-Encoding: chunked'))
  await org.clock.waitForSleep(SECOND)
  const isOpen = () => !caller.socket.readableEnded
  // One in each second of the fake clock.
  let drips = 0
  while (isOpen() && drips < 60) {
    const before = org.org.received().length
    caller.socket.write('1;a\r\nx\r\n')
    while (org.org.received().length === before && isOpen()) await new Promise(setImmediate)
    await org.clock.advance(SECOND)
    drips += 1
  }
  expect(statuses(await caller.untilClosed())).toEqual([408])
  expect(drips).toBeGreaterThan(30)
  expect(drips).toBeLessThan(36)
  await expect(org.api()[0]?.body).rejects.toThrow()
  await loadBecomes(org, 0)
})

test('a fast beginning buys no time', async () => {
  await using org = await orgAnswering()
  using caller = openRaw(org.app.port)
  caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 1000001') + 'x'.repeat(1_000_000))
  while (org.org.received().length < 1_000_000) await new Promise(setImmediate)
  await org.clock.advance(31 * SECOND)
  expect(statuses(await caller.untilClosed())).toEqual([408])
})

test('where the answer has begun, the connection is cut, and the line says why', async () => {
  await using org = await orgAnswering((_request, response) => {
    response.write('beginning')
  })
  using caller = openRaw(org.app.port)
  caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'X-Request-Id: cut', 'Content-Length: 10') + '{')
  await caller.until('beginning')
  await org.clock.advance(31 * SECOND)
  const answer = await caller.untilClosed()
  expect(statuses(answer)).toEqual([200])
  expect(answer).not.toContain('\r\n0\r\n\r\n')
  expect(await org.app.accessLine('cut')).toMatchObject({ error: 'PROXY_REQUEST_TIMEOUT', brokenOff: true })
  await loadBecomes(org, 0)
})

test('a second request that waits behind a silent body is not taken for its rest, nor served', async () => {
  await using org = await orgAnswering()
  using caller = openRaw(org.app.port)
  const second = head('GET /services/data/second HTTP/1.1')
  caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, `Content-Length: ${second.length + 1}`) + second)
  await org.clock.waitForSleep(SECOND)
  await org.clock.advance(31 * SECOND)
  expect(statuses(await caller.untilClosed())).toEqual([408])
  expect(org.api().map(({ target }) => target)).toEqual([ACCOUNTS])
})

test.each(['https', 'unix'])('a silent caller of the %s listener ends as well', async (kind) => {
  await using place = await temporaryDirectory()
  const path = place.file('proxy.sock')
  await using org = await orgAnswering(ok, { PROXY_TLS_PORT: '0', PROXY_SOCKET: path }, place.file('state'))
  const socket = kind === 'unix' ? connect(path) : await handshake(Number(new URL(String(org.app.tls?.url)).port))
  using caller = openRaw(socket)
  socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 10') + '{')
  await org.clock.waitForSleep(SECOND)
  await org.clock.advance(31 * SECOND)
  expect(statuses(await caller.untilClosed())).toEqual([408])
  await loadBecomes(org, 0)
})

describe('what comes after the 408 goes nowhere, though an answer before it keeps the connection open', () => {
  const composite = (url: string) =>
    JSON.stringify({ compositeRequest: [{ method: 'GET', url, referenceId: 'a' }], padding: 'x'.repeat(100) })
  test.each([
    ['a body that is judged', '/services/data/v62.0/composite', composite('/services/data/v62.0/limits')],
    ['one that is refused', '/services/data/v62.0/composite', composite('/secur/frontdoor.jsp')],
    ['one that passes as it is', ACCOUNTS, 'x'.repeat(200)],
    ['a login', '/services/oauth2/token', 'grant_type=password&username=a&password=b'],
  ])('%s', async (_what, path, body) => {
    const slow = Promise.withResolvers<ServerResponse>()
    await using org = await orgAnswering((request, response) => {
      if (request.url === '/services/data/slow') slow.resolve(response)
      else ok(request, response)
    })
    using caller = openRaw(org.app.port)
    const fields = ['Content-Type: application/json', 'X-Request-Id: late', `Content-Length: ${body.length}`]
    caller.socket.write(head('GET /services/data/slow HTTP/1.1') + head(`POST ${path} HTTP/1.1`, ...fields))
    caller.socket.write(body.slice(0, 20))
    const answer = await slow.promise
    await org.clock.waitForSleep(SECOND)
    await org.clock.advance(31 * SECOND)
    caller.socket.write(body.slice(20))
    // By the time another caller is served, what came before it has been read.
    expect((await ask(org.app.port, ACCOUNTS)).status).toBe(200)
    answer.end('slow')
    expect(statuses(await caller.untilClosed())).toEqual([200, 408])
    expect(await org.app.accessLine('late')).toMatchObject({ status: 408, error: 'PROXY_REQUEST_TIMEOUT' })
    expect(org.app.log()).not.toContain('already sent')
    const whole = org.api().filter(({ headers }) => headers['x-request-id'] !== 'late')
    expect(whole.map(({ target }) => target)).toEqual(['/services/data/slow', ACCOUNTS])
    for (const { headers, body: sent } of org.api())
      if (headers['x-request-id'] === 'late') await expect(sent).rejects.toThrow()
  })
})
