import { SESSION_PLACES, type ApiFamily } from './api-family.ts'
import { FieldPlaces } from './field-places.ts'
import { HOP_BY_HOP, namedByConnection, withoutFields, type HeaderList } from './header-list.ts'

export interface UpstreamHeaderOptions {
  readonly family: ApiFamily
  /** The proxy's own version, for User-Agent. */
  readonly version: string
  /** The HTTP version that the caller used, for Via. */
  readonly httpVersion?: string
}

const DROPPED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'http2-settings',
  'proxy-authorization',
  // Node has answered it already, and undici refuses it.
  'expect',
  // undici writes the Host of the origin that it connects to; the caller's never chooses.
  'host',
  // The caller's own sessions and keys: ours is the only session that goes out. X-Api-Key belongs to PROXY_API_KEY.
  'authorization',
  'x-sfdc-session',
  'x-api-key',
  'cookie',
  // Where the caller sits is none of the API's business, and the platform judges Origin by a list that has no localhost.
  'origin',
  'referer',
  'forwarded',
  'x-real-ip',
])

/**
 * The fields of a caller's request (Node's `rawHeaders`) that go upstream: no session, no Host, nothing of the connection; the rest
 * in order and case, User-Agent and Via completed. {@link withSession} adds what is ours afterwards, where no field can strip it.
 */
export function upstreamHeaders(rawHeaders: HeaderList, options: UpstreamHeaderOptions): string[] {
  const { family, version, httpVersion = '1.1' } = options
  const kept: string[] = []
  const named: string[] = []
  let hasUserAgent = false
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const { known, value } = PLACES.at(at / 2, rawHeaders[at], rawHeaders[at + 1])
    const { field, name, fate } = known
    if (fate === 'kept') {
      kept.push(field, value)
    } else if (fate === 'agent') {
      kept.push(field, hasUserAgent ? value : completed(value, version))
      hasUserAgent = true
    } else {
      if (name === 'connection') named.push(...namedByConnection(value))
      if (name === 'cookie' && family === 'streaming') keepCookies(kept, field, value)
    }
  }
  if (!hasUserAgent) kept.push('User-Agent', completed('', version))
  const headers = named.length === 0 ? kept : [...withoutFields(kept, named)]
  headers.push('Via', httpVersion === '1.1' ? '1.1 cloudaware-proxy' : `${httpVersion} cloudaware-proxy`)
  return headers
}

/** The list with the session where the family's API reads it, but for SOAP's, which is in the body. */
export function withSession(headers: HeaderList, family: ApiFamily, token: string): string[] {
  const { scheme, sessionHeader } = SESSION_PLACES[family]
  const sent = [...headers, 'Authorization', `${scheme} ${token}`]
  if (sessionHeader) sent.push('X-SFDC-Session', token)
  return sent
}

/** Names that a lenient server takes for the dropped ones (`X_SFDC_Session`) are dropped as well. */
function isDropped(name: string): boolean {
  if (DROPPED.has(name)) return true
  // Sec-: browsers alone may set these, of their own page. X-Forwarded-: the caller's whereabouts again.
  if (name.startsWith('sec-') || name.startsWith('x-forwarded-')) return true
  return name.includes('_') && isDropped(name.replaceAll('_', '-'))
}

const SECRET: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'x-api-key',
  'x-sfdc-session',
])

/** What is remembered goes by the characters alone, so it is the same for every caller. */
const PLACES = new FieldPlaces({
  judge: (name) => {
    if (isDropped(name)) return 'dropped'
    return name === 'user-agent' ? 'agent' : 'kept'
  },
  isValid: () => true,
  isSecret: (name) => SECRET.has(name.replaceAll('_', '-')),
})

/** The last of a caller's programs, and how it is told of upstream: the same string each time. */
let lastAgent = { sent: '', version: '', completed: '' }

function completed(sent: string, version: string): string {
  if (sent !== lastAgent.sent || version !== lastAgent.version) {
    lastAgent = { sent, version, completed: `${sent} cloudaware-proxy/${version}`.trimStart() }
  }
  return lastAgent.completed
}

/** CometD needs its cookies (BAYEUX_BROWSER and the load balancer's); `sid` is a session of the caller's own. */
function keepCookies(kept: string[], field: string, value: string): void {
  const cookies = value.split(';').filter((cookie) => !/^\s*sid\s*(?:=|$)/i.test(cookie))
  const joined = cookies.join(';').trimStart()
  if (joined !== '') kept.push(field, joined)
}
