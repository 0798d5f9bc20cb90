import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { startOrgAnswering } from '../support/org-answering.ts'
import { head, statuses } from '../support/raw-bytes.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const SECOND = 1000
const WAYS = ['plain', 'tls', 'unix'] as const
type Way = (typeof WAYS)[number]

interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** An org that leaves its requests to the test, behind a proxy that listens in every way. */
async function setUp({ clock, ...env }: { clock?: FakeClock } & Record<string, unknown> = {}) {
  const directory = await temporaryDirectory()
  const certificate = await selfSignedCertificate()
  const [cert, key] = [directory.file('cert.pem'), directory.file('key.pem')]
  await writeFile(cert, certificate.cert)
  await writeFile(key, certificate.key)
  const calls: Call[] = []
  const org = await startOrgAnswering(
    (request, response) => {
      if (request.url?.endsWith('/quick') === true) response.end('quick')
      else calls.push({ request, response })
    },
    {
      ...(clock && { clock }),
      env: {
        PROXY_SOCKET: directory.file('proxy.sock'),
        PROXY_TLS_PORT: '0',
        PROXY_TLS_CERT_FILE: cert,
        PROXY_TLS_KEY_FILE: key,
        ...(env as Record<string, string>),
      },
    },
  )
  await org.app.tokenEvent('obtained')
  const places = {
    plain: org.app.port,
    tls: Number(new URL(String(org.app.tls?.url)).port),
    unix: directory.file('proxy.sock'),
  }
  return {
    ...org,
    places,
    /** `tcp` is what carries the TLS, or the socket itself. */
    async connect(way: Way): Promise<RawConnection & { readonly tcp: Socket }> {
      const place = way === 'unix' ? { path: places.unix } : { port: places[way], host: '127.0.0.1' }
      const tcp = connect({ ...place, allowHalfOpen: true })
      tcp.on('error', () => undefined)
      await once(tcp, 'connect')
      if (way !== 'tls') return Object.assign(openRaw(tcp), { tcp })
      const socket = connectTls({ socket: tcp, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      return Object.assign(openRaw(socket), { tcp })
    },
    /** The `nth` request that the test has to answer. */
    async call(nth = 1): Promise<Call> {
      for (;;) {
        const call = calls[nth - 1]
        if (call !== undefined) return call
        await new Promise(setImmediate)
      }
    },
    get calls() {
      return calls.length
    },
    /** What was sent before this is known to the proxy after it. */
    async roundTrip(): Promise<void> {
      expect((await ask(places.plain, '/services/data/quick')).text).toBe('quick')
    },
    async connections(): Promise<{ active: number; waiting: number }> {
      const status = (await ask(Number(new URL(String(org.app.adminUrl)).port), '/status')).json()
      return (status as { connections: { active: number; waiting: number } }).connections // as /status is documented
    },
    async [Symbol.asyncDispose]() {
      for (const { response } of calls) response.destroy()
      await org[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

const GET = head('GET /services/data/x HTTP/1.1')
const POST = `${head('POST /services/data/x HTTP/1.1', 'Content-Length: 5')}hello`

/** Writes and half-closes, and resolves once both are with the kernel. */
async function writeAndHalfClose(socket: Socket, bytes: string): Promise<void> {
  socket.end(bytes)
  await once(socket, 'finish')
}

describe.each(WAYS)('over %s', (way) => {
  test.each([
    ['without a body', GET, ''],
    ['with a body', POST, 'hello'],
    [
      'with a chunked body',
      `${head('POST /services/data/x HTTP/1.1', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
      'hello',
    ],
  ])('a request %s and a FIN behind it is answered', async (_, bytes, body) => {
    await using proxy = await setUp()
    using client = await proxy.connect(way)
    await writeAndHalfClose(client.socket, bytes)
    const { response } = await proxy.call()
    expect(String(await proxy.api()[0]?.body)).toBe(body)
    await proxy.roundTrip()
    response.end('answer')
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nanswer$/)
  })

  test('a running download is not cut by a FIN', async () => {
    await using proxy = await setUp()
    using client = await proxy.connect(way)
    client.socket.write(GET)
    const { response } = await proxy.call()
    response.writeHead(200, { 'content-length': 10 }).write('hello')
    await client.until('hello')
    await writeAndHalfClose(client.socket, '')
    await proxy.roundTrip()
    response.end('world')
    expect(await client.untilClosed()).toMatch(/helloworld$/)
  })

  test.each([
    ['of known length', `${head('POST /services/data/x HTTP/1.1', 'Content-Length: 50')}hello`],
    ['of chunks', `${head('POST /services/data/x HTTP/1.1', 'Transfer-Encoding: chunked')}5\r\nhello\r\n`],
  ])('a FIN inside a body %s breaks the upstream call off', async (_, bytes) => {
    await using proxy = await setUp()
    using client = await proxy.connect(way)
    client.socket.write(bytes)
    await proxy.call()
    await writeAndHalfClose(client.socket, '')
    await expect(proxy.api()[0]?.body).rejects.toThrow('aborted')
    expect(await client.untilClosed()).not.toMatch(/^HTTP\/1\.1 2/)
    expect(await proxy.connections()).toEqual({ active: 0, waiting: 0 })
  })

  test('pipelined requests and a FIN behind them are all answered', async () => {
    await using proxy = await setUp()
    using client = await proxy.connect(way)
    await writeAndHalfClose(client.socket, GET + POST)
    ;(await proxy.call(1)).response.end('first')
    ;(await proxy.call(2)).response.end('second')
    expect(statuses(await client.untilClosed())).toEqual([200, 200])
  })

  test('a client that closes both ways after its request is noticed within a look', async () => {
    const clock = new FakeClock()
    await using proxy = await setUp({ clock })
    using client = await proxy.connect(way)
    client.socket.write(GET)
    const { response } = await proxy.call()
    const closed = once(response, 'close')
    client.socket.destroy()
    await once(client.socket, 'close')
    await proxy.roundTrip()
    await clock.advance(2 * SECOND)
    await closed
  })

  test.each([
    ['', 'write'],
    ['half-closed ', 'end'],
  ])('a %sclient process that is killed is noticed within a look', async (_, send) => {
    const clock = new FakeClock()
    await using proxy = await setUp({ clock })
    const place =
      way === 'unix'
        ? { path: proxy.places.unix }
        : { port: proxy.places[way], host: '127.0.0.1', rejectUnauthorized: false }
    const client = spawn(process.execPath, [
      '--eval',
      `const socket = require('${way === 'tls' ? 'tls' : 'net'}').connect(${JSON.stringify({ ...place, allowHalfOpen: true })})
       socket.${send}(${JSON.stringify(GET)})
       setInterval(() => {}, 60_000)`,
    ])
    const { response } = await proxy.call()
    const closed = once(response, 'close')
    await proxy.roundTrip()
    client.kill('SIGKILL')
    await once(client, 'exit')
    await proxy.roundTrip()
    await clock.advance(2 * SECOND)
    await closed
    await proxy.app.logged('"brokenOff":true')
  })
})

test('a FIN below TLS, without a close_notify, counts as well', async () => {
  await using proxy = await setUp()
  using client = await proxy.connect('tls')
  client.socket.write(GET)
  const { response } = await proxy.call()
  await writeAndHalfClose(client.tcp, '')
  await proxy.roundTrip()
  response.end('answer')
  await client.until('answer')
})

describe.each(['plain', 'tls'] as const)('a reset over %s', (way) => {
  test('cancels the upstream call at once', async () => {
    await using proxy = await setUp()
    using client = await proxy.connect(way)
    client.socket.write(GET)
    const { response } = await proxy.call()
    const closed = once(response, 'close')
    client.tcp.resetAndDestroy()
    await closed
  })

  test('behind a FIN is noticed within a look', async () => {
    const clock = new FakeClock()
    await using proxy = await setUp({ clock })
    using client = await proxy.connect(way)
    await writeAndHalfClose(client.socket, GET)
    const { response } = await proxy.call()
    const closed = once(response, 'close')
    await proxy.roundTrip()
    client.tcp.resetAndDestroy()
    await proxy.roundTrip()
    await clock.advance(1 * SECOND)
    await closed
  })
})

describe('a half-closed request that Cloudaware has not answered', () => {
  test('ends after UPSTREAM_HALF_CLOSED_MS, with a 504 that says why', async () => {
    const clock = new FakeClock()
    await using proxy = await setUp({ clock })
    using client = await proxy.connect('plain')
    await writeAndHalfClose(client.socket, POST)
    const { response } = await proxy.call()
    const closed = once(response, 'close')
    await proxy.roundTrip()
    await clock.advance(90 * SECOND)
    expect(response.destroyed).toBe(false)
    await clock.advance(2 * SECOND)
    await closed
    const answer = await client.untilClosed()
    expect(statuses(answer)).toEqual([504])
    expect(answer).toMatch(/PROXY_UPSTREAM_TIMEOUT.*UPSTREAM_HALF_CLOSED_MS.*may have been applied/)
    expect(await proxy.connections()).toEqual({ active: 0, waiting: 0 })
  })

  test('never ends for that where UPSTREAM_HALF_CLOSED_MS is 0, nor once its response has begun', async () => {
    const clock = new FakeClock()
    await using proxy = await setUp({ clock, UPSTREAM_HALF_CLOSED_MS: '0' })
    using client = await proxy.connect('plain')
    await writeAndHalfClose(client.socket, GET)
    const { response } = await proxy.call()
    await proxy.roundTrip()
    await clock.advance(400 * SECOND)
    response.end('late')
    expect(await client.untilClosed()).toContain('late')
    await using other = await setUp({ clock })
    using reader = await other.connect('plain')
    await writeAndHalfClose(reader.socket, GET)
    const begun = await other.call()
    begun.response.write('begun')
    await reader.until('begun')
    await clock.advance(400 * SECOND)
    begun.response.end('ended')
    expect(await reader.untilClosed()).toContain('ended')
  })

  test('gives its connection to a request that waits for one; the one that was half-closed first goes first', async () => {
    const clock = new FakeClock()
    await using proxy = await setUp({ clock, UPSTREAM_CONNECTIONS: '3', UPSTREAM_QUEUE_TIMEOUT_MS: '3600000' })
    using open = await proxy.connect('plain')
    open.socket.write(GET)
    await proxy.call(1)
    using first = await proxy.connect('plain')
    await writeAndHalfClose(first.socket, POST)
    await proxy.call(2)
    // The last connection shows that the FIN has arrived.
    await proxy.roundTrip()
    await clock.advance(2 * SECOND)
    using second = await proxy.connect('plain')
    await writeAndHalfClose(second.socket, GET)
    await proxy.call(3)
    // One that is half-closed itself takes nobody's place.
    using queued = await proxy.connect('plain')
    await writeAndHalfClose(queued.socket, GET)
    await expect.poll(() => proxy.connections(), { interval: 10 }).toEqual({ active: 3, waiting: 1 })
    await clock.advance(10 * SECOND)
    expect(await proxy.connections()).toEqual({ active: 3, waiting: 1 })
    using waiter = await proxy.connect('plain')
    waiter.socket.write(GET)
    await expect.poll(() => proxy.connections(), { interval: 10 }).toEqual({ active: 3, waiting: 2 })
    await clock.advance(1 * SECOND)
    const answer = await first.untilClosed()
    expect(statuses(answer)).toEqual([504])
    expect(answer).toMatch(/PROXY_UPSTREAM_TIMEOUT.*other requests waited.*may have been applied/)
    ;(await proxy.call(4)).response.end('queued')
    expect(await queued.untilClosed()).toContain('queued')
    ;(await proxy.call(5)).response.end('waiter')
    await waiter.until('waiter')
    await clock.advance(10 * SECOND)
    for (const nth of [1, 3]) (await proxy.call(nth)).response.end('kept')
    expect([await open.until('kept'), await second.untilClosed()].map(statuses)).toEqual([[200], [200]])
  })

  test('gives its connection up as well where its response has stalled, but not while that goes on', async () => {
    const clock = new FakeClock()
    await using proxy = await setUp({ clock, UPSTREAM_CONNECTIONS: '1', UPSTREAM_QUEUE_TIMEOUT_MS: '3600000' })
    using reader = await proxy.connect('plain')
    await writeAndHalfClose(reader.socket, GET)
    const { response } = await proxy.call(1)
    using waiter = await proxy.connect('plain')
    waiter.socket.write(GET)
    for (let piece = 1; piece <= 10; piece++) {
      response.write(`piece ${piece};`)
      await reader.until(`piece ${piece};`)
      await clock.advance(2 * SECOND)
    }
    expect(proxy.calls).toBe(1)
    await clock.advance(8 * SECOND)
    expect(await reader.untilClosed()).toContain('piece 10;')
    ;(await proxy.call(2)).response.end('waiter')
    await waiter.until('waiter')
  })
})

test('the event stream of a page ends when the page is closed', async () => {
  await using proxy = await setUp()
  const port = Number(new URL(String(proxy.app.adminUrl)).port)
  using client = openRaw(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
  client.socket.write(head('GET /events HTTP/1.1'))
  await client.until('data: ')
  await writeAndHalfClose(client.socket, '')
  expect(statuses(await client.untilClosed())).toEqual([200])
})

test('the admin listener answers a half-closed request too', async () => {
  await using proxy = await setUp()
  const port = Number(new URL(String(proxy.app.adminUrl)).port)
  using client = openRaw(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
  await writeAndHalfClose(client.socket, head('GET /status HTTP/1.1'))
  expect(statuses(await client.untilClosed())).toEqual([200])
})
