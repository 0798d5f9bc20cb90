import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { askSoap, envelope, loginCall, scraped } from '../support/login-client.ts'

const NS = 'xmlns="urn:partner.soap.sforce.com"'
const FIRST = '<x:y xmlns:x="u"/>'
const LOGIN = loginCall('a', 'made-up-password')
const SOQL = 'SELECT Name FROM CA10__CaAwsInstance__c'
const QUERY = `<query ${NS}><queryString>${SOQL}</queryString></query>`
const twoBodies = (first: string, second: string) => envelope(`${first}</se:Body><se:Body>${second}`)
const utf16 = (text: string) => Buffer.from(`\uFEFF${text.replace('UTF-8', 'UTF-16')}`, 'utf16le')

test.each([
  ['a login in a second Body', twoBodies(FIRST, LOGIN)],
  ['a login after another operation', envelope(`<getServerTimestamp ${NS}/>${LOGIN}`)],
  ['a login after an operation that fills chunks', envelope(`<create ${NS}>${'x'.repeat(1_000_000)}</create>${LOGIN}`)],
  ['a login beyond what is held', twoBodies(`<create ${NS}>${'<a>y</a>'.repeat(200_000)}</create>`, LOGIN)],
  ['a second login in UTF-16', utf16(twoBodies(FIRST, LOGIN))],
  ['a second login in gzip', gzipSync(twoBodies(QUERY, LOGIN))],
])('%s reaches no org', async (_what, body) => {
  await using demo = await startDemoOrg({ records: 5 })
  const isGzip = Buffer.isBuffer(body) && body[0] === 0x1f
  const reply = await askSoap(demo.app.port, body, { headers: isGzip ? { 'content-encoding': 'gzip' } : {} })
  expect(reply.status).toBe(403)
  expect(scraped(reply.text, 'faultstring')).toContain('one operation')
  const arrived = JSON.stringify(demo.emulator.requests)
  expect(arrived).not.toContain('made-up-password')
  expect(arrived).not.toContain(Buffer.from('made-up-password', 'utf16le').toString('latin1').slice(0, 8))
  // And the proxy goes on.
  expect(scraped((await askSoap(demo.app.port, envelope(QUERY))).text, 'size')).toBe('5')
})

test('read-only is not passed by a write behind a read', async () => {
  await using demo = await startDemoOrg({ records: 5 }, { env: { PROXY_READ_ONLY: 'true' } })
  const reply = await askSoap(demo.app.port, twoBodies(QUERY, `<delete ${NS}><ids>x</ids></delete>`))
  expect(reply.status).toBe(403)
  expect(demo.emulator.requests.map(({ body }) => body).join('')).not.toContain('delete')
})

test.each([
  ['UTF-16', utf16(envelope(QUERY, 'x')), 'text/xml; charset=utf-16'],
  ['UTF-16, big end first', utf16(envelope(QUERY, 'x')).swap16(), 'text/xml'],
  ['CDATA in a Header', envelope(QUERY, '<![CDATA[x]]>'), 'text/xml; charset=UTF-8'],
])('an envelope with %s reaches the org with the session in it', async (_what, body, type) => {
  await using demo = await startDemoOrg({ records: 5 })
  await askSoap(demo.app.port, body, { headers: { 'content-type': type } })
  const arrived = demo.emulator.requests.filter(({ target }) => target.startsWith('/services/Soap'))
  expect(arrived).toHaveLength(1)
  expect(arrived[0]?.body.replaceAll('\0', '')).toMatch(/<sessionId>00D/)
})

test.each([
  ['a DOCTYPE', `<!DOCTYPE x>${envelope(QUERY)}`],
  [
    'a name that the policy does not read',
    `<\u00e9:Envelope xmlns:\u00e9="x"><\u00e9:Body>${QUERY}</\u00e9:Body></\u00e9:Envelope>`,
  ],
])('an envelope with %s is told that it cannot be read, and not that it is no login', async (_what, body) => {
  await using demo = await startDemoOrg({ records: 5 })
  const reply = await askSoap(demo.app.port, body)
  expect(reply.status).toBe(500)
  expect(scraped(reply.text, 'faultstring')).toContain('no well-formed SOAP without DOCTYPE')
  expect(reply.text).not.toContain('serves login')
})
