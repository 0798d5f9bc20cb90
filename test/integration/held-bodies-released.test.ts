import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createLogin } from '../../src/server/login/login.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import { connectorFor } from '../../src/upstream/connector.ts'
import { createUpstream } from '../../src/upstream/dispatcher.ts'
import { confirmationAt } from '../support/confirmation.ts'
import { startGuarded } from '../support/guarded-app.ts'
import { startOriginServer } from '../support/origin-server.ts'
import fc from '../support/properties.ts'
import { head } from '../support/raw-bytes.ts'

const DEAD = JSON.stringify([{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
const LIMIT = 60_000

/** Guard, proxy, login and the way upstream, over two connections and a short queue; bodies share what three large ones fill. */
async function startTight() {
  const bodyMemory = new BodyMemory({ totalBytes: 160_000, reserveBytes: 140_000 })
  let [asked, mostHeld] = [0, 0]
  const org = await startOriginServer((request, response) => {
    mostHeld = Math.max(mostHeld, bodyMemory.heldBytes)
    asked += 1
    const [, fate] = /[?&]fate=(\w+)/.exec(request.url ?? '') ?? []
    // Before the body has come, or the connection with it.
    if (fate === 'early') response.end('ok')
    if (fate === 'reset') request.socket.destroy()
    request.resume().on('end', () => {
      const isDead = fate === 'dead' && asked % 2 === 0
      if (isDead) response.writeHead(401, { 'content-type': 'application/json' })
      response.end(isDead ? DEAD : 'ok')
    })
  })
  const token = { value: 'x', fingerprint: 'x', obtainedAt: 0, instanceUrl: undefined, identityUrl: undefined }
  const tokensOf = (format: 'opaque' | 'jwt') => ({ get: () => ({ ...token, format }), retire: () => undefined })
  const upstream = createUpstream({
    tokens: tokensOf('opaque'),
    confirmation: confirmationAt(org.url),
    originFor: () => org.url,
    connector: connectorFor({ timeoutMs: 1000 }),
    connections: 2,
    queueLimit: 3,
    queueTimeoutMs: 10_000,
    clock: systemClock,
    connectionLifeMs: 300_000,
    timeoutMs: 10_000,
    replayLimitBytes: LIMIT,
    bodyMemory,
    onEvent: () => undefined,
  })
  const login = createLogin({
    // With it no login asks the org for its user: such a question may last longer than its caller.
    tokens: tokensOf('jwt'),
    dispatcher: upstream.dispatcher,
    callerKeys: undefined,
    clock: systemClock,
    upstreamOrigin: () => org.url,
    username: undefined,
    version: '0',
  })
  const proxy = await startGuarded({
    dispatcher: upstream.dispatcher,
    login,
    answersLogins: true,
    captureBodies: true,
    compositeLimitBytes: LIMIT,
    bodyMemory,
  })
  return {
    ...proxy,
    bodyMemory,
    mostHeld: () => mostHeld,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await upstream.destroy()
      await org[Symbol.asyncDispose]()
    },
  }
}

const V = '/services/data/v62.0'
const compositeOf = (url: string) => (padding: number) =>
  Buffer.from(JSON.stringify({ compositeRequest: [{ method: 'GET', url }], padding: 'x'.repeat(padding) }))
const soapOf = (operation: string) => (padding: number) =>
  Buffer.from(`<Envelope><Header><!--${'x'.repeat(padding)}--></Header><Body><${operation}/></Body></Envelope>`)

/** What callers ask: what is judged and passes, what is refused, what is answered here, and what only streams. */
const KINDS: readonly [path: string, coding: string, body: (padding: number) => Buffer][] = [
  [`${V}/composite`, '', compositeOf(`${V}/limits`)],
  [`${V}/composite`, '', compositeOf('/secur/frontdoor.jsp')],
  [`${V}/composite`, '', (padding) => Buffer.from(`no JSON${'x'.repeat(padding)}`)],
  [`${V}/sobjects/A`, '', (padding) => Buffer.alloc(padding, 'x')],
  ['/services/Soap/u/62.0', '', soapOf('query')],
  ['/services/Soap/u/62.0', '', soapOf('deploy')],
  ['/services/Soap/u/62.0', '', soapOf('login')],
  ['/services/Soap/u/62.0', 'gzip', (padding) => gzipSync(soapOf('query')(padding))],
  ['/services/Soap/u/62.0', 'gzip', (padding) => Buffer.from(`no gzip${'x'.repeat(padding)}`)],
  ['/services/oauth2/token', '', (padding) => Buffer.from(`grant_type=password&password=${'x'.repeat(padding)}`)],
]

const caller = fc.record({
  kind: fc.constantFrom(...KINDS),
  fate: fc.constantFrom('ok', 'dead', 'early', 'reset'),
  padding: fc.oneof(fc.nat(200), fc.nat(2 * LIMIT)),
  isChunked: fc.boolean(),
  /** The same once more on the same connection, without waiting for the first answer. */
  isTwice: fc.boolean(),
})
type Caller = typeof caller extends fc.Arbitrary<infer T> ? T : never

/** The bytes that a caller sends. */
function bytesOf({ kind: [path, coding, bodyOf], fate, padding, isChunked, isTwice }: Caller): Buffer {
  const body = bodyOf(padding)
  const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`
  const fields = [length, ...(coding === '' ? [] : [`Content-Encoding: ${coding}`])]
  const framed = isChunked
    ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])
    : body
  const request = Buffer.concat([Buffer.from(head(`POST ${path}?fate=${fate} HTTP/1.1`, ...fields)), framed])
  return isTwice ? Buffer.concat([request, request]) : request
}

test('whatever comes, in whatever pieces and order, and whoever leaves when: in the end nothing is held', async () => {
  await using proxy = await startTight()
  const turn = fc.record({ at: fc.nat(7), part: fc.double({ min: 0.05, max: 1, noNaN: true }), leaves: fc.nat(9) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(caller, { minLength: 1, maxLength: 8 }),
      fc.array(turn, { maxLength: 40 }),
      async (callers, turns) => {
        const left = callers.map(bytesOf)
        const sockets: Socket[] = callers.map(() => connect(proxy.port, '127.0.0.1'))
        for (const socket of sockets) socket.on('error', () => undefined).resume()
        for (const { at, part, leaves } of turns) {
          const n = at % callers.length
          const bytes = left[n] ?? Buffer.alloc(0)
          const piece = bytes.subarray(0, Math.ceil(bytes.length * part))
          left[n] = bytes.subarray(piece.length)
          if (leaves === 0) sockets[n]?.destroy()
          else sockets[n]?.write(piece)
          await new Promise(setImmediate)
        }
        for (const socket of sockets) socket.destroy()
        while (proxy.inFlight() > 0) await new Promise(setImmediate)
        expect(proxy.bodyMemory.heldBytes).toBe(0)
      },
    ),
    { numRuns: 150 },
  )
  // The memory was used, and it was full.
  expect(proxy.mostHeld()).toBeGreaterThan(LIMIT)
  expect(proxy.lines().filter(({ error }) => error === 'PROXY_MEMORY_FULL').length).toBeGreaterThan(5)
})
