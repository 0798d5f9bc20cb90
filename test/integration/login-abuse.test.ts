import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { ask } from '../support/http-client.ts'
import { askToken, envelope, loginCall } from '../support/login-client.ts'
import fc from '../support/properties.ts'
import { head } from '../support/raw-bytes.ts'
import { openRaw } from '../support/raw-http.ts'

const MARK = 'made-up-mark'
const ENDPOINTS = ['/services/oauth2/token', '/services/Soap/u/64.0', '/partners/services/Soap/c/58.0']

test.each(ENDPOINTS)('a caller who leaves half-way through a login at %s is no failure of the proxy', async (path) => {
  await using demo = await startDemoOrg({ records: 5 })
  const { app } = demo
  const id = 'left-half-way'
  const raw = openRaw(app.port)
  raw.socket.write(head(`POST ${path} HTTP/1.1`, `X-Request-Id: ${id}`, 'Expect: 100-continue', 'Content-Length: 1000'))
  // Somebody reads the body now.
  await raw.until('100 Continue')
  raw.socket.destroy()
  expect(await app.accessLine(id)).toMatchObject({ brokenOff: true })
  // The connection and what hung on it are gone once another has been answered.
  expect((await ask(app.port, '/services/data')).status).toBe(200)
  expect(app.log()).not.toMatch(/"level":(?:40|50)/)
  raw[Symbol.dispose]()
})

test('a caller who leaves before the answer to a login that is too large has gone does not end the proxy', async () => {
  await using demo = await startDemoOrg({ records: 5 }, { env: { DRAIN_TIMEOUT_MS: '0' } })
  const { app, emulator } = demo
  await app.tokenEvent('obtained')
  // What was sent before has been read once another has been answered.
  const another = () => askToken(app.port, { grant_type: 'password' })
  emulator.org.apiDelayMs = 60_000
  const raw = openRaw(app.port)
  // Its answer comes first on the connection.
  raw.socket.write(head('GET /services/data/v62.0/limits HTTP/1.1'))
  raw.socket.write(head('POST /services/Soap/u/64.0 HTTP/1.1', 'Content-Length: 200000'))
  raw.socket.write(`<Envelope><Body><login>${'x'.repeat(60_000)}`)
  await another()
  raw.socket.write('x'.repeat(30_000))
  await another()
  raw.socket.destroy()
  await another()
  expect((await another()).status).toBe(200)
})

/** A login with something wrong in it, or something quite different, in which the mark stands. */
const bodies = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => text + MARK),
  fc.tuple(fc.string(), fc.nat(200)).map(([text, at]) => {
    const login = envelope(loginCall(MARK, MARK))
    return login.slice(0, at) + text + login.slice(at)
  }),
  fc.webQueryParameters().map((form) => `grant_type=password&password=${MARK}&${form}`),
  fc.json().map((json) => `{"grant_type":"password","password":"${MARK}","x":${json}}`),
)

test('whatever is sent to a login endpoint, it is answered in good order, and nothing of it goes on', async () => {
  await using demo = await startDemoOrg({ records: 5 }, { env: { PROXY_API_KEY: 'etl:key-of-the-etl' } })
  const { app, emulator } = demo
  const question = fc.record({
    path: fc.constantFrom(...ENDPOINTS),
    method: fc.constantFrom('POST', 'POST', 'GET', 'PUT', 'DELETE'),
    type: fc.constantFrom(
      'text/xml',
      'application/x-www-form-urlencoded',
      'application/json',
      'text/xml; charset=utf-7',
    ),
    body: bodies,
  })
  await fc.assert(
    fc.asyncProperty(question, async ({ path, method, type, body }) => {
      const sent = Buffer.from(body)
      // Node's client frames no body for GET and DELETE by itself.
      const headers = { 'content-type': type, 'content-length': sent.length }
      const reply = await ask(app.port, path, { method, body: sent, headers })
      expect([400, 403, 405, 500]).toContain(reply.status)
      // A fault, an OAuth error or an entry of the error table, and never the proxy's own failure.
      expect(reply.text).toMatch(/^(?:<\?xml .*<soapenv:Fault>|\{"error":"|\[\{"errorCode":"PROXY_)/)
      expect(reply.text).not.toMatch(/PROXY_INTERNAL_ERROR|made-up-mark/)
    }),
    { numRuns: 300 },
  )
  expect(JSON.stringify(emulator.requests)).not.toContain(MARK)
  expect(app.log()).not.toContain(MARK)
  expect(app.log()).not.toContain('"level":50')
})
