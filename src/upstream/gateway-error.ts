import { ProxyError } from '../errors.ts'
import { SharedStateError } from '../shared-state.ts'
import { TokenUnavailableError } from '../token/token-source.ts'

/**
 * What an undici, socket, TLS or token failure is to the caller: an entry of the error table with the RFC 9209 type that fits. `isSent`: a byte
 * of the request was handed to a connected socket. The foreign error travels as `cause` only; its message may name hosts, never a header.
 */
export function toProxyError(error: unknown, isSent = false): ProxyError {
  if (error instanceof ProxyError) return error
  if (error instanceof TokenUnavailableError) {
    const { reason: detail, retryAfterSeconds, isHeld } = error
    const message = isHeld ? { message: STILL_HELD } : {}
    return new ProxyError('PROXY_TOKEN_UNAVAILABLE', { cause: error, detail, retryAfterSeconds, ...message })
  }
  const code = codeOf(error)
  if (TIMEOUTS.has(code)) {
    if (isSent) return new ProxyError('PROXY_UPSTREAM_TIMEOUT', { cause: error })
    return new ProxyError('PROXY_UPSTREAM_TIMEOUT', {
      cause: error,
      type: 'connection_timeout',
      message: NOT_CONNECTED,
    })
  }
  const type = TYPES[code] ?? (isParserError(error) ? 'http_protocol_error' : tlsTypeOf(code))
  const isTls = !isSent && type?.startsWith('tls_') === true
  return new ProxyError(
    isSent ? 'PROXY_UPSTREAM_CLOSED' : isTls ? 'PROXY_UPSTREAM_TLS' : 'PROXY_UPSTREAM_UNREACHABLE',
    {
      cause: error,
      ...(code && { detail: `(${code})` }),
      ...(type && { type }),
    },
  )
}

const STILL_HELD = 'No new access token was obtained; the one that is held serves on.'
const NOT_CONNECTED = 'No connection to Cloudaware was made in time (UPSTREAM_CONNECT_TIMEOUT_MS), so nothing was sent.'

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
  'HTTPS_PROXY_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])

const TYPES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'dns_error',
  EAI_AGAIN: 'dns_timeout',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_terminated',
  EPIPE: 'connection_terminated',
  UND_ERR_SOCKET: 'connection_terminated',
  EHOSTUNREACH: 'destination_ip_unroutable',
  ENETUNREACH: 'destination_ip_unroutable',
  UND_ERR_HEADERS_OVERFLOW: 'http_response_header_section_size',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'http_response_incomplete',
}

/** OpenSSL's X.509 verification results, as Node names them, and its own check of the server's name. */
const CERTIFICATE_CODES = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'HOSTNAME_MISMATCH',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

function tlsTypeOf(code: string): string | undefined {
  if (CERTIFICATE_CODES.has(code)) return 'tls_certificate_error'
  return code.startsWith('ERR_SSL_') || code === 'EPROTO' ? 'tls_protocol_error' : undefined
}

/** undici's own, which has no code. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && error.name === 'HTTPParserError'
}

/** An exception of our own code's, that came along as the failure of a stream or a connection. */
export function isMistake(error: unknown): boolean {
  if (error instanceof SharedStateError) return true
  return MISTAKES.some((kind) => error instanceof kind) && codeOf(error) === ''
}

const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError]

/** The code of an error or of the first that it wraps: a connect attempt over several addresses fails with an AggregateError. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return codeOf(error.cause)
}
