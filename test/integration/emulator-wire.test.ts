import { gzipSync, deflateSync } from 'node:zlib'
import { request, type IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { API_FAILURES, type ApiFailure } from '../../src/emulator/api-failures.ts'
import { accessToken, emulatedOrg, type EmulatedOrg } from '../support/emulated-org.ts'

const LIMITS = '/services/data/v62.0/limits'
const HOSTS = '/services/data/v62.0/sobjects/CA10__CaAwsInstance__c'
const EXPIRED = [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]

/** An answer with its headers and body as they came: fetch would decompress it. */
async function raw(org: EmulatedOrg, path: string, headers: Record<string, string>) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request(org.emulator.url + path, { headers }, resolve)
    .on('error', reject)
    .end()
  const response = await promise
  // A response without an encoding set yields buffers.
  const body = Buffer.concat((await response.toArray()) as Buffer[])
  return { status: response.statusCode, headers: response.headers, rawHeaders: response.rawHeaders, body }
}

async function bearer(org: EmulatedOrg): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${accessToken(await org.mint())}` }
}

test('each answer wears what the edge puts on it', async () => {
  await using org = await emulatedOrg()
  const { headers, rawHeaders } = await raw(org, LIMITS, await bearer(org))
  expect(headers).toMatchObject({
    'content-type': 'application/json;charset=UTF-8',
    'sforce-limit-info': 'api-usage=1/100000',
    server: 'sfdcedge',
    'strict-transport-security': 'max-age=63072000; includeSubDomains',
    'cache-control': 'no-cache,must-revalidate,max-age=0,no-store,private',
    'transfer-encoding': 'chunked',
  })
  expect(headers['x-sfdc-request-id']).toMatch(/^[0-9a-f]{32}$/)
  expect(headers['content-encoding']).toBeUndefined()
  expect(headers['set-cookie']?.map((cookie) => cookie.split('=')[0])).toEqual([
    'CookieConsentPolicy',
    'LSKey-c$CookieConsentPolicy',
    'BrowserId',
  ])
  expect(headers['set-cookie']?.[2]).toContain('domain=.salesforce.com')
  expect(rawHeaders.filter((name) => name.toLowerCase() === 'date')).toHaveLength(1)
})

test.each([
  ['gzip', 'gzip', '-gzip"'],
  ['deflate', 'deflate', '="'],
  ['*', 'gzip', '-gzip"'],
  ['gzip;q=0, identity', undefined, '="'],
])('a client that accepts %s gets %s, and a tag that says so', async (accepted, coding, tagEnd) => {
  await using org = await emulatedOrg()
  const session = await bearer(org)
  const { headers, body } = await raw(org, HOSTS, { ...session, 'accept-encoding': accepted })
  expect(headers['content-encoding']).toBe(coding)
  expect(headers.etag?.endsWith(tagEnd)).toBe(true)
  expect(body.toString().startsWith('{"objectDescribe"')).toBe(coding === undefined)
  const again = await raw(org, HOSTS, { ...session, 'if-none-match': headers.etag ?? '' })
  expect([again.status, again.body.length]).toEqual([304, 0])
})

test('a tag that is no longer true does not match', async () => {
  await using org = await emulatedOrg()
  const session = await bearer(org)
  expect((await raw(org, HOSTS, { ...session, 'if-none-match': '"old"' })).status).toBe(200)
  expect((await raw(org, HOSTS, { ...session, 'if-match': '"old"' })).status).toBe(412)
  expect((await raw(org, HOSTS, { ...session, 'if-match': '*' })).status).toBe(200)
})

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
])('a body may come as %s', async (coding, compress) => {
  await using org = await emulatedOrg()
  const headers = { 'content-encoding': coding, 'content-type': 'application/json' }
  const body = compress(JSON.stringify({ Name: 'pressed' }))
  expect((await org.call(HOSTS, { method: 'POST', headers, body })).status).toBe(201)
  expect((await org.call(HOSTS, { method: 'POST', headers, body: 'plain' })).status).toBe(400)
})

test('a body of an unknown coding is refused', async () => {
  await using org = await emulatedOrg()
  const answer = await org.call(HOSTS, { method: 'POST', headers: { 'content-encoding': 'br' }, body: 'x' })
  expect(answer.status).toBe(415)
})

test('HEAD is answered without a body', async () => {
  await using org = await emulatedOrg()
  const answer = await org.call(HOSTS, { method: 'HEAD' })
  expect([answer.status, answer.text]).toEqual([200, ''])
})

test.each([
  ['no header', undefined, EXPIRED],
  ['an unknown token', 'Bearer 00D000000000001!unknown', EXPIRED],
  ['a malformed header', 'Token abc', [{ message: 'INVALID_HEADER_TYPE', errorCode: 'INVALID_AUTH_HEADER' }]],
])('the REST API refuses %s with 401', async (_what, authorization, body) => {
  await using org = await emulatedOrg()
  const answer = await org.bare(LIMITS, authorization === undefined ? {} : { headers: { authorization } })
  expect([answer.status, answer.json]).toEqual([401, body])
  expect(answer.headers.get('sforce-limit-info')).toBeNull()
})

test('a session may be shown as OAuth too', async () => {
  await using org = await emulatedOrg()
  const { authorization } = await bearer(org)
  const answer = await org.bare(LIMITS, { headers: { authorization: authorization.replace('Bearer', 'OAuth') } })
  expect(answer.status).toBe(200)
})

test('the identity family refuses with 403 and plain text', async () => {
  await using org = await emulatedOrg()
  const { orgId, userId, username } = org.emulator.org
  const path = `/id/${orgId}/${userId}`
  expect((await org.call(path)).json).toMatchObject({ user_id: userId, organization_id: orgId, username })
  expect((await org.call('/services/oauth2/userinfo')).json).toMatchObject({
    user_id: userId,
    organization_id: orgId,
    preferred_username: username,
  })
  const query = await org.bare(`${path}?oauth_token=${accessToken(await org.mint())}`)
  expect(query.status).toBe(200)
  const frontdoor = await org.call('/services/oauth2/singleaccess')
  expect(frontdoor.json).toHaveProperty('frontdoor_uri')
  for (const one of [path, '/services/oauth2/userinfo', '/services/oauth2/singleaccess']) {
    const dead = await org.bare(one, { headers: { authorization: 'Bearer dead' } })
    expect([dead.status, dead.text]).toEqual([403, 'Bad_OAuth_Token'])
    expect(dead.headers.get('content-type')).toMatch(/^text\/plain/)
    expect((await org.bare(one)).text).toBe('Missing_OAuth_Token')
  }
})

test('Bulk API 1 refuses a dead session with 400, in XML or JSON', async () => {
  await using org = await emulatedOrg()
  const job = '/services/async/62.0/job'
  const xml = await org.bare(job, { method: 'POST', headers: { 'x-sfdc-session': 'dead' } })
  expect(xml.status).toBe(400)
  expect(xml.text).toBe(
    '<?xml version="1.0" encoding="UTF-8"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>Invalid session id</exceptionMessage></error>',
  )
  const json = await org.bare(job, { headers: { accept: 'application/json' } })
  expect([json.status, json.json]).toEqual([
    400,
    { exceptionCode: 'InvalidSessionId', exceptionMessage: 'Invalid session id' },
  ])
})

const envelope = (token: string) =>
  `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><SessionHeader><sessionId>${token}</sessionId></SessionHeader></e:Header><e:Body><getUserInfo/></e:Body></e:Envelope>`

test('SOAP refuses a dead session with a fault', async () => {
  await using org = await emulatedOrg()
  const dead = await org.bare('/services/Soap/u/62.0', { method: 'POST', body: envelope('dead') })
  expect(dead.status).toBe(500)
  expect(dead.headers.get('content-type')).toMatch(/^text\/xml/)
  expect(dead.text).toContain('<faultcode>sf:INVALID_SESSION_ID</faultcode>')
  expect(dead.text).toContain('<sf:UnexpectedErrorFault')
  const live = { method: 'POST', body: envelope(accessToken(await org.mint())) }
  expect((await org.bare('//services/Soap/u/62.0/', live)).text).toContain('<getUserInfoResponse>')
})

test('streaming refuses inside a 200', async () => {
  await using org = await emulatedOrg()
  const send = (channel: string, headers: Record<string, string>) =>
    org.bare('/cometd/62.0', { method: 'POST', headers, body: JSON.stringify([{ channel }]) })
  const dead = { authorization: 'OAuth dead' }
  const handshake = await send('/meta/handshake', dead)
  expect(handshake.status).toBe(200)
  expect(handshake.json).toEqual([
    {
      ext: { sfdc: { failureReason: '401::Authentication invalid' }, replay: true },
      error: '403::Handshake denied',
      advice: { reconnect: 'none' },
      channel: '/meta/handshake',
      successful: false,
    },
  ])
  expect((await send('/meta/connect', dead)).json).toMatchObject([{ error: '401::Authentication invalid' }])
  expect((await send('/meta/connect', {})).json).toMatchObject([{ error: '401::Request requires authentication' }])
})

test('JWT-based tokens open the REST API and nothing else', async () => {
  await using org = await emulatedOrg({ tokenFormat: 'jwt' })
  expect((await org.call(LIMITS)).status).toBe(200)
  const token = accessToken(await org.mint())
  expect((await org.bare('/services/async/62.0/job', { headers: { 'x-sfdc-session': token } })).status).toBe(400)
  const soap = await org.bare('/services/Soap/u/62.0', { method: 'POST', body: envelope(token) })
  expect(soap.text).toContain('INVALID_SESSION_ID')
})

const answering = Object.entries(API_FAILURES).filter(([name]) => name !== 'api-hang')

test.each(answering)('%s can be switched on', async (name, failure) => {
  await using org = await emulatedOrg()
  org.emulator.org.fail(name as ApiFailure, 1) // a key of the table it was read from
  const answer = await org.call(LIMITS)
  expect(answer.status).toBe(failure.status)
  if ('json' in failure) expect(answer.json).toEqual(failure.json)
  expect((await org.call(LIMITS)).status).toBe(200)
})

test('a dead session is refused as dead, whatever else is switched on', async () => {
  await using org = await emulatedOrg()
  org.emulator.org.fail('api-unavailable', 1)
  expect((await org.bare(LIMITS)).status).toBe(401)
  expect((await org.call(LIMITS)).status).toBe(503)
})

test('the session can die just before or just after a request', async () => {
  await using org = await emulatedOrg()
  const { org: state } = org.emulator
  state.fail('session-dies-before', 1)
  expect((await org.call(LIMITS)).status).toBe(401)
  const session = { headers: await bearer(org) }
  state.fail('session-dies-after', 1)
  expect((await org.bare(LIMITS, session)).status).toBe(200)
  expect((await org.bare(LIMITS, session)).status).toBe(401)
})

test('a session can be refused that the token endpoint still hands out', async () => {
  await using org = await emulatedOrg()
  const token = accessToken(await org.mint())
  org.emulator.org.fail('live-session-refused', 2)
  expect((await org.call(LIMITS)).json).toEqual(EXPIRED)
  const bulk = await org.bare('/services/async/62.0/job', { headers: { 'x-sfdc-session': token } })
  expect(bulk.text).toContain('InvalidSessionId')
  expect(accessToken(await org.mint())).toBe(token)
  expect((await org.call(LIMITS)).status).toBe(200)
})

test('answers that hang or are held back end when the emulator closes', async () => {
  await using org = await emulatedOrg()
  org.emulator.org.fail('api-hang', 1)
  const hanging = expect(org.call(LIMITS)).rejects.toThrow('fetch failed')
  await expect.poll(() => org.emulator.org.switches.state()).toEqual({})
  org.emulator.org.apiDelayMs = 3_600_000
  const held = expect(org.call(LIMITS)).rejects.toThrow('fetch failed')
  await expect.poll(() => org.emulator.requests.filter(({ target }) => target === LIMITS).length).toBe(2)
  await org.emulator.close()
  await Promise.all([hanging, held])
})

test('the connection can be cut', async () => {
  await using org = await emulatedOrg()
  org.emulator.org.fail('api-socket-reset', 1)
  await expect(org.call(LIMITS)).rejects.toThrow('fetch failed')
  expect((await org.call(LIMITS)).status).toBe(200)
})

test('the daily allocation runs out', async () => {
  await using org = await emulatedOrg({ dailyRequestLimit: 1 })
  expect((await org.call(LIMITS)).headers.get('sforce-limit-info')).toBe('api-usage=1/1')
  const over = await org.call(LIMITS)
  expect([over.status, over.json]).toEqual([
    403,
    [{ message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }],
  ])
  expect((await org.bare('/services/data')).status).toBe(200)
})

test('what arrived can be looked at', async () => {
  await using org = await emulatedOrg()
  await org.call('//services/data/v62.0/limits?x=%7E', { headers: { 'X-Mixed-Case': 'kept' } })
  const [, seen] = org.emulator.requests
  expect(seen).toMatchObject({ method: 'GET', target: '//services/data/v62.0/limits?x=%7E' })
  expect(seen?.rawHeaders).toContain('kept')
  expect(org.emulator.requests[0]?.body).toContain('grant_type=client_credentials')
})

test('large bodies are remembered for a shorter while', async () => {
  await using org = await emulatedOrg()
  const body = 'x'.repeat(30 * 1024 * 1024)
  for (let n = 0; n < 3; n++) await org.bare(`/services/data?${n}`, { method: 'POST', body })
  expect(org.emulator.requests.map(({ target }) => target)).toEqual(['/services/data?1', '/services/data?2'])
})

test('a target or a head that is too long is refused', async () => {
  await using org = await emulatedOrg()
  expect((await org.call(`${LIMITS}?${'x'.repeat(16_384)}`)).status).toBe(414)
  expect((await org.call(LIMITS, { headers: { 'x-long': 'x'.repeat(16_384) } })).status).toBe(431)
})

test('no more than a thousand requests are remembered', async () => {
  await using org = await emulatedOrg()
  for (let n = 0; n < 1001; n++) await org.bare(`/services/data?${n}`)
  expect(org.emulator.requests).toHaveLength(1000)
  expect(org.emulator.requests[0]?.target).toBe('/services/data?1')
})

test('paths that the org does not have are not found', async () => {
  await using org = await emulatedOrg()
  expect((await org.bare('/setup')).status).toBe(404)
  for (const path of [
    '/services/data/v99.0/limits',
    '/services/data/v62.0/nothing',
    '/services/data/v62.0/%zz',
    '/services/apexrest/x',
  ]) {
    const answer = await org.call(path)
    expect([answer.status, answer.json]).toMatchObject([404, [{ errorCode: 'NOT_FOUND' }]])
  }
  for (const path of ['graphql', 'tooling/query', 'wave/datasets']) {
    expect((await org.call(`/services/data/v62.0/${path}`)).status).toBe(501)
  }
  expect((await org.bare('/services/data', { method: 'POST' })).status).toBe(405)
})

test('it can be worked from outside over its control surface', async () => {
  await using org = await emulatedOrg()
  const act = (action: string) => org.bare(`/__emulator/${action}`, { method: 'POST' })
  expect((await act('fail?name=no-run-as-user&times=1')).status).toBe(204)
  expect((await org.bare('/__emulator/state')).json).toMatchObject({ failing: { 'no-run-as-user': 1 }, sessions: 0 })
  expect((await org.mint()).json).toMatchObject({ error_description: 'no client credentials user enabled' })
  const token = accessToken(await org.mint())
  await act('fail?name=api-disabled')
  expect((await org.bare('/__emulator/state')).json).toMatchObject({ failing: { 'api-disabled': null }, sessions: 1 })
  await act('heal?name=api-disabled')
  await act('heal')
  expect((await org.call(LIMITS)).status).toBe(200)
  await act('kill-sessions')
  expect(accessToken(await org.mint())).not.toBe(token)
  await act('rotate-secret?secret=fresh')
  expect(org.emulator.clientSecret).toBe('fresh')
  await act('delay?mint=1')
  await act('session-timeout?ms=900000')
  expect((await org.bare('/__emulator/state')).json).toMatchObject({
    mintDelayMs: 1,
    apiDelayMs: 0,
    sessionTimeoutMs: 900_000,
  })
  for (const wrong of ['fail', 'fail?name=nonsense', 'fail?name=hang&times=0', 'rotate-secret', 'delay?api=x']) {
    expect((await act(wrong)).status).toBe(400)
  }
  expect((await act('nonsense')).status).toBe(404)
  expect((await org.bare('/__emulator/heal')).status).toBe(405)
})

test('the state tells no secret', async () => {
  await using org = await emulatedOrg()
  const token = accessToken(await org.mint())
  const { text } = await org.bare('/__emulator/state')
  expect(text).not.toContain(org.emulator.clientSecret)
  expect(text).not.toContain(token)
})
