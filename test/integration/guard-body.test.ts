import { once } from 'node:events'
import { createServer } from 'node:http'
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { expect, test } from 'vitest'
import { createGuard } from '../../src/server/guard.ts'
import { OPEN, startGuarded } from '../support/guarded-app.ts'
import { head, portOf, sendRaw, statuses } from '../support/raw-http.ts'

/** http-proxy behind the guard, before an upstream that records what arrives. */
async function startProxied(compositeLimitBytes: number) {
  const arrived: { length: string | undefined; encoding: string | undefined; body: string }[] = []
  const upstream = createServer((request, response) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
    request.on('end', () => {
      arrived.push({ length, encoding, body })
      response.end('ok')
    })
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')

  const guard = createGuard({ ...OPEN, compositeLimitBytes })
  const app = fastify({ forceCloseConnections: true })
  app.addHook('onRequest', guard.onRequest)
  app.addHook('preParsing', guard.preParsing)
  app.removeAllContentTypeParsers()
  await app.register(httpProxy, { upstream: `http://127.0.0.1:${portOf(upstream)}` })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    server: app.server,
    arrived,
    async [Symbol.asyncDispose]() {
      await app.close()
      upstream.close()
      upstream.closeAllConnections()
    },
  }
}

const CLOSE = 'Connection: close'
const json = 'Content-Type: application/json'

test('a judged body arrives upstream byte for byte, framed as it was sent', async () => {
  await using proxied = await startProxied(3_000_000)
  const composite = JSON.stringify({
    compositeRequest: [
      { method: 'POST', url: '/services/data/v62.0/sobjects/A', body: { Name: 'x'.repeat(2_000_000) } },
    ],
  })
  const soap = `<Envelope><Body><query>${'y'.repeat(2_000_000)}</query></Body></Envelope>`
  for (const [path, body] of [
    ['/services/data/v62.0/composite', composite],
    ['/services/Soap/u/64.0', soap],
  ] as const) {
    const url = `http://127.0.0.1:${portOf(proxied.server)}${path}`
    const headers = { 'content-type': 'application/json' }
    const sized = await fetch(url, { method: 'POST', headers, body })
    const unsized = await fetch(url, { method: 'POST', headers, body: new Blob([body]).stream(), duplex: 'half' })
    expect([sized.status, unsized.status]).toEqual([200, 200])
    const [first, second] = proxied.arrived.splice(0)
    expect(first).toEqual({ length: String(body.length), encoding: undefined, body })
    expect(second).toEqual({ length: undefined, encoding: 'chunked', body })
  }
})

test('a judged body that is refused never reaches the upstream, not in part', async () => {
  await using proxied = await startProxied(1_000)
  const large = 'x'.repeat(2_000_000)
  const answer = await sendRaw(
    proxied.server,
    head('POST /services/data/v62.0/composite HTTP/1.1', CLOSE, json, `Content-Length: ${large.length}`) + large,
    'stay',
  )
  expect(statuses(answer)).toEqual([403])
  expect(proxied.arrived).toEqual([])
})

test('a connection is not blocked by the rest of a body that was refused, or that nobody wanted', async () => {
  await using guarded = await startGuarded()
  const large = 'x'.repeat(2_000_000)
  const last = head('GET /services/data HTTP/1.1', CLOSE)
  const composite = head('POST /services/data/v62.0/composite HTTP/1.1', `Content-Length: ${large.length}`) + large
  expect(statuses(await sendRaw(guarded.server, composite + last, 'stay'))).toEqual([403, 200])
  const call = `<Envelope><Body><query>${large}`
  const soap = head('POST /services/Soap/u/unread HTTP/1.1', `Content-Length: ${call.length}`) + call
  expect(statuses(await sendRaw(guarded.server, soap + last, 'stay'))).toEqual([200, 200])
})
