import { expect, test } from 'vitest'
import { accessToken, emulatedOrg, type Answered, type EmulatedOrg } from '../support/emulated-org.ts'

/*
 * What makes the emulated org's sessions end, and what it then refuses: one cursor, one class, or everything.
 */

const V = '/services/data/v62.0'
const HOSTS = 'SELECT Id FROM CA10__CaAwsInstance__c'
const SMALL = { 'Sforce-Query-Options': 'batchSize=200' }
const EXPIRED = [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]

const post = (org: EmulatedOrg, action: string) => org.bare(`/__emulator/${action}`, { method: 'POST' })
const nextPage = ({ json }: Answered) => (json as { nextRecordsUrl: string }).nextRecordsUrl // of a first page

const soap = async (org: EmulatedOrg, operation: string) => {
  const session = accessToken(await org.mint())
  const body = `<Envelope><Header><SessionHeader><sessionId>${session}</sessionId></SessionHeader></Header><Body>${operation}</Body></Envelope>`
  return org.bare('/services/Soap/u/62.0', { method: 'POST', headers: { 'content-type': 'text/xml' }, body })
}

test('a cursor is open to the session that opened it and to no other, which may do everything else', async () => {
  await using org = await emulatedOrg({ records: 450 })
  const first = await org.call(`${V}/query?q=${encodeURIComponent(HOSTS)}`, { headers: SMALL })
  expect((await org.call(nextPage(first))).status).toBe(200)
  org.emulator.killSessions()
  for (let n = 0; n < 2; n++) {
    expect(await org.call(nextPage(first))).toMatchObject({ status: 401, json: EXPIRED })
    expect((await org.call(`${V}/limits`)).status).toBe(200)
  }
  const parts = { compositeRequest: [{ method: 'GET', url: nextPage(first), referenceId: 'page' }] }
  const headers = { 'content-type': 'application/json' }
  expect(await org.call(`${V}/composite`, { method: 'POST', headers, body: JSON.stringify(parts) })).toMatchObject({
    status: 200,
    json: { compositeResponse: [{ httpStatusCode: 401, body: EXPIRED }] },
  })
})

test('queryMore of SOAP is refused to another session by a fault', async () => {
  await using org = await emulatedOrg({ records: 600 })
  const { text } = await soap(org, `<query><queryString>${HOSTS}</queryString></query>`)
  const more = `<queryMore>${/<queryLocator>.*<\/queryLocator>/.exec(text)?.[0] ?? ''}</queryMore>`
  expect((await soap(org, more)).status).toBe(200)
  org.emulator.killSessions()
  const refused = await soap(org, more)
  expect(refused.status).toBe(500)
  expect(refused.text).toContain('<faultcode>sf:INVALID_SESSION_ID</faultcode>')
  expect(refused.text).toContain('INVALID_SESSION_ID: This session is not valid for use with the API')
  expect((await soap(org, '<getUserInfo/>')).status).toBe(200)
})

test('an Apex class relays the 401 of its own callout, and has run by then', async () => {
  await using org = await emulatedOrg()
  expect(await org.call('/services/apexrest/relay', { method: 'POST' })).toMatchObject({ status: 401, json: EXPIRED })
  expect((await org.call('/services/apexrest/other')).status).toBe(404)
  expect((await org.bare('/__emulator/state')).json).toMatchObject({ apexRuns: 1, sessions: 1 })
})

test('a failure can be limited to a path, and each family words it in its own way', async () => {
  await using org = await emulatedOrg()
  await post(org, 'fail?name=session-not-valid-for-api&path=/services/soap')
  expect((await soap(org, '<getUserInfo/>')).text).toContain('session is not valid for use with the API')
  expect((await org.call(`${V}/limits`)).status).toBe(200)
  await post(org, 'heal')
  expect((await soap(org, '<getUserInfo/>')).status).toBe(200)

  await post(org, 'fail?name=session-not-valid-for-api&path=/cometd')
  const shake = [{ channel: '/meta/connect', id: '1' }]
  const refused = await org.call('/cometd/62.0', { method: 'POST', body: JSON.stringify(shake) })
  expect(refused).toMatchObject({
    status: 200,
    json: [{ error: expect.stringMatching(/^401::/) as string, successful: false }],
  })

  await post(org, 'fail?name=session-not-valid-for-api&path=/services/async')
  const headers = { 'x-sfdc-session': accessToken(await org.mint()) }
  const bulk = await org.bare('/services/async/62.0/job/750000000000000', { headers })
  expect(bulk).toMatchObject({
    status: 400,
    text: expect.stringContaining('<exceptionCode>InvalidSessionId<') as string,
  })
})

test('lifetimes, intervals and counters can be set and read from outside', async () => {
  await using org = await emulatedOrg()
  await post(org, 'session-lifetime?ms=20000')
  await post(org, 'kill-sessions?every=1000')
  await post(org, 'kill-sessions?every=0')
  await org.call(`${V}/limits`)
  expect((await org.bare('/__emulator/state')).json).toMatchObject({
    sessionLifetimeMs: 20_000,
    loginsLastHour: 1,
    loginLimitPerHour: 3600,
    tokenRequests: 1,
    apiRequests: 1,
    sessions: 1,
  })
  await post(org, 'kill-sessions')
  await post(org, 'session-lifetime?ms=0')
  expect((await org.bare('/__emulator/state')).json).toMatchObject({ sessionLifetimeMs: null, sessions: 0 })
})
