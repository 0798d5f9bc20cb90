import { lookup } from 'node:dns/promises'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { startOrgAnswering, type OrgAnswering } from '../support/org-answering.ts'
import { head, sendRaw, statuses } from '../support/raw-bytes.ts'
import { openRaw } from '../support/raw-http.ts'
import { seriesOf } from '../support/scrape.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { handshake } from '../support/tls-client.ts'

const PATH = '/services/data/v62.0/limits'
const GET = head(`GET ${PATH} HTTP/1.1`)
const LAST = head(`GET ${PATH} HTTP/1.1`, 'Connection: close')

/** An org that answers `/held` when the test says so, and all else at once. */
async function start(limit: number, env: Record<string, string> = {}, stateDirectory = '/nonexistent') {
  const clock = new FakeClock()
  const held: ServerResponse[] = []
  const org = await startOrgAnswering(
    (request, response) => {
      if (request.url?.endsWith('/held') === true) held.push(response)
      else response.end(`ok ${String(request.url)}`)
    },
    { clock, env: { PROXY_MAX_CONNECTIONS: String(limit), ...env }, stateDirectory },
  )
  await org.app.tokenEvent('obtained')
  return {
    ...org,
    clock,
    held,
    async [Symbol.asyncDispose]() {
      // A client that closes may still wait for its response, and no clock moves.
      for (const response of held) response.end('ok')
      await org[Symbol.asyncDispose]()
    },
  }
}

/** A connection with a request in progress. */
async function busy({ app, held }: { app: OrgAnswering['app']; held: readonly unknown[] }, socket?: Socket) {
  const before = held.length
  const caller = openRaw(socket ?? app.port)
  caller.socket.write(head('GET /services/data/held HTTP/1.1'))
  await expect.poll(() => held.length, { interval: 5 }).toBe(before + 1)
  return caller
}

/** A connection that has been used and is kept. */
async function kept(port: number) {
  const caller = openRaw(port)
  caller.socket.write(GET)
  await caller.until('ok')
  return caller
}

async function clients({ app }: Pick<OrgAnswering, 'app'>): Promise<Record<string, number>> {
  const status = (await ask(Number(new URL(String(app.adminUrl)).port), '/status')).json()
  return (status as { clients: Record<string, number> }).clients // checked by the caller
}

test('the connection that has been idle for the longest makes room for a new one', async () => {
  await using org = await start(3)
  using first = await kept(org.app.port)
  await org.clock.advance(10)
  using second = await kept(org.app.port)
  await org.clock.advance(10)
  using third = await kept(org.app.port)
  // The first one is used again: now the second has been idle for the longest.
  await org.clock.advance(10)
  first.socket.write(head(`GET ${PATH}?again HTTP/1.1`))
  await first.until(`ok ${PATH}?again`)
  expect(statuses(await sendRaw(org.app, LAST, 'stay'))).toEqual([200])
  await second.untilClosed()
  expect([first.socket.destroyed, third.socket.destroyed]).toEqual([false, false])
  expect(await clients(org)).toMatchObject({ limit: 3, refused: 0, evicted: 1 })
  await org.app.logged('idle connections closed to make room')
})

test('where all are in use a new connection gets 503 in the form of its API, a line, a count; and probes are answered', async () => {
  await using org = await start(2)
  using one = await busy(org)
  using other = await busy(org)
  const answer = await sendRaw(org.app, LAST, 'stay')
  expect(statuses(answer)).toEqual([503])
  expect(answer).toContain('PROXY_CONNECTIONS_FULL')
  expect(answer).toMatch(/^retry-after: 2\r$/im)
  expect(answer).toMatch(/^connection: close\r$/im)
  const soap = '<Envelope/>'
  const fault = await sendRaw(
    org.app,
    head('POST /services/Soap/u/62.0 HTTP/1.1', `Content-Length: ${soap.length}`) + soap,
    'stay',
  )
  expect(fault).toContain('<faultstring>UNKNOWN_EXCEPTION: PROXY_CONNECTIONS_FULL')
  await org.app.logged('connections refused')
  const warnings = () => org.app.log().split('connections refused').length - 1
  expect(warnings()).toBe(1)
  expect(org.app.log()).toMatch(/"open":2,"limit":2,"refused":1,"evicted":0,"msg":"connections refused/)
  expect(await clients(org)).toEqual({ open: 2, limit: 2, refused: 2, evicted: 0 })
  const readyz = await fetch(`${String(org.app.adminUrl)}/readyz`)
  expect(readyz.status).toBe(200)
  const series = seriesOf(await (await fetch(`${String(org.app.adminUrl)}/metrics`)).text())
  const value = (name: string) => series.find((one) => one.name === `cloudaware_proxy_${name}`)?.value
  expect(value('client_connections')).toBe(2)
  expect(value('client_connections_limit')).toBe(2)
  expect(value('client_connections_refused_total')).toBe(2)
  // What came since the first warning is told ten seconds later.
  await org.clock.advance(10_000)
  expect(warnings()).toBe(2)
  await org.clock.advance(20_000)
  expect(warnings()).toBe(2)

  org.held[0]?.end('ok')
  await one.until('ok')
  expect(statuses(await sendRaw(org.app, LAST, 'stay'))).toEqual([200])
  other.socket.destroy()
})

test('one limit for both loopback addresses, TLS and the unix socket', async () => {
  await using place = await temporaryDirectory()
  const env = { PROXY_HOST: 'localhost', PROXY_TLS_PORT: '0', PROXY_SOCKET: place.file('proxy.sock') }
  await using org = await start(4, env, place.file('state'))
  const tlsPort = Number(new URL(String(org.app.tls?.url)).port)
  using v4 = await busy(org)
  // Not every machine has the second address.
  const hasV6 = (await lookup('localhost', { all: true })).some(({ address }) => address === '::1')
  using v6 = await busy(org, connect(org.app.port, hasV6 ? '::1' : '127.0.0.1'))
  using secure = await busy(org, await handshake(tlsPort))
  using unix = await busy(org, connect(place.file('proxy.sock')))
  expect(statuses(await sendRaw(org.app, LAST, 'stay'))).toEqual([503])
  expect(await clients(org)).toMatchObject({ open: 4 })
  // A connection that is over makes room, whatever it was.
  org.held[2]?.end('ok')
  await secure.until('ok')
  secure.socket.destroy()
  await expect.poll(() => clients(org)).toMatchObject({ open: 3 })
  expect(statuses(await sendRaw(org.app, LAST, 'stay'))).toEqual([200])
  for (const { socket } of [v4, v6, unix]) socket.destroy()
})

test('an idle TLS connection makes room as well; heads that never end do after a second', async () => {
  await using place = await temporaryDirectory()
  await using org = await start(2, { PROXY_TLS_PORT: '0' }, place.file('state'))
  const secure = await handshake(Number(new URL(String(org.app.tls?.url)).port))
  using idle = openRaw(secure)
  idle.socket.write(GET)
  await idle.until('ok')
  using slow = openRaw(org.app.port)
  slow.socket.write('GET / HTTP/1.1\r\n')
  await expect.poll(() => clients(org)).toMatchObject({ open: 2 })
  expect(statuses(await sendRaw(org.app, LAST, 'stay'))).toEqual([200])
  await idle.untilClosed()
  expect(slow.socket.destroyed).toBe(false)
  using third = await busy(org)
  expect(statuses(await sendRaw(org.app, LAST, 'stay'))).toEqual([503])
  await org.clock.advance(1_000)
  expect(statuses(await sendRaw(org.app, LAST, 'stay'))).toEqual([200])
  await slow.untilClosed()
  third.socket.destroy()
})

test('more than the reserve beyond the limit is closed, and counted', async () => {
  await using org = await start(1)
  using one = await busy(org)
  const beyond = Array.from({ length: 40 }, () =>
    connect(org.app.port, '127.0.0.1')
      .on('error', () => undefined)
      .resume(),
  )
  await expect.poll(() => clients(org)).toMatchObject({ open: 1, refused: 40 })
  await expect.poll(() => beyond.filter(({ closed }) => closed).length).toBe(8)
  for (const socket of beyond) socket.destroy()
  one.socket.destroy()
})
