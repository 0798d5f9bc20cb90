import { errors } from 'undici'
import { expect, test } from 'vitest'
import { ProxyError } from '../../src/errors.ts'
import { SharedStateError } from '../../src/shared-state.ts'
import { TokenUnavailableError } from '../../src/token/token-source.ts'
import { isMistake, toProxyError } from '../../src/upstream/gateway-error.ts'

const coded = (code: string) => Object.assign(new Error('low-level text'), { code })

test.each([
  [new errors.ConnectTimeoutError('x'), 'PROXY_UPSTREAM_TIMEOUT', 'connection_timeout'],
  [coded('ETIMEDOUT'), 'PROXY_UPSTREAM_TIMEOUT', 'connection_timeout'],
  [coded('HTTPS_PROXY_TIMEOUT'), 'PROXY_UPSTREAM_TIMEOUT', 'connection_timeout'],
  [coded('HTTPS_PROXY_407'), 'PROXY_UPSTREAM_UNREACHABLE', 'destination_unavailable'],
  [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'PROXY_UPSTREAM_TLS', 'tls_certificate_error'],
  [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'PROXY_UPSTREAM_TLS', 'tls_certificate_error'],
  [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'PROXY_UPSTREAM_TLS', 'tls_protocol_error'],
  [coded('EPROTO'), 'PROXY_UPSTREAM_TLS', 'tls_protocol_error'],
  [coded('ENOTFOUND'), 'PROXY_UPSTREAM_UNREACHABLE', 'dns_error'],
  [coded('EAI_AGAIN'), 'PROXY_UPSTREAM_UNREACHABLE', 'dns_timeout'],
  [coded('ECONNREFUSED'), 'PROXY_UPSTREAM_UNREACHABLE', 'connection_refused'],
  [coded('ECONNRESET'), 'PROXY_UPSTREAM_UNREACHABLE', 'connection_terminated'],
  [coded('SOMETHING_NEW'), 'PROXY_UPSTREAM_UNREACHABLE', 'destination_unavailable'],
  [new Error('no code at all'), 'PROXY_UPSTREAM_UNREACHABLE', 'destination_unavailable'],
  ['not even an error', 'PROXY_UPSTREAM_UNREACHABLE', 'destination_unavailable'],
])('before anything was sent, %s becomes %s, %s', (error, code, type) => {
  const problem = toProxyError(error)
  expect([problem.code, problem.type]).toEqual([code, type])
  expect(problem.message).not.toContain('low-level text')
  expect(problem.message).not.toContain('may have been applied')
  expect(problem.retryAfterSeconds !== undefined).toBe(code === 'PROXY_UPSTREAM_UNREACHABLE')
})

test.each([
  [new errors.HeadersTimeoutError('x'), 'PROXY_UPSTREAM_TIMEOUT', 'connection_read_timeout'],
  [new errors.BodyTimeoutError('x'), 'PROXY_UPSTREAM_TIMEOUT', 'connection_read_timeout'],
  [coded('ETIMEDOUT'), 'PROXY_UPSTREAM_TIMEOUT', 'connection_read_timeout'],
  [coded('ECONNRESET'), 'PROXY_UPSTREAM_CLOSED', 'connection_terminated'],
  [coded('EPIPE'), 'PROXY_UPSTREAM_CLOSED', 'connection_terminated'],
  [coded('EPROTO'), 'PROXY_UPSTREAM_CLOSED', 'tls_protocol_error'],
  [coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'PROXY_UPSTREAM_CLOSED', 'tls_protocol_error'],
  [new errors.SocketError('x'), 'PROXY_UPSTREAM_CLOSED', 'connection_terminated'],
  [new errors.HTTPParserError('x'), 'PROXY_UPSTREAM_CLOSED', 'http_protocol_error'],
  [new errors.HeadersOverflowError(), 'PROXY_UPSTREAM_CLOSED', 'http_response_header_section_size'],
  [new errors.ResponseContentLengthMismatchError(), 'PROXY_UPSTREAM_CLOSED', 'http_response_incomplete'],
  [new Error('no code at all'), 'PROXY_UPSTREAM_CLOSED', 'connection_terminated'],
])('after a byte was sent, %s becomes %s, %s', (error, code, type) => {
  const problem = toProxyError(error, true)
  expect([problem.code, problem.type]).toEqual([code, type])
  expect(problem.message).not.toContain('low-level text')
  expect(problem.message).toContain('may have been applied')
  expect(problem.retryAfterSeconds).toBeUndefined()
})

test('the code of a wrapped failure counts, and that of the first of several addresses', () => {
  expect(toProxyError(new Error('outer', { cause: coded('ENOTFOUND') })).type).toBe('dns_error')
  expect(toProxyError(new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')])).type).toBe(
    'connection_refused',
  )
})

test('a missing token is 503 with the short reason and the wait that the keeper gives', () => {
  const problem = toProxyError(new TokenUnavailableError('The Consumer Secret is wrong.', 42))
  expect(problem).toMatchObject({ code: 'PROXY_TOKEN_UNAVAILABLE', statusCode: 503, retryAfterSeconds: 42 })
  expect(problem.message).toContain('The Consumer Secret is wrong.')
})

test('an error of our own passes as it is', () => {
  const error = new ProxyError('PROXY_SESSION_REPLACED')
  expect(toProxyError(error)).toBe(error)
})

test.each<[unknown, boolean]>([
  [new SharedStateError(new Error('anything')), true],
  [new TypeError('x is not a function'), true],
  [new RangeError('out of bounds'), true],
  [Object.assign(new TypeError('of a library'), { code: 'ERR_X' }), false],
  [new Error('a failure'), false],
  ['no error', false],
])('whether %s is a mistake of our own: %s', (error, expected) => {
  expect(isMistake(error)).toBe(expected)
})

test('where a token is held all the same, only a new one was not to be had', () => {
  const error = toProxyError(new TokenUnavailableError('Why.', 5, { isHeld: true }))
  expect(error).toMatchObject({ code: 'PROXY_TOKEN_UNAVAILABLE', retryAfterSeconds: 5 })
  expect(error.message).toBe('No new access token was obtained; the one that is held serves on. Why.')
})
