/**
 * Every answer that the proxy makes itself. `type` is the error type of RFC 9209 §2.3; `retryAfterSeconds` becomes Retry-After.
 * None is a 401: legacy clients take that for their own login, and loop.
 */
export const PROXY_ERRORS = {
  PROXY_REQUEST_INVALID: {
    status: 400,
    type: 'http_request_error',
    message: 'The request is ambiguous or malformed, so Cloudaware never got the whole of it.',
  },
  PROXY_HOST_REFUSED: {
    status: 403,
    type: 'http_request_denied',
    message:
      'The Host header names no address of this proxy. Call it as localhost, or list the name in PROXY_ALLOWED_HOSTS (ADMIN_ALLOWED_HOSTS on the admin listener).',
  },
  PROXY_ORIGIN_REFUSED: {
    status: 403,
    type: 'http_request_denied',
    message:
      'The request comes from a web page of another origin. List that origin in PROXY_ALLOWED_ORIGINS if it may call.',
  },
  PROXY_PATH_REFUSED: {
    status: 403,
    type: 'http_request_denied',
    message: 'The proxy does not pass this request on. See PROXY_ALLOWED_PATHS and PROXY_DENIED_PATHS.',
  },
  PROXY_KEY_REQUIRED: {
    status: 403,
    type: 'http_request_denied',
    message:
      'This proxy asks its callers for a key (PROXY_API_KEY): send it as X-Api-Key, as a Bearer token or as the Basic password.',
  },
  PROXY_METHOD_REFUSED: {
    status: 405,
    type: 'http_request_denied',
    message: 'The proxy does not forward this method.',
  },
  PROXY_REQUEST_TIMEOUT: {
    status: 408,
    type: 'http_request_error',
    message:
      'The request did not arrive in time: its head within 10 s, its body at 100 bytes a second or more and without a pause longer than PROXY_UPLOAD_SILENCE_MS. Cloudaware never got the whole of it.',
    endsConnection: true,
  },
  PROXY_TARGET_TOO_LONG: {
    status: 414,
    type: 'http_request_error',
    message: 'The request target (path and query) is longer than the 16,384 bytes that Cloudaware accepts.',
  },
  PROXY_EXPECTATION_FAILED: {
    status: 417,
    type: 'http_request_error',
    message: 'The request expects what the proxy cannot promise (Expect): only 100-continue is understood.',
  },
  PROXY_INTERNAL_ERROR: {
    status: 500,
    type: 'proxy_internal_error',
    message: 'The proxy itself failed. Its log says more under the request id of this answer.',
  },
  PROXY_CODING_UNSUPPORTED: {
    status: 501,
    type: 'http_request_error',
    message:
      'The request has a Transfer-Encoding other than chunked, which would not reach Cloudaware. Name a compressed body by Content-Encoding.',
  },
  PROXY_UPSTREAM_UNREACHABLE: {
    status: 502,
    type: 'destination_unavailable',
    message: 'Cloudaware could not be reached, so nothing was sent. Check CLOUDAWARE_URL, DNS and the network.',
    retryAfterSeconds: 5,
  },
  PROXY_UPSTREAM_CLOSED: {
    status: 502,
    type: 'connection_terminated',
    message:
      'The connection to Cloudaware failed after the request was sent and before a complete response. The request may have been applied.',
  },
  PROXY_UPSTREAM_TLS: {
    status: 502,
    type: 'tls_certificate_error',
    message:
      'The certificate of the upstream could not be verified, so nothing was sent to it. Behind a TLS-inspecting proxy set CLOUDAWARE_CA_FILE.',
  },
  PROXY_TOKEN_UNAVAILABLE: {
    status: 503,
    type: 'proxy_configuration_error',
    message: 'The proxy holds no access token, so nothing was sent to Cloudaware.',
    retryAfterSeconds: 5,
  },
  PROXY_SESSION_REPLACED: {
    status: 503,
    type: 'connection_terminated',
    message:
      'The session ended under a body too large to be held for a repeat; nothing was applied. Send the request again.',
    retryAfterSeconds: 1,
  },
  PROXY_CONNECTIONS_FULL: {
    status: 503,
    type: 'connection_limit_reached',
    message:
      'The proxy has as many client connections as it may have (PROXY_MAX_CONNECTIONS, or fewer where the limit on open files is low), and none of them is idle; nothing was sent. Send the request again later.',
    retryAfterSeconds: 2,
    endsConnection: true,
  },
  PROXY_UPSTREAM_BUSY: {
    status: 503,
    type: 'connection_limit_reached',
    message:
      'All connections to Cloudaware are in use (UPSTREAM_CONNECTIONS) and none came free in time (UPSTREAM_QUEUE_LIMIT, UPSTREAM_QUEUE_TIMEOUT_MS); nothing was sent. Send the request again later.',
    retryAfterSeconds: 2,
  },
  PROXY_MEMORY_FULL: {
    status: 503,
    type: 'http_request_denied',
    message:
      'The proxy has to read this body to judge or answer it, and what it may hold of all bodies is used up (it goes by PROXY_REPLAY_LIMIT_BYTES); nothing was sent. Send the request again later.',
    retryAfterSeconds: 2,
  },
  PROXY_UPSTREAM_TIMEOUT: {
    status: 504,
    type: 'connection_read_timeout',
    message: 'Cloudaware did not answer in time (UPSTREAM_TIMEOUT_MS). The request may have been applied.',
  },
} as const satisfies Record<string, ErrorEntry>

interface ErrorEntry {
  status: number
  type: string
  message: string
  retryAfterSeconds?: number
  endsConnection?: boolean
}

/** Of the caller's making, although its status is a 5xx: RFC 9112 §6.1 asks for that one. */
const REFUSALS_ABOVE_499: ReadonlySet<number> = new Set([501])

export type ProxyErrorCode = keyof typeof PROXY_ERRORS

interface ProxyErrorOptions {
  cause?: unknown
  /** Replaces the table's sentence. */
  message?: string
  /** Said after the sentence: what exactly is wrong, without a secret. */
  detail?: string
  /** A narrower status than the table's. */
  status?: number
  /** A narrower RFC 9209 error type than the table's. */
  type?: string
  retryAfterSeconds?: number
  /** What follows on the connection could be taken for something else than it is, or is not coming: the connection ends with the answer. */
  endsConnection?: boolean
}

/** An answer of the proxy's own, thrown anywhere on the request side and rendered by the server. Carries no token, header or body. */
export class ProxyError extends Error {
  readonly code: ProxyErrorCode
  readonly statusCode: number
  readonly type: string
  readonly retryAfterSeconds: number | undefined
  readonly endsConnection: boolean

  constructor(code: ProxyErrorCode, options: ProxyErrorOptions = {}) {
    const entry: ErrorEntry = PROXY_ERRORS[code]
    const { cause, message = entry.message, detail, status, type, retryAfterSeconds, endsConnection } = options
    super(detail === undefined ? message : `${message} ${detail}`, { cause })
    this.name = 'ProxyError'
    this.code = code
    this.statusCode = status ?? entry.status
    this.type = type ?? entry.type
    this.retryAfterSeconds = retryAfterSeconds ?? entry.retryAfterSeconds
    this.endsConnection = endsConnection ?? entry.endsConnection ?? false
  }

  /** The rule that made it, where it is a denial. */
  get rule(): string | undefined {
    const { cause } = this
    return typeof cause === 'object' && cause !== null && 'rule' in cause ? String(cause.rule) : undefined
  }

  /** Whether the request was at fault, and not the proxy or what is behind it. */
  get isRefusal(): boolean {
    return this.statusCode < 500 || REFUSALS_ABOVE_499.has(this.statusCode)
  }
}

/** The body of an error, in the shape that Salesforce clients already parse. */
export function errorBody(code: string, message: string): string {
  return JSON.stringify([{ errorCode: code, message }])
}

/** A Proxy-Status field value (RFC 9209): who spoke, and why. */
export function proxyStatus({ type, details }: { type?: string; details?: string }): string {
  const params = [
    ...(type === undefined ? [] : [`error=${type}`]),
    ...(details === undefined ? [] : [`details="${toStructuredString(details)}"`]),
  ]
  return ['cloudaware-proxy', ...params].join('; ')
}

/** RFC 9651 §3.3.3: a String holds printable ASCII only, with quote and backslash escaped. */
function toStructuredString(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')
}
