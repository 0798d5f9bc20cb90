import { expect, test } from 'vitest'
import { startGuarded } from '../support/guarded-app.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { head, sendRaw, statuses } from '../support/raw-bytes.ts'
import { startStack } from '../support/stack.ts'

/** The whole proxy before an upstream that records what arrives. */
async function startProxied(limitBytes: number) {
  const arrived: string[] = []
  const org = await startOriginServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
    request.on('end', () => {
      if (request.url === '/services/oauth2/token') {
        response.setHeader('content-type', 'application/json')
        response.end('{"access_token":"00D000000000001!x","token_type":"Bearer"}')
      } else {
        arrived.push(body)
        response.end('ok')
      }
    })
  })
  const app = await startStack(org, { env: { PROXY_REPLAY_LIMIT_BYTES: String(limitBytes) } })
  return {
    port: app.port,
    arrived,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

const CLOSE = 'Connection: close'
const json = 'Content-Type: application/json'

test('a judged body arrives upstream byte for byte', async () => {
  await using proxied = await startProxied(3_000_000)
  const composite = JSON.stringify({
    compositeRequest: [
      { method: 'POST', url: '/services/data/v62.0/sobjects/A', body: { Name: 'x'.repeat(2_000_000) } },
    ],
  })
  const soapBody = `<Body><create>${'y'.repeat(2_000_000)}</create></Body></Envelope>`
  const session = '<sessionId>00D000000000001!x</sessionId>'
  const header = `<Header><SessionHeader xmlns="urn:partner.soap.sforce.com">${session}</SessionHeader></Header>`
  for (const [path, body, arriving] of [
    ['/services/data/v62.0/composite', composite, composite],
    // SOAP carries the session in its Header; not a byte else is added.
    ['/services/Soap/u/64.0', `<Envelope>${soapBody}`, `<Envelope>${header}${soapBody}`],
  ] as const) {
    const url = `http://127.0.0.1:${proxied.port}${path}`
    const headers = { 'content-type': 'application/json' }
    const sized = await fetch(url, { method: 'POST', headers, body })
    const unsized = await fetch(url, { method: 'POST', headers, body: new Blob([body]).stream(), duplex: 'half' })
    expect([sized.status, unsized.status]).toEqual([200, 200])
    expect(proxied.arrived.splice(0)).toEqual([arriving, arriving])
  }
})

test('a judged body that is refused never reaches the upstream, not in part', async () => {
  await using proxied = await startProxied(1_000)
  const large = 'x'.repeat(2_000_000)
  const answer = await sendRaw(
    proxied,
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
  expect(statuses(await sendRaw(guarded, composite + last, 'stay'))).toEqual([403, 200])
  const call = `<Envelope><Body><create>${large}`
  const soap = head('POST /services/Soap/u/unread HTTP/1.1', `Content-Length: ${call.length}`) + call
  expect(statuses(await sendRaw(guarded, soap + last, 'stay'))).toEqual([200, 200])
})
