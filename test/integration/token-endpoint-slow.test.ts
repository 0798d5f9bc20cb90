import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { startStack } from '../support/stack.ts'
import { TokenEndpoint } from '../support/token-endpoint.ts'

const LIMITS = '/services/data/v67.0/limits'

/** Writes a byte at a time for as long as somebody listens. */
function drip(stream: ServerResponse | Socket): void {
  const timer = setInterval(() => stream.write(' '), 2)
  stream.on('close', () => {
    clearInterval(timer)
  })
}

test('a token answer that drips is given up after thirty seconds, its connection closed, and the next one is awaited', async () => {
  await using endpoint = await new TokenEndpoint().listen()
  const answering = endpoint.answering
  const dripping = Promise.withResolvers<ServerResponse>()
  endpoint.answering = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"access_token":')
    drip(response)
    dripping.resolve(response)
  }
  const clock = new FakeClock()
  await using app = await startStack({ url: endpoint.origin }, { clock })
  const closed = once(await dripping.promise, 'close')
  endpoint.answering = answering
  await clock.advance(30_000)
  expect(await app.tokenEvent('failed')).toMatchObject({ error: 'timeout', kind: 'transient' })
  await closed
  await clock.until(app.tokenEvent('obtained'), 2000)
  expect((await ask(app.port, LIMITS)).status).toBe(200)
})

test.each([
  ['whose head never ends', 'HTTP/1.1 200 OK\r\nx-endless: '],
  ['whose head is larger than any', `HTTP/1.1 200 OK\r\nx-large: ${'x'.repeat(300_000)}`],
  ['that is no HTTP', 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'],
  ['that promises more than it gives', 'HTTP/1.1 200 OK\r\ncontent-length: 5000000000\r\n\r\n{'],
])('an answer %s is a transient failure, in bounded time and memory', async (_, begins) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(begins)
      drip(socket)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listener on a TCP port has an AddressInfo.
  const { port } = server.address() as AddressInfo
  const clock = new FakeClock()
  {
    await using app = await startStack({ url: `http://127.0.0.1:${port}` }, { clock })
    const [socket] = (await once(server, 'connection')) as [Socket] // what the event carries
    // Not `once`: a write to a socket that the proxy has closed is an error, and that is as good.
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await clock.until(app.tokenEvent('failed'), 30_000)
    await closed
    expect(app.tokenEvents[1]).toMatchObject({ type: 'failed', kind: 'transient' })
  }
  server.close()
  await once(server, 'close')
})

test('closing in the middle of a token request lets go of it, and of the callers that wait for it', async () => {
  await using endpoint = await new TokenEndpoint().listen()
  const asked = Promise.withResolvers<ServerResponse>()
  endpoint.answering = (response) => {
    asked.resolve(response)
  }
  const clock = new FakeClock()
  const app = await startStack({ url: endpoint.origin }, { clock, env: { DRAIN_TIMEOUT_MS: '20000' } })
  const closed = once(await asked.promise, 'close')
  const caller = ask(app.port, LIMITS)
  while ((await inFlight(app.adminUrl)) !== 1) continue
  const closing = app.close()
  // The caller's wait ends first: nothing that was accepted is cut short.
  await clock.advance(10_000)
  expect((await caller).status).toBe(503)
  expect(await closing).toEqual({ drained: true })
  await closed
  expect(app.tokenEvents.map(({ type }) => type)).toEqual(['requested'])
})

async function inFlight(adminUrl: string | undefined): Promise<number> {
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
  return Number(/^cloudaware_proxy_requests_in_flight (\d+)$/m.exec(metrics)?.[1])
}
