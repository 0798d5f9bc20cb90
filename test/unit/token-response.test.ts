import { SignJWT, UnsecuredJWT } from 'jose'
import { expect, test } from 'vitest'
import { adoptInstanceUrl } from '../../src/token/instance-url.ts'
import { blame, OAuthError, toOAuthError } from '../../src/token/oauth-error.ts'
import type { HttpAnswer } from '../../src/token/post-form.ts'
import { readTokenAnswer } from '../../src/token/token-response.ts'
import type { TokenAnswer } from '../../src/token/token-source.ts'

const origins = { configuredUrl: 'https://acme.my.salesforce.com', trustedHosts: [] }
const NOW = Date.UTC(2026, 0, 1)

function http(body: unknown, fields: Partial<HttpAnswer> = {}): HttpAnswer {
  return {
    url: 'https://acme.my.salesforce.com/services/oauth2/token',
    status: 200,
    location: undefined,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    serverNow: NOW,
    ...fields,
  }
}

function read(body: unknown, fields?: Partial<HttpAnswer>): TokenAnswer {
  return readTokenAnswer(http(body, fields), origins)
}

function refusal(body: unknown, fields?: Partial<HttpAnswer>): OAuthError {
  try {
    read(body, fields)
  } catch (error) {
    if (error instanceof OAuthError) return error
  }
  throw new Error('the answer was taken for good')
}

test('the answer of Salesforce is read', () => {
  const body = {
    access_token: '00D000000000001!AQ0.token_value',
    signature: 'c2ln',
    scope: 'api',
    instance_url: 'https://acme.my.salesforce.com',
    id: 'https://login.salesforce.com/id/00D/005',
    token_type: 'Bearer',
    issued_at: '1736530186928',
  }
  expect(read(body)).toEqual({
    value: '00D000000000001!AQ0.token_value',
    format: 'opaque',
    instanceUrl: 'https://acme.my.salesforce.com',
    refusedInstanceUrl: undefined,
    identityUrl: 'https://login.salesforce.com/id/00D/005',
    statedLife: undefined,
  })
})

test.each(['Bearer', 'bearer', 'BEARER', undefined])('token_type %s will do', (token_type) => {
  expect(read({ access_token: 'a', token_type }).value).toBe('a')
})

test('a JWT is known by its shape, and its exp counts from the clock of the server', async () => {
  const exp = NOW / 1000 + 900
  const jwt = await new SignJWT({ exp }).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32))
  expect(read({ access_token: jwt })).toMatchObject({ format: 'jwt', statedLife: { ms: 900_000, source: 'jwt' } })
  expect(read({ access_token: jwt, expires_in: '60' }).statedLife).toEqual({ ms: 60_000, source: 'expires_in' })
  expect(read({ access_token: jwt, expires_in: -1 }).statedLife).toEqual({ ms: 900_000, source: 'jwt' })
})

test('a JWT without a usable exp says nothing of its life', () => {
  const jwt = new UnsecuredJWT({ exp: NOW / 1000 - 1 }).encode()
  expect(read({ access_token: jwt })).toMatchObject({ format: 'jwt', statedLife: undefined })
  expect(read({ access_token: 'eyJnot-really' })).toMatchObject({ format: 'opaque', statedLife: undefined })
  expect(read({ access_token: 'x', token_format: 'jwt' }).format).toBe('jwt')
})

test.each([
  ['an empty body', '', {}, 'transient', 'empty_answer'],
  ['blank space', ' \n ', {}, 'transient', 'empty_answer'],
  ['a web page', '<html>Service Unavailable</html>', { status: 503 }, 'transient', 'html_answer'],
  ['a web page with 200', '\n <!doctype html>', {}, 'transient', 'html_answer'],
  ['half of a JSON', '{"access_token":"a', {}, 'transient', 'unreadable_answer'],
  ['a JSON array', '[]', {}, 'transient', 'unreadable_answer'],
  ['JSON null', 'null', {}, 'transient', 'unreadable_answer'],
  ['JSON without an error, status 400', '{}', { status: 400 }, 'transient', 'unreadable_answer'],
  ['no access_token', '{"token_type":"Bearer"}', {}, 'transient', 'no_access_token'],
  ['an access_token that is no string', '{"access_token":42}', {}, 'transient', 'no_access_token'],
  ['an empty access_token', '{"access_token":""}', {}, 'transient', 'no_access_token'],
  ['an access_token of the prototype', '{"__proto__":{"access_token":"a"}}', {}, 'transient', 'no_access_token'],
  ['a line break in the token', '{"access_token":"a\\r\\nX: y"}', {}, 'permanent', 'malformed_access_token'],
  ['a blank in the token', '{"access_token":"a b"}', {}, 'permanent', 'malformed_access_token'],
  ['a NUL in the token', '{"access_token":"a\\u0000"}', {}, 'permanent', 'malformed_access_token'],
  ['an umlaut in the token', '{"access_token":"ä"}', {}, 'permanent', 'malformed_access_token'],
  ['another token_type', '{"access_token":"a","token_type":"mac"}', {}, 'permanent', 'unsupported_token_type'],
  ['a token_type that is no string', '{"access_token":"a","token_type":1}', {}, 'permanent', 'unsupported_token_type'],
  ['404', '<html>', { status: 404 }, 'permanent', 'no_token_endpoint'],
  ['405', '', { status: 405 }, 'permanent', 'no_token_endpoint'],
  ['410', '', { status: 410 }, 'permanent', 'no_token_endpoint'],
  ['429', '', { status: 429 }, 'rate-limited', 'too_many_requests'],
  ['429 in JSON', '{"error":"slow_down"}', { status: 429 }, 'rate-limited', 'slow_down'],
  ['an error with 200', '{"error":"invalid_grant"}', {}, 'permanent', 'invalid_grant'],
  ['invalid_client with 401', '{"error":"invalid_client"}', { status: 401 }, 'permanent', 'invalid_client'],
  ['any error with 500', '{"error":"invalid_grant"}', { status: 500 }, 'transient', 'invalid_grant'],
  ['server_error', '{"error":"server_error"}', { status: 400 }, 'transient', 'server_error'],
  ['unknown_error', '{"error":"unknown_error"}', { status: 400 }, 'transient', 'unknown_error'],
  ['an error never heard of', '{"error":"no_idea"}', { status: 400 }, 'permanent', 'no_idea'],
  ['rate_limit_exceeded', '{"error":"rate_limit_exceeded"}', { status: 400 }, 'rate-limited', 'rate_limit_exceeded'],
  [
    'login rate exceeded',
    '{"error":"invalid_grant","error_description":"Login rate exceeded"}',
    { status: 400 },
    'rate-limited',
    'invalid_grant',
  ],
  [
    'another request that is under way',
    '{"error":"invalid_grant","error_description":"token request is already being processed"}',
    { status: 400 },
    'transient',
    'invalid_grant',
  ],
  [
    'number of logins exceeded',
    '{"error":"x","error_description":"number of logins exceeded"}',
    { status: 400 },
    'rate-limited',
    'x',
  ],
])('%s is refused and classified', (_, body, fields, kind, error) => {
  expect(refusal(body, fields)).toMatchObject({ kind, error })
})

test('the words of the endpoint are made printable and short', () => {
  const { error, description } = refusal({
    error: 'bad\nnews',
    error_description: `a\u001b[31m\r\nb${' c'.repeat(999)}`,
  })
  expect(error).toBe('bad news')
  expect(description).toMatch(/^a \[31m b( c)+$/)
  expect(description).toHaveLength(200)
  const echoed = `you sent ${'eyJ'.repeat(20)}.abc.def and %26${'a'.repeat(64)}`
  expect(refusal({ error: 'x', error_description: echoed }).description).toBe('you sent … and …')
  expect(refusal({ error: 'x', error_description: 7 }).description).toBe('')
})

test.each([
  [
    'https://new.my.salesforce.com/x?code=1',
    'https://acme.my.salesforce.com redirects to https://new.my.salesforce.com',
  ],
  ['http://acme.my.salesforce.com/', 'https://acme.my.salesforce.com redirects to http://acme.my.salesforce.com'],
  ['/login', 'acme.my.salesforce.com redirects to another path'],
  ['http://[', 'acme.my.salesforce.com answers with a redirect to nowhere'],
  [undefined, 'acme.my.salesforce.com answers with a redirect to nowhere'],
])('a redirect to %s is an error of the configuration', (location, description) => {
  expect(refusal('', { status: 302, location })).toMatchObject({ kind: 'permanent', error: 'redirected', description })
})

test.each([
  ['https://acme.my.salesforce.com', 'https://acme.my.salesforce.com'],
  ['https://ACME.my.salesforce.com/', 'https://acme.my.salesforce.com'],
  ['https://acme--uat.sandbox.my.salesforce.com', 'https://acme--uat.sandbox.my.salesforce.com'],
  [undefined, undefined],
  [null, undefined],
  ['', undefined],
])('instance_url %s is adopted as %s', (raw, origin) => {
  const trustedHosts = ['Acme--UAT.sandbox.my.salesforce.com']
  expect(adoptInstanceUrl(raw, { ...origins, trustedHosts })).toEqual({ origin })
})

test.each([
  ['https://evil.example', 'https://evil.example'],
  ['http://acme.my.salesforce.com', 'http://acme.my.salesforce.com'],
  ['https://acme.my.salesforce.com:8443', 'https://acme.my.salesforce.com:8443'],
  ['https://acme.my.salesforce.com.evil.example', 'https://acme.my.salesforce.com.evil.example'],
  ['https://acme.my.salesforce.com@evil.example', 'https://evil.example'],
  ['https://user@acme.my.salesforce.com', 'https://acme.my.salesforce.com'],
  ['https://:pass@acme.my.salesforce.com', 'https://acme.my.salesforce.com'],
  ['javascript:alert(1)', 'javascript:'],
  ['no address', 'an unreadable address'],
  [42, 'an unreadable address'],
])('instance_url %s is refused', (raw, refused) => {
  expect(adoptInstanceUrl(raw, origins)).toEqual({ origin: undefined, refused })
})

test.each(['http://localhost:8081', 'http://127.0.0.1:8081', 'http://[::1]:8081'])(
  'plain http is good enough for %s',
  (url) => {
    expect(adoptInstanceUrl(url, { configuredUrl: url, trustedHosts: [] })).toEqual({ origin: url })
  },
)

test('of a foreign error only its code is kept, wherever it is', () => {
  const coded = Object.assign(new Error('with a secret'), { code: 'ECONNREFUSED' })
  expect(toOAuthError(coded)).toMatchObject({ kind: 'transient', error: 'ECONNREFUSED', description: '' })
  expect(toOAuthError(new TypeError('x', { cause: coded })).error).toBe('ECONNREFUSED')
  expect(toOAuthError(new AggregateError([coded])).error).toBe('ECONNREFUSED')
  expect(toOAuthError(new AggregateError([])).error).toBe('AggregateError')
  expect(toOAuthError('a string').error).toBe('unexpected')
  expect(toOAuthError(Object.assign(new RangeError('x'), { code: 7 })).error).toBe('RangeError')
})

test('a failure names the credential that it blames, and never quotes it', () => {
  const id = { name: 'ID', fingerprint: '11111111' }
  const secret = { name: 'SECRET', fingerprint: '22222222' }
  const presented = { id, secret, value: 'short' }
  const fail = (error: string, description = '') =>
    blame(new OAuthError({ kind: 'permanent', error, description }), presented)
  expect(fail('invalid_client_id').secret).toEqual(id)
  expect(fail('invalid_client').secret).toEqual(secret)
  expect(fail('unreadable_private_key').secret).toEqual(secret)
  expect(fail('invalid_grant', 'invalid assertion').secret).toEqual(secret)
  expect(fail('invalid_grant').secret).toBeUndefined()
  expect(fail('not short', 'you sent short').message).toBe('not …: you sent …')
})
