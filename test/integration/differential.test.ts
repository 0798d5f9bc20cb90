import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { seenBy, type Wanted } from '../support/differential.ts'
import { FakeClock } from '../support/fake-clock.ts'
import fc from '../support/properties.ts'
import { startStack } from '../support/stack.ts'

/*
 * The same requests, straight to one org and through the proxy to its twin: what comes back is the same, byte for byte.
 */

const DATA = '/services/data/v62.0'
const INSTANCE = 'CA10__CaAwsInstance__c'
const ID = 'a035f0000000000AAA'

const word = fc.stringMatching(/^[\w~'()*!$&,:@-]{1,12}$/).filter((text) => !/password/i.test(text))
const query = fc
  .stringMatching(/^[\w~'()*!$&,:@/?%+=-]{0,30}$/)
  .filter((text) => !/oauth_token|access_token|sid|_http/i.test(text))
const soql = fc.constantFrom(
  `SELECT Id, Name FROM ${INSTANCE} LIMIT 5`,
  `SELECT COUNT() FROM ${INSTANCE}`,
  `SELECT Name, CA10__vpcSubnet__r.Name FROM ${INSTANCE} ORDER BY Name DESC`,
  'SELECT Nothing FROM Nowhere',
  'no SOQL at all',
)

const reads = fc.oneof(
  soql.map((text) => `${DATA}/query?q=${encodeURIComponent(text)}`),
  soql.map((text) => `${DATA}/queryAll/?q=${encodeURIComponent(text).replaceAll('%20', '+')}`),
  fc.constantFrom(
    '/services/data',
    `${DATA}/limits`,
    `${DATA}/sobjects`,
    `${DATA}/sobjects/${INSTANCE}/describe`,
    `${DATA}/sobjects/${INSTANCE}/${ID}?fields=Id,Name`,
    `${DATA}/sobjects/${INSTANCE}/CA10__instanceId__c/i-none`,
    `${DATA}/jobs/query`,
    `${DATA}/wave/datasets`,
    '/services/async/62.0/job/750000000000000',
    '/services/apexrest/mine',
  ),
  fc.tuple(word, word, query).map(([one, two, text]) => `${DATA}/${one}/${two}?${text}`),
)
const writes = fc.oneof(
  fc.constantFrom(
    `${DATA}/sobjects/${INSTANCE}`,
    `${DATA}/sobjects/${INSTANCE}/${ID}`,
    `${DATA}/sobjects/${INSTANCE}/CA10__instanceId__c/i-upserted`,
    '/services/apexrest/mine',
  ),
  word.map((text) => `${DATA}/${text}`),
)
/** Their bodies are judged, and the proxy has its own answer to what is no document. */
const jobs = fc.constantFrom(`${DATA}/jobs/query`, `${DATA}/jobs/ingest`, '/services/async/62.0/job')
const headers = fc
  .subarray([
    ['Accept', 'application/json'],
    ['Accept', 'application/xml'],
    ['ACCEPT-ENCODING', 'gzip, deflate, br'],
    ['accept-encoding', 'deflate'],
    ['If-None-Match', '"nothing"'],
    ['If-Modified-Since', 'Wed, 21 Oct 2015 07:28:00 GMT'],
    ['Sforce-Query-Options', 'batchSize=200'],
    ['Sforce-Call-Options', 'client=test; defaultNamespace=CA10'],
    ['X-PrettyPrint', '1'],
    ['X-Twice', 'a'],
    ['X-Twice', 'b'],
    ['X-Empty', ''],
  ])
  .map((pairs) => pairs.flat())
const documents = fc.oneof(
  fc.record({ Name: fc.string() }).map((value) => Buffer.from(JSON.stringify(value))),
  fc.constant(Buffer.from(`{"operation":"query","query":"SELECT Id FROM ${INSTANCE}"}`)),
)
const bytes = fc.uint8Array({ maxLength: 5000 }).map((values) => Buffer.from(values))
const sent = fc.oneof(
  { weight: 4, arbitrary: fc.record({ path: writes, body: fc.oneof(documents, documents, bytes) }) },
  { weight: 3, arbitrary: fc.record({ path: jobs, body: documents }) },
)
const requests: fc.Arbitrary<Wanted> = fc.oneof(
  fc.record({ method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'DELETE'), path: reads, headers }),
  fc
    .record({
      method: fc.constantFrom('POST', 'PATCH', 'PUT'),
      sent,
      headers,
      pieces: fc.integer({ min: 1, max: 4 }),
      coding: fc.constantFrom(undefined, 'gzip'),
    })
    .map(({ coding, sent: { path, body }, ...wanted }) => ({
      ...wanted,
      path,
      headers: [...wanted.headers, 'Content-Type', 'application/json', ...(coding ? ['Content-Encoding', coding] : [])],
      body: coding ? gzipSync(body) : body,
    })),
)

/** One for each status that the comparison is to have seen. */
const EXAMPLES: [Wanted][] = [
  [{ method: 'GET', path: `${DATA}/limits`, headers: [] }],
  [created('{"Name":"made"}')],
  [created('{"Name":')],
  [{ method: 'GET', path: `${DATA}/sobjects/Nothing/describe`, headers: [] }],
]

function created(body: string): Wanted {
  const headers = ['Content-Type', 'application/json']
  return { method: 'POST', path: `${DATA}/sobjects/${INSTANCE}`, headers, body: Buffer.from(body) }
}

test('hundreds of generated requests are answered alike, straight and through the proxy', async () => {
  const clock = new FakeClock()
  const org = { records: 20, seed: 3, clock }
  await using straight = await startEmulator(org)
  await using behind = await startEmulator(org)
  await using app = await startStack(behind, { env: { LOG_LEVEL: 'warn' } })
  const { token } = straight.org.sessions.open()
  const statuses = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(requests, async (wanted) => {
      const session = ['Authorization', `Bearer ${token}`, 'X-SFDC-Session', token]
      // Answers that name the org's address name the one that they were asked under: here the twin's.
      const host = new URL(behind.url).host
      const expected = await seenBy(straight.port, { ...wanted, host, headers: [...wanted.headers, ...session] })
      expect(await seenBy(app.port, wanted)).toEqual(expected)
      statuses.set(expected.status, (statuses.get(expected.status) ?? 0) + 1)
    }),
    { numRuns: 400, examples: EXAMPLES },
  )
  // The comparison is worth something only if the org had much to say.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 404]))
  expect(statuses.get(200)).toBeGreaterThan(50)
})
