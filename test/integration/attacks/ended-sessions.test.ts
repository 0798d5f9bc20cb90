import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

/* The session of all callers is a record (AuthSession, ids of 0Ak): who deletes it logs everybody out. */

const V = '/services/data/v62.0'
const SESSION = '0Ak000000000001AAA'
const ask = (request: string) => lastHead(`${request} HTTP/1.1`)
const send = (request: string, body: string, ...fields: string[]) =>
  lastHead(`${request} HTTP/1.1`, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...fields) + body

/** By the rule, and so not because of something else. */
async function expectRefused(bytes: string, why = 'sobjects/**/authsession'): Promise<void> {
  await using place = await startAttacked({ PROXY_LOGIN: 'off' })
  const answer = await place.attack(bytes)
  expect(statuses(answer)).toEqual([403])
  expect(answer).toContain(why)
  await place.expectNothing()
}

const latin1 = (bytes: Buffer) => bytes.toString('latin1')
const utf16 = (text: string) => latin1(Buffer.from(`\uFEFF${text}`, 'utf16le'))

describe('by SOAP', () => {
  const envelope = (body: string) => `<e:Envelope xmlns:e="urn:e"><e:Body>${body}</e:Body></e:Envelope>`
  const remove = (ids: string) => envelope(`<delete xmlns="urn:partner.soap.sforce.com">${ids}</delete>`)
  const call = (body: string, ...fields: string[]) => send('POST /services/Soap/u/62.0', body, ...fields)

  test.each([
    ['alone', call(remove(`<ids>${SESSION}</ids>`))],
    ['of the enterprise service', send('POST /services/Soap/c/62.0/0DF000000000001', remove(`<ids>${SESSION}</ids>`))],
    ['among several', call(remove(`<ids>001000000000001</ids><x:ids xmlns:x="u">${SESSION}</x:ids>`))],
    ['with references to characters', call(remove('<ids>&#48;&#x41;k000000000001</ids>'))],
    ['in CDATA', call(remove('<ids>0A<![CDATA[k0000]]>00000001</ids>'))],
    ['around a comment', call(remove('<ids>0A<!-- x -->k000000000001</ids>'))],
    ['around an instruction', call(remove('<ids>0A<?x y?>k000000000001</ids>'))],
    ['in capitals', call(remove('<ids>0AK000000000001AAA</ids>'))],
    ['in UTF-16', call(utf16(remove(`<ids>${SESSION}</ids>`)))],
    ['in gzip', call(latin1(gzipSync(remove(`<ids>${SESSION}</ids>`))), 'Content-Encoding: gzip')],
    ['behind a long list', call(remove(`${'<ids>001000000000001AAA</ids>'.repeat(5_000)}<ids>${SESSION}</ids>`))],
    ['by another operation', call(envelope('<deleteByExample><type>AuthSession</type></deleteByExample>'))],
  ])('%s', async (_how, bytes) => {
    await expectRefused(bytes)
  })

  test.each([
    ['is no well-formed XML', remove('<ids>001</ids><ids>&nbsp;</ids>'), 'no well-formed XML'],
    ['ends too early', remove('<ids>001</ids>').slice(0, -12), 'no well-formed XML'],
    ['is far too long', remove('<ids>001000000000001AAA</ids>'.repeat(40_000)), 'larger than'],
    ['is followed by another', envelope('<delete><ids>001</ids></delete><logout/>'), 'one operation'],
  ])('a deletion that %s is not judged, and reaches no org', async (_what, body, why) => {
    await expectRefused(call(body), why)
  })

  test('other records are deleted, byte for byte, and classes of the org have methods of any name', async () => {
    await using place = await startAttacked({ PROXY_ALLOWED_PATHS: '/services/Soap/class' })
    const body = remove('<ids>001000000000001</ids>').replace('<e:Body>', '<e:Header><x/></e:Header><e:Body>')
    expect(statuses(await place.attack(call(body)))).toEqual([200])
    const arrived = (await (await place.expectOne()).body).toString()
    expect(arrived.replace(/<SessionHeader.*<\/SessionHeader>/, '')).toBe(body)
    const method = envelope(`<deleteOld xmlns="urn:x"><a>${SESSION}</a></deleteOld>`)
    expect(statuses(await place.attack(send('POST /services/Soap/class/Mine', method)))).toEqual([200])
    await place.expectOne()
  })
})

describe('by a Bulk job', () => {
  const V2 = `POST ${V}/jobs/ingest`
  const V1 = 'POST /services/async/62.0/job'
  const job = (object: string) => `{"operation":"delete","object":"${object}"}`
  const info = (object: string) => `<jobInfo xmlns="urn:x"><operation>delete</operation>${object}</jobInfo>`
  const part = (object: string, ...fields: string[]) =>
    ['--b', 'Content-Disposition: form-data; name="job"', ...fields, '', job(object), '--b--', ''].join('\r\n')
  const object = '<object>AuthSession</object>'
  const MULTIPART = 'Content-Type: multipart/form-data; boundary=b'

  test.each([
    ['2.0', send(V2, job('AuthSession'))],
    ['2.0, in small letters', send(V2, job('authsession'))],
    ['2.0, escaped', send(V2, job('\\u0041uth\\u0053ession'))],
    ['2.0, in UTF-16', send(V2, utf16(job('AuthSession')))],
    ['2.0, in gzip', send(V2, latin1(gzipSync(job('AuthSession'))), 'Content-Encoding: gzip')],
    ['2.0, with its data', send(V2, part('AuthSession'), MULTIPART)],
    ['2.0, by another spelling', send('POST //services/data/v62.0/Jobs;x/ingest.json/', job('AuthSession'))],
    ['2.0, by a method in the query', send(`GET ${V}/jobs/ingest?_HttpMethod=POST`, job('AuthSession'))],
    ['1.0', send(V1, info(object))],
    ['1.0, prefixed', send(V1, '<x:jobInfo xmlns:x="u"><x:object>AuthSession</x:object></x:jobInfo>')],
    ['1.0, with references', send(V1, info('<object>&#65;uth<!-- -->Se<![CDATA[ssion]]></object>'))],
    ['1.0, in JSON', send(V1, job('AuthSession'), 'Content-Type: application/json')],
    ['1.0, in deflate', send(V1, latin1(deflateSync(info(object))), 'Content-Encoding: deflate')],
    [
      'in a composite',
      send(
        `POST ${V}/composite/batch`,
        JSON.stringify({
          batchRequests: [{ method: 'POST', url: 'v62.0/jobs/ingest', richInput: { object: 'AuthSession' } }],
        }),
      ),
    ],
  ])('%s', async (_how, bytes) => {
    await expectRefused(bytes)
  })

  test.each([
    ['with an entity', send(V1, `<!DOCTYPE x [<!ENTITY a "Auth">]>${info('<object>&a;Session</object>')}`)],
    ['in UTF-32', send(V1, job('AuthSession').replace(/./g, '\0\0\0$&'))],
    ['in another charset', send(V2, job('x'), 'Content-Type: application/json; charset=cp037')],
    ['in another coding', send(V2, 'x', 'Content-Encoding: br')],
    ['in a coding of an odd name', send(V2, 'x', 'Content-Encoding: constructor')],
    ['that is no gzip', send(V2, job('x'), 'Content-Encoding: gzip')],
    ['that is much in little', send(V2, latin1(gzipSync(' '.repeat(2_000_000))), 'Content-Encoding: gzip')],
    ['with a part that is encoded', send(V2, part('x', 'Content-Transfer-Encoding: base64'), MULTIPART)],
    ['far too large', send(V2, ' '.repeat(1_100_000))],
  ])('a job %s is not judged, and reaches no org', async (_what, bytes) => {
    await expectRefused(bytes, 'PROXY_PATH_REFUSED')
  })

  test.each([
    ['2.0', send(V2, job('AuthSessionNote__c'))],
    ['2.0 in gzip', send(V2, latin1(gzipSync(job('Account'))), 'Content-Encoding: GZIP')],
    ['2.0 with its data', send(V2, part('Account', 'Content-Transfer-Encoding: 8bit'), MULTIPART)],
    ['1.0', send(V1, info('<object>Account</object>'))],
  ])('a job for other records passes byte for byte: %s', async (_what, bytes) => {
    await using place = await startAttacked()
    expect(statuses(await place.attack(bytes))).toEqual([200])
    const [arrived = Buffer.alloc(0)] = await Promise.all(place.reached().map(({ body }) => body))
    expect(bytes.endsWith(latin1(arrived))).toBe(true)
    expect(arrived.length).toBeGreaterThan(20)
  })
})

describe('by REST', () => {
  test.each([
    ['as a row', ask(`DELETE ${V}/sobjects/AuthSession/${SESSION}`)],
    ['as a row of another type', ask(`DELETE ${V}/sobjects/Account/${SESSION}`)],
    ['at the end of a relationship', ask(`DELETE ${V}/sobjects/SessionPermSetActivation/0Ql000000000001/AuthSession`)],
    ['by the UI API', ask(`DELETE ${V}/ui-api/records/${SESSION}`)],
    ['among several', ask(`DELETE ${V}/composite/sobjects?ids=001000000000001,${SESSION}&allOrNone=false`)],
    ['among several, encoded', ask(`DELETE ${V}/composite/sobjects?%69ds=001000000000001%2c%30%41k000000000001`)],
    ['in a repeated parameter', ask(`DELETE ${V}/composite/sobjects?ids=001000000000001&ids=${SESSION}`)],
    ['by another spelling of the path', ask(`DELETE //services/data/v62.0/Composite;x/sObjects.json/?ids=${SESSION}`)],
    ['by a method in the query', ask(`GET ${V}/composite/sobjects?ids=${SESSION}&_HttpMethod=DELETE`)],
    [
      'by a method in a field',
      lastHead(`POST ${V}/composite/sobjects?ids=${SESSION} HTTP/1.1`, 'X-HTTP-Method-Override: DELETE'),
    ],
    [
      'in a composite',
      send(
        `POST ${V}/composite`,
        JSON.stringify({
          compositeRequest: [{ method: 'DELETE', url: `${V}/composite/sobjects?ids=${SESSION}`, referenceId: 'r' }],
        }),
      ),
    ],
    [
      'in a composite, of those that it asked for',
      send(
        `POST ${V}/composite`,
        JSON.stringify({
          compositeRequest: [
            { method: 'GET', url: `${V}/query?q=SELECT Id FROM AuthSession`, referenceId: 'r' },
            { method: 'DELETE', url: `${V}/composite/sobjects?ids=@{r.records[0].Id}`, referenceId: 's' },
          ],
        }),
      ),
    ],
  ])('%s', async (_how, bytes) => {
    await expectRefused(bytes)
  })
})

test('who names the rule may end sessions', async () => {
  await using place = await startAttacked({ PROXY_ALLOWED_PATHS: '/services/data/*/sobjects/**/authsession/**' })
  expect(statuses(await place.attack(ask(`DELETE ${V}/composite/sobjects?ids=${SESSION}`)))).toEqual([200])
  await place.expectOne()
})

test('other records are deleted as ever, and sessions listed', async () => {
  await using place = await startAttacked()
  for (const bytes of [
    ask(`DELETE ${V}/composite/sobjects?ids=001000000000001,a0Ak00000000001`),
    ask(`GET ${V}/query?q=SELECT+Id+FROM+AuthSession+WHERE+Id='${SESSION}'`),
    ask(`GET ${V}/sobjects/AuthSession/${SESSION}`),
  ]) {
    expect(statuses(await place.attack(bytes))).toEqual([200])
    await place.expectOne()
  }
})
