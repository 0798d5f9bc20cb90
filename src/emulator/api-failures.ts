import { text, type Answer } from './answer.ts'
import { apiError } from './api-error.ts'

/** What the API answers to a live session, by the name under which it can be switched on. */
export const API_FAILURES = {
  'session-not-valid-for-rest': apiError(
    401,
    'INVALID_SESSION_ID',
    'This session is not valid for use with the REST API',
  ),
  'session-not-valid-for-api': apiError(401, 'INVALID_SESSION_ID', 'This session is not valid for use with the API'),
  'not-attached-to-agent': apiError(401, 'INVALID_SESSION_ID', 'Connected app is not attached to Agent'),
  'invalid-auth-header': apiError(401, 'INVALID_AUTH_HEADER', 'INVALID_HEADER_TYPE'),
  'invalid-jwt-format': apiError(401, 'INVALID_JWT_FORMAT', 'INVALID_JWT_FORMAT'),
  'api-disabled': apiError(403, 'API_DISABLED_FOR_ORG', 'API is not enabled for this Organization or Partner'),
  'api-currently-disabled': apiError(403, 'API_CURRENTLY_DISABLED', 'API is currently disabled'),
  'request-limit': apiError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'),
  'concurrent-limit': apiError(403, 'REQUEST_LIMIT_EXCEEDED', 'ConcurrentPerOrgLongTxn Limit exceeded'),
  'query-timeout': apiError(400, 'QUERY_TIMEOUT', 'Your query request was running for too long.'),
  'api-unavailable': apiError(503, 'SERVER_UNAVAILABLE', 'The server is temporarily unavailable, please try again.'),
  'api-html-503': text(
    503,
    'text/html;charset=UTF-8',
    '<html><head><title>Service Unavailable</title></head><body>We are down for maintenance.</body></html>',
    { 'x-sfdc-edge-err': 'true' },
  ),
  'api-no-route-420': text(420, 'text/html;charset=UTF-8', '', { 'x-sfdc-edge-err': 'true' }),
  'api-server-error': apiError(500, 'UNKNOWN_EXCEPTION', 'An unexpected error occurred. Please include this ErrorId'),
  'url-not-reset': apiError(401, 'URL_NOT_RESET', 'Destination URL not reset'),
  'api-hang': { status: 200, hangs: true },
} as const satisfies Record<string, Answer>

export type ApiFailure = keyof typeof API_FAILURES

/** To tell them from answers of a test's own making. */
export const OWN_FAILURES: ReadonlySet<Answer> = new Set(Object.values(API_FAILURES))

/** Switches that touch the session or the way, not the answer. */
export const SESSION_SWITCHES = [
  'session-dies-before',
  'session-dies-after',
  /** The API takes the session for dead while the token endpoint still hands it out. */
  'live-session-refused',
  'introspect-not-allowed',
  /** The list of objects is that of a user who may see none of the CMDB's. */
  'cmdb-objects-hidden',
  'api-socket-reset',
] as const

export type SessionSwitch = (typeof SESSION_SWITCHES)[number]
