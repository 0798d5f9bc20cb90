import { deflateSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { ask } from '../support/http-client.ts'
import { askSoap, envelope, loginCall, scraped } from '../support/login-client.ts'
import { head, sendRaw, statuses } from '../support/raw-bytes.ts'

const query = (soql: string) => `<query xmlns="urn:partner.soap.sforce.com"><queryString>${soql}</queryString></query>`
const ALL = query('SELECT Name FROM CA10__CaAwsInstance__c')
const GZIP = { 'content-encoding': 'gzip' }

test.each([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['Deflate', deflateSync],
])('SOAP in %s is read, judged, and goes on as plain text with the session in it', async (coding, compress) => {
  await using demo = await startDemoOrg({ records: 5 })
  const { app, emulator } = demo
  const answers = [
    await askSoap(app.port, compress(envelope(ALL, 'x')), { headers: { 'content-encoding': coding } }),
    // As Salesforce's Java client does it: the length is not known beforehand.
    await askSoap(app.port, compress(envelope(ALL)), {
      headers: { 'content-encoding': coding, 'transfer-encoding': 'chunked' },
    }),
  ]
  for (const reply of answers) expect([reply.status, scraped(reply.text, 'size')]).toEqual([200, '5'])
  const [arrived] = emulator.requests.filter(({ body }) => body.includes('queryString'))
  expect(arrived?.body).toContain('<sessionId>00D')
  expect(arrived?.rawHeaders.map((text) => text.toLowerCase())).not.toContain('content-encoding')
})

test('a session that dies under it is replaced', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  await demo.app.tokenEvent('obtained')
  demo.emulator.killSessions()
  const reply = await askSoap(demo.app.port, gzipSync(envelope(ALL)), { headers: GZIP })
  expect([reply.status, scraped(reply.text, 'size')]).toEqual([200, '5'])
})

test('a large one arrives whole', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const names = Array.from({ length: 40_000 }, (_, at) => `'host-number-${at}'`)
  const soql = `SELECT Name FROM CA10__CaAwsInstance__c WHERE Name NOT IN (${names.join()})`
  const reply = await askSoap(demo.app.port, gzipSync(envelope(query(soql))), { headers: GZIP })
  expect(demo.emulator.requests.find(({ body }) => body.includes('queryString'))?.body).toContain(soql)
  expect(scraped(reply.text, 'size')).toBe('5')
})

test('a login in gzip is answered, and its key counts', async () => {
  await using demo = await startDemoOrg({ records: 5 }, { env: { PROXY_API_KEY: 'etl:key-of-the-etl' } })
  const login = await askSoap(demo.app.port, gzipSync(envelope(loginCall('a', 'key-of-the-etl'))), { headers: GZIP })
  const session = scraped(login.text, 'sessionId')
  const reply = await askSoap(demo.app.port, gzipSync(envelope(ALL, session)), { headers: GZIP })
  expect([login.status, reply.status]).toEqual([200, 200])
  expect((await askSoap(demo.app.port, gzipSync(envelope(ALL)), { headers: GZIP })).status).toBe(403)
})

test('what is refused in plain text is refused compressed', async () => {
  await using demo = await startDemoOrg({ records: 5 }, { env: { PROXY_READ_ONLY: 'true' } })
  const ask = (operation: string, path?: string) =>
    askSoap(demo.app.port, gzipSync(envelope(operation)), { headers: GZIP, ...(path !== undefined && { path }) })
  expect((await ask('<delete xmlns="urn:partner.soap.sforce.com"/>')).status).toBe(405)
  expect((await ask('<deploy xmlns="http://soap.sforce.com/2006/04/metadata"/>', '/services/Soap/m/64.0')).status).toBe(
    403,
  )
  expect((await ask('<setPassword xmlns="urn:partner.soap.sforce.com"/>')).status).toBe(403)
})

test.each([
  ['no gzip', Buffer.from(envelope(ALL))],
  ['gzip that ends half-way', gzipSync(envelope(ALL)).subarray(0, 60)],
  ['gzip that is broken beyond its head', Buffer.concat([gzipSync(envelope(ALL)).subarray(0, -8), Buffer.alloc(8)])],
])('%s is an invalid request, and the connection goes on', async (_what, body) => {
  await using demo = await startDemoOrg({ records: 5 })
  const line = 'POST /services/Soap/u/64.0 HTTP/1.1'
  const bytes = Buffer.concat([
    Buffer.from(head(line, 'Content-Encoding: gzip', 'Content-Type: text/xml', `Content-Length: ${body.length}`)),
    body,
    Buffer.from(head('GET /services/data HTTP/1.1', 'Connection: close')),
  ])
  const answer = await sendRaw({ port: demo.app.port }, bytes.toString('latin1'), 'stay')
  expect(statuses(answer)).toEqual([400, 200])
  expect(answer).toContain('PROXY_REQUEST_INVALID')
})

test('a bomb is defused', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const filler = Buffer.alloc(120 * 1024 * 1024, 0x20)
  // Of records: these are not held to be judged.
  const records = envelope('<create xmlns="urn:partner.soap.sforce.com"/>').replace('</se:Envelope>', '')
  const bomb = gzipSync(Buffer.concat([Buffer.from(records), filler]), { level: 1 })
  const reply = await askSoap(demo.app.port, bomb, { headers: GZIP })
  expect([reply.status, reply.text]).toEqual([400, expect.stringContaining('too large once it is decompressed')])
})

test('other codings, and other families, keep theirs', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  expect((await askSoap(demo.app.port, 'x', { headers: { 'content-encoding': 'br' } })).status).toBe(403)
  const body = gzipSync('{"Name":"compressed"}')
  const headers = { ...GZIP, 'content-type': 'application/json' }
  const path = '/services/data/v62.0/sobjects/CA10__CaAwsInstance__c'
  expect((await ask(demo.app.port, path, { method: 'POST', headers, body })).status).toBe(201)
  const [arrived] = demo.emulator.requests.filter(({ target }) => target === path)
  expect(arrived?.rawHeaders).toContain('gzip')
})
