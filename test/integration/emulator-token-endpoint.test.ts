import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { request } from 'node:http'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, SignJWT, type JSONWebKeySet } from 'jose'
import { expect, test } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { TOKEN_FAILURES, type TokenFailure } from '../../src/emulator/oauth-errors.ts'
import { accessToken, emulatedOrg } from '../support/emulated-org.ts'

const TOKEN = '/services/oauth2/token'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const post = (body: URLSearchParams | string, headers: Record<string, string> = {}) => ({
  method: 'POST',
  body,
  headers,
})

test('credentials may come in the Basic header', async () => {
  await using org = await emulatedOrg()
  const { clientId, clientSecret } = org.emulator
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
  const body = new URLSearchParams({ grant_type: 'client_credentials' })
  const answer = await org.bare(TOKEN, post(body, { authorization }))
  expect(answer.status).toBe(200)
  expect(accessToken(answer)).toBe(accessToken(await org.mint()))
})

test.each<[string, Record<string, string>, string, string]>([
  ['another key', { client_id: '3MVG9other' }, 'invalid_client_id', 'client identifier invalid'],
  ['another secret', { client_secret: 'wrong' }, 'invalid_client', 'invalid client credentials'],
  ['a secret with a newline', { client_secret: 'S3CRET\n' }, 'invalid_client', 'invalid client credentials'],
  ['a scope', { scope: 'api' }, 'invalid_request', 'scope parameter not supported'],
  ['a password', { grant_type: 'password' }, 'invalid_grant', 'authentication failure'],
  ['a refresh token', { grant_type: 'refresh_token' }, 'invalid_grant', 'expired access/refresh token'],
  ['a code', { grant_type: 'authorization_code' }, 'invalid_grant', 'expired authorization code'],
  ['an unknown grant', { grant_type: 'magic' }, 'unsupported_grant_type', 'grant type not supported'],
  ['an assertion where no key is known', { grant_type: JWT_BEARER }, 'invalid_grant', 'invalid assertion'],
])('%s is refused', async (_what, form, error, error_description) => {
  await using org = await emulatedOrg({ clientSecret: 'S3CRET' })
  const answer = await org.mint(form)
  expect(answer.status).toBe(400)
  expect(answer.json).toEqual({ error, error_description })
  expect(org.emulator.org.tokensIssued).toBe(0)
})

test('a body that is not a form has no grant type', async () => {
  await using org = await emulatedOrg()
  const answer = await org.bare(TOKEN, post(JSON.stringify({ grant_type: 'client_credentials' })))
  expect(answer.json).toEqual({ error: 'unsupported_grant_type', error_description: 'grant type not supported' })
})

test('GET is refused', async () => {
  await using org = await emulatedOrg()
  expect((await org.bare(TOKEN)).json).toEqual({ error: 'invalid_request', error_description: 'must use HTTP POST' })
})

const answering = Object.entries(TOKEN_FAILURES).filter(([name]) => name !== 'hang' && name !== 'redirect')

test.each(answering)('%s can be switched on for a number of requests', async (name, failure) => {
  await using org = await emulatedOrg()
  org.emulator.org.fail(name as TokenFailure, 2) // a key of the table it was read from
  for (let n = 0; n < 2; n++) {
    const answer = await org.mint()
    expect(answer.status).toBe(failure.status)
    if ('json' in failure) expect(answer.json).toEqual(failure.json)
    else expect(answer.text).toBe('text' in failure ? failure.text : '')
  }
  expect((await org.mint()).status).toBe(200)
})

test('a redirect is answered as one', async () => {
  await using org = await emulatedOrg()
  org.emulator.org.fail('redirect')
  const answer = await fetch(org.emulator.url + TOKEN, { ...post(''), redirect: 'manual' })
  expect(answer.status).toBe(302)
  expect(answer.headers.get('location')).toMatch(/^https:\/\/renamed\.my\.salesforce\.com\//)
})

test('a hanging answer ends when the caller gives up, and when the emulator closes', async () => {
  await using org = await emulatedOrg()
  org.emulator.org.fail('hang')
  const [patient, impatient] = [org.mint(), new AbortController()]
  const given = fetch(org.emulator.url + TOKEN, { ...post(''), signal: impatient.signal })
  impatient.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  const settled = expect(patient).rejects.toThrow('fetch failed')
  await org.emulator.close()
  await settled
})

test('failures are healed one by one or all at once, and the first one switched on speaks first', async () => {
  await using org = await emulatedOrg()
  const { org: state } = org.emulator
  state.fail('inactive-org')
  state.fail('server-error')
  expect((await org.mint()).json).toMatchObject({ error: 'inactive_org' })
  state.heal('inactive-org')
  expect((await org.mint()).json).toMatchObject({ error: 'server_error' })
  state.failWith('token', { status: 418, text: 'teapot' })
  expect((await org.mint()).text).toBe('teapot')
  state.failWith('token', { status: 418 }, 3)
  state.heal()
  expect((await org.mint()).status).toBe(200)
})

test('over the hourly limit logins are refused', async () => {
  await using org = await emulatedOrg({ loginLimitPerHour: 1 })
  await org.mint()
  const answer = await org.mint()
  expect(answer.json).toEqual({ error: 'rate_limit_exceeded', error_description: 'number of logins exceeded' })
})

test('a rotated secret is refused at once, the session lives on', async () => {
  await using org = await emulatedOrg()
  const old = org.emulator.clientSecret
  const token = accessToken(await org.mint())
  org.emulator.org.rotateSecret('new')
  expect((await org.mint({ client_secret: old })).json).toMatchObject({ error: 'invalid_client' })
  expect(accessToken(await org.mint())).toBe(token)
})

/** Asks under a name that leads elsewhere in the world: fetch would not send that Host. */
async function askAs(host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const headers = { host, 'content-type': 'application/x-www-form-urlencoded' }
  request({ port, host: '127.0.0.1', path: TOKEN, method: 'POST', headers }, (response) => {
    response.toArray().then((chunks) => {
      resolve(chunks.join(''))
    }, reject)
  }).end('grant_type=client_credentials')
  return promise
}

test.each([
  ['login.salesforce.com', 'request not supported on this domain'],
  ['test.salesforce.com:443', 'request not supported on this domain'],
  ['acme.my.salesforce-setup.com', 'request not supported on this domain'],
  ['acme.lightning.force.com', 'grant type not supported'],
  ['acme.my.salesforce.com', 'client identifier invalid'],
])('%s answers: %s', async (host, description) => {
  await using org = await emulatedOrg()
  expect(await askAs(host, org.emulator.port)).toContain(description)
})

test('instance_url can be told to be another, and expires_in to be there', async () => {
  await using org = await emulatedOrg({ expiresIn: true, sessionTimeoutMs: 900_000 })
  org.emulator.org.instanceUrl = 'https://moved.my.salesforce.com'
  expect((await org.mint()).json).toMatchObject({ instance_url: 'https://moved.my.salesforce.com', expires_in: 900 })
})

test('introspection tells the end of a live token and nothing of a dead one', async () => {
  await using org = await emulatedOrg()
  const { emulator } = org
  const token = accessToken(await org.mint())
  const ask = (secret: string) => {
    const form = { token, token_type_hint: 'access_token', client_id: emulator.clientId, client_secret: secret }
    return org.bare('/services/oauth2/introspect', post(new URLSearchParams(form)))
  }
  const session = emulator.org.sessions.find(token)
  const iat = Math.floor((session?.createdAt ?? 0) / 1000)
  expect((await ask(emulator.clientSecret)).json).toEqual({
    active: true,
    scope: 'api',
    client_id: emulator.clientId,
    username: emulator.org.username,
    sub: emulator.org.identityUrl(),
    token_type: 'access_token',
    exp: Math.floor(((session?.createdAt ?? 0) + 7_200_000) / 1000),
    iat,
    nbf: iat,
  })
  expect((await ask('wrong')).status).toBe(401)
  emulator.org.fail('introspect-not-allowed', 1)
  expect((await ask(emulator.clientSecret)).status).toBe(403)
  emulator.killSessions()
  expect((await ask(emulator.clientSecret)).json).toEqual({ active: false })
})

test('revoking by GET or POST ends the session of everybody', async () => {
  await using org = await emulatedOrg()
  const first = accessToken(await org.mint())
  expect((await org.bare(`/services/oauth2/revoke?token=${encodeURIComponent(first)}`)).status).toBe(200)
  const second = accessToken(await org.mint())
  expect(second).not.toBe(first)
  const body = new URLSearchParams({ token: second })
  expect((await org.bare('/services/oauth2/revoke', post(body))).status).toBe(200)
  const again = await org.bare('/services/oauth2/revoke', post(body))
  expect([again.status, again.json]).toMatchObject([400, { error: 'invalid_token' }])
  expect((await org.bare('/services/oauth2/revoke')).status).toBe(400)
})

test('JWT-based tokens are signed, end at a fixed time, and are new each time', async () => {
  await using org = await emulatedOrg({ tokenFormat: 'jwt' })
  const answer = await org.mint()
  expect(answer.json).toMatchObject({ token_format: 'jwt' })
  const token = accessToken(answer)
  const keys = await org.bare('/id/keys')
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys.json as JSONWebKeySet)) // what the path is for
  expect(payload).toMatchObject({ iss: org.emulator.url, client_id: org.emulator.clientId, scp: 'api' })
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(7200)
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'RS256', typ: 'JWT' })
  expect(accessToken(await org.mint())).not.toBe(token)
})

const NOW = Date.UTC(2026, 0, 1)
const still: Clock = { now: () => NOW, monotonic: () => NOW, sleep: () => Promise.resolve() }
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = publicKey.export({ type: 'spki', format: 'pem' })

interface Claims {
  iss?: string
  sub?: string
  aud?: string
  lifeS?: number
  key?: KeyObject
}

async function assertion(clientId: string, { key = privateKey, lifeS = 180, ...claims }: Claims): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(claims.iss ?? clientId)
    .setSubject(claims.sub ?? 'integration@cloudaware.example')
    .setAudience(claims.aud ?? 'https://login.salesforce.com')
    .setExpirationTime(NOW / 1000 + lifeS)
    .sign(key)
}

test('an assertion of the JWT bearer grant opens a session', async () => {
  await using org = await emulatedOrg({ jwtPublicKey: pem, clock: still })
  const made = await assertion(org.emulator.clientId, { aud: `${org.emulator.url}/` })
  const answer = await org.bare(TOKEN, post(new URLSearchParams({ grant_type: JWT_BEARER, assertion: made })))
  expect(answer.status).toBe(200)
  expect(accessToken(answer)).toBe(accessToken(await org.mint()))
})

const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

test.each<[string, Claims, string, string]>([
  ['of another app', { iss: 'other' }, 'invalid_client_id', 'client identifier invalid'],
  ['for another user', { sub: 'a@b.example' }, 'invalid_grant', "user hasn't approved this consumer"],
  ['for another audience', { aud: 'https://example.com' }, 'invalid_grant', 'Audience validation failed'],
  ['that is over', { lifeS: -1 }, 'invalid_grant', 'expired authorization code'],
  ['that lives too long', { lifeS: 301 }, 'invalid_grant', 'invalid assertion'],
  ['signed by a stranger', { key: stranger }, 'invalid_grant', 'invalid assertion'],
])('an assertion %s is refused', async (_what, claims, error, error_description) => {
  await using org = await emulatedOrg({ jwtPublicKey: pem, clock: still })
  const made = await assertion(org.emulator.clientId, claims)
  const answer = await org.bare(TOKEN, post(new URLSearchParams({ grant_type: JWT_BEARER, assertion: made })))
  expect(answer.json).toEqual({ error, error_description })
})

test('what is no assertion at all is refused', async () => {
  await using org = await emulatedOrg({ jwtPublicKey: pem })
  const answer = await org.bare(TOKEN, post(new URLSearchParams({ grant_type: JWT_BEARER })))
  expect(answer.json).toEqual({ error: 'invalid_grant', error_description: 'invalid assertion' })
})

test('answers can be held back, by the clock that was given', async () => {
  const waits: number[] = []
  const clock: Clock = {
    now: () => NOW,
    monotonic: () => NOW,
    sleep: (ms) => {
      waits.push(ms)
      return Promise.resolve()
    },
  }
  await using org = await emulatedOrg({ clock })
  org.emulator.org.mintDelayMs = 1500
  org.emulator.org.apiDelayMs = 70
  expect((await org.call('/services/data/v62.0/limits')).status).toBe(200)
  expect(waits).toEqual([1500, 70])
})
