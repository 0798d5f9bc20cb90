import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { startFaultServer, type Play } from '../support/fault-server.ts'
import { ask } from '../support/http-client.ts'
import { startOrgAnswering } from '../support/org-answering.ts'
import { openRaw } from '../support/raw-http.ts'
import { startOriginServer } from '../support/origin-server.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const PATH = '/services/data/v62.0/sobjects/Account'

async function inFrontOf(url: string, env: Record<string, string> = {}) {
  return startOrgAnswering((_, response) => response.end(), { env: { CLOUDAWARE_API_URL: url, ...env } })
}

/** What an error says about repeating the request. */
async function told(port: number, method = 'POST') {
  const reply = await ask(port, PATH, { method, ...(method === 'POST' && { body: Buffer.from('{}') }) })
  const [{ errorCode, message } = { errorCode: '', message: '' }] = reply.json() as Record<string, string>[] // the proxy's own shape
  return {
    status: reply.status,
    code: errorCode,
    mayBeApplied: message.includes('may have been applied'),
    nothingWasSent: message.includes('nothing was sent'),
    retryAfter: reply.headers['retry-after'],
  }
}

const CLOSED = {
  status: 502,
  code: 'PROXY_UPSTREAM_CLOSED',
  mayBeApplied: true,
  nothingWasSent: false,
  retryAfter: undefined,
}
const UNREACHABLE = {
  status: 502,
  code: 'PROXY_UPSTREAM_UNREACHABLE',
  mayBeApplied: false,
  nothingWasSent: true,
  retryAfter: '5',
}

test.each<[string, Play]>([
  ['closes', (socket) => socket.end()],
  ['resets', (socket) => socket.resetAndDestroy()],
  ['closes within the head', (socket) => socket.end('HTTP/1.1 200 O')],
  ['answers with what is no HTTP', (socket) => socket.end('so it was done\r\n\r\n')],
])('a POST that was received before the upstream %s may have been applied', async (_, play) => {
  await using upstream = await startFaultServer({ onRequest: play })
  await using org = await inFrontOf(upstream.url)
  expect(await told(org.app.port)).toEqual(CLOSED)
  expect(upstream.requests).toBe(1)
})

test('a POST whose connection nobody accepts was not sent', async () => {
  const nobody = await startOriginServer((_, response) => response.end())
  await nobody[Symbol.asyncDispose]()
  await using org = await inFrontOf(nobody.url)
  expect(await told(org.app.port)).toEqual(UNREACHABLE)
})

test('a TLS handshake that fails sent nothing of the request', async () => {
  await using upstream = await startFaultServer({ onConnection: (socket) => socket.end('no TLS here\r\n') })
  await using org = await inFrontOf(upstream.url.replace('http:', 'https:'))
  expect(await told(org.app.port)).toMatchObject({ status: 502, code: 'PROXY_UPSTREAM_TLS', mayBeApplied: false })
})

test('a connection that ends while the body is on its way up may have carried enough to be applied', async () => {
  await using upstream = await startFaultServer({
    onConnection: (socket) => socket.once('data', () => socket.resetAndDestroy()),
  })
  await using org = await inFrontOf(upstream.url)
  using client = openRaw(org.app.port)
  client.socket.write(`POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n${'x'.repeat(10)}`)
  expect(await client.until('}]')).toMatch(/^HTTP\/1\.1 502 [^]*PROXY_UPSTREAM_CLOSED/)
})

test('a kept connection that ends before the first byte of the body: nothing of the request was sent', async () => {
  const kept = Promise.withResolvers<Socket>()
  await using upstream = await startFaultServer({
    onRequest: (socket) => {
      socket.write(OK)
      kept.resolve(socket)
    },
  })
  await using org = await inFrontOf(upstream.url, { UPSTREAM_CONNECTIONS: '1' })
  expect((await ask(org.app.port, PATH)).status).toBe(200)
  using client = openRaw(org.app.port)
  client.socket.write(`POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n`)
  // The body is asked for once the request has its connection.
  await client.until('100 Continue')
  await new Promise(setImmediate)
  ;(await kept.promise).resetAndDestroy()
  const answer = await client.until('}]')
  expect(answer).toContain('PROXY_UPSTREAM_UNREACHABLE')
  expect(upstream.requests).toBe(1)
})

test('a PUT that was sent on a kept connection, and again on one that is refused, may have been applied', async () => {
  const kept = Promise.withResolvers<Socket>()
  const upstream = await startFaultServer({
    onRequest: (socket, nth) => {
      if (nth === 1) {
        socket.write(OK)
        return
      }
      kept.resolve(socket)
    },
  })
  await using org = await inFrontOf(upstream.url, { UPSTREAM_CONNECTIONS: '1' })
  expect((await ask(org.app.port, PATH)).status).toBe(200)
  const answer = told(org.app.port, 'DELETE')
  await kept.promise
  // Nobody listens when it is sent again.
  await upstream[Symbol.asyncDispose]()
  expect(await answer).toEqual(CLOSED)
})
