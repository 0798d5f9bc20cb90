import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { startFaultServer, type Play } from '../support/fault-server.ts'
import { ask } from '../support/http-client.ts'
import { startOrgAnswering } from '../support/org-answering.ts'
import { openRaw } from '../support/raw-http.ts'

const PATH = '/services/data/v62.0/sobjects/Account'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

/** The proxy in front of an upstream on a bare socket, with one connection to it. */
async function inFrontOf(options: { onRequest?: Play; onConnection?: (socket: Socket) => void }) {
  const upstream = await startFaultServer(options)
  const org = await startOrgAnswering((_, response) => response.end(), {
    env: { CLOUDAWARE_API_URL: upstream.url, UPSTREAM_CONNECTIONS: '1' },
  })
  return {
    port: org.app.port,
    upstream,
    async [Symbol.asyncDispose]() {
      await org[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

/** Writes the pieces as packets of their own. */
const inPieces =
  (...pieces: string[]): Play =>
  (socket) => {
    const [piece, ...rest] = pieces
    if (piece !== undefined) socket.write(piece, 'latin1', () => setImmediate(inPieces(...rest), socket, 0))
  }

test.each<[string, Play]>([
  ['in the same packet as the response', (socket) => socket.write(CONTINUE + OK)],
  ['in a packet of its own', inPieces(CONTINUE, OK)],
  ['several times', (socket) => socket.write(CONTINUE.repeat(20) + OK)],
  ['byte by byte', inPieces(...CONTINUE.split(/(?:)/), OK)],
  ['with fields', (socket) => socket.write(`HTTP/1.1 100 Continue\r\nDate: now\r\nContent-Length: 3\r\n\r\n${OK}`)],
  [
    'beside other interim responses',
    (socket) => socket.write(`${CONTINUE}HTTP/1.1 103 Early Hints\r\n\r\n${CONTINUE}${OK}`),
  ],
])('an unsolicited 100 Continue is skipped, %s', async (_, play) => {
  await using proxy = await inFrontOf({ onRequest: play })
  for (const method of ['GET', 'POST', 'GET']) {
    const reply = await ask(proxy.port, PATH, { method, ...(method === 'POST' && { body: '{}' }) })
    expect([reply.status, reply.text]).toEqual([200, 'hello'])
  }
  expect(proxy.upstream.requests).toBe(3)
  expect(proxy.upstream.connections).toBe(1)
})

test('a 100 Continue in the middle of an upload is skipped', async () => {
  const half = 'x'.repeat(10)
  const isHalfThere = Promise.withResolvers<undefined>()
  await using proxy = await inFrontOf({
    onConnection: (socket) => {
      let seen = ''
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.toString()
        if (seen.endsWith(half + half)) socket.write(OK)
        else if (seen.endsWith(half)) {
          socket.write(CONTINUE, () => {
            isHalfThere.resolve(undefined)
          })
        }
      })
    },
  })
  using client = openRaw(proxy.port)
  client.socket.write(`POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n${half}`)
  await isHalfThere.promise
  client.socket.write(half)
  expect(await client.until('hello')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
})

test.each([
  ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ['no upgrade', `HTTP/1.1 101 Switching Protocols\r\n\r\n${OK}`],
])('an unsolicited 101 with %s is 502, and the next request is served', async (_, bytes) => {
  await using proxy = await inFrontOf({
    onRequest: (socket) => socket.write(proxy.upstream.requests === 1 ? bytes : OK),
  })
  const reply = await ask(proxy.port, PATH)
  expect([reply.status, reply.json()]).toMatchObject([502, [{ errorCode: 'PROXY_UPSTREAM_CLOSED' }]])
  expect((await ask(proxy.port, PATH)).text).toBe('hello')
})

test.each([100, 103])(
  'endless %i responses end the call with a 502, whether or not the caller reads',
  async (status) => {
    const interim = `HTTP/1.1 ${status} Interim\r\nX-Filler: ${'x'.repeat(10_000)}\r\n\r\n`
    const ended = Promise.withResolvers<number>()
    await using proxy = await inFrontOf({
      onRequest: (socket) => {
        let written = 0
        const more = () => {
          if (socket.destroyed) return
          written += 1
          socket.write(interim, more)
        }
        socket.once('close', () => {
          ended.resolve(written)
        })
        more()
      },
    })
    using client = openRaw(proxy.port)
    client.socket.pause()
    client.socket.write(`GET ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    await ended.promise
    client.socket.resume()
    const answer = await client.untilClosed()
    expect(answer).toContain('PROXY_UPSTREAM_CLOSED')
    expect(answer).toContain('HPE_TOO_MANY_INTERIM_RESPONSES')
    expect(answer.split('HTTP/1.1 103 ').length - 1).toBeLessThanOrEqual(100)
  },
)
