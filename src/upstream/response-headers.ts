import type { ApiFamily } from './api-family.ts'
import { FieldPlaces, latin1 } from './field-places.ts'
import { HOP_BY_HOP, namedByConnection, withoutFields } from './header-list.ts'

export interface CallerHeaderOptions {
  readonly family: ApiFamily
  /** Asked where the answer names an address. */
  readonly origins: {
    /** The origin that was asked, as URL spells origins. */
    upstreamOrigin(): string
    /** The origin under which the caller reached the proxy: absolute addresses of the upstream become this. */
    readonly callerOrigin: string
  }
  readonly proxyStatus?: string | undefined
  /** Fields for a listed web origin, by lower-case name: they replace the upstream's own, and its `Vary` is joined. */
  readonly cors?: Readonly<Record<string, string>> | undefined
  /** Told the name of a field that Node would refuse to write; it is left out. */
  readonly onInvalid?: (field: string) => void
}

const DROPPED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'proxy-authenticate',
  // Promises of Cloudaware's host about itself: on localhost they would pin every port, or clear other programs' data.
  'strict-transport-security',
  'public-key-pins',
  'public-key-pins-report-only',
  'alt-svc',
  'clear-site-data',
  'set-cookie',
  // The proxy returns the caller's id, or its own, under this name.
  'x-request-id',
])

/**
 * The fields of an upstream answer (undici's raw list) that go to the caller: order, case, duplicates and latin1 bytes as they came,
 * without what concerns the connection or Cloudaware's host alone; its own absolute addresses become the caller's.
 */
export function callerHeaders(rawHeaders: readonly (Buffer | string)[], options: CallerHeaderOptions): string[] {
  const { family, origins, cors, onInvalid } = options
  const kept: string[] = []
  const named: string[] = []
  const varies: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const { known, value, isValid } = PLACES.at(at / 2, rawHeaders[at], rawHeaders[at + 1])
    const { field, name, fate } = known
    if (fate === 'invalid' || !isValid) {
      onInvalid?.(name.replace(/[^ -~]/g, '?'))
    } else if (fate === 'kept') {
      kept.push(field, value)
    } else if (fate === 'address') {
      kept.push(field, asCallerAddress(value, origins))
    } else if (fate === 'cors') {
      if (cors === undefined) kept.push(field, value)
      else if (name === 'vary') varies.push(value)
    } else {
      if (name === 'connection') named.push(...namedByConnection(value))
      if (name === 'set-cookie' && family === 'streaming') keepCookie(kept, field, value)
    }
  }
  const headers = named.length === 0 ? kept : [...withoutFields(kept, named)]
  headers.push('Via', '1.1 cloudaware-proxy')
  if (options.proxyStatus !== undefined) headers.push('Proxy-Status', options.proxyStatus)
  if (cors !== undefined) addCors(headers, cors, named.includes('vary') ? [] : varies)
  return headers
}

function addCors(headers: string[], cors: Readonly<Record<string, string>>, varies: readonly string[]): void {
  for (const name in cors) {
    const value = String(cors[name])
    if (name === 'vary') headers.push('Vary', varies.length === 0 ? value : [...varies, value].join(', '))
    else headers.push(name, value)
  }
}

/** RFC 9110 §6.5.1: what frames, routes, authenticates or describes a message is none of a trailer's business. */
const NEVER_TRAILING: ReadonlySet<string> = new Set([
  ...DROPPED,
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'host',
  'location',
  'proxy-status',
  'vary',
  'via',
  'www-authenticate',
])

/** The trailer fields of an answer (undici's raw list) that may go to the caller, as name and value. */
export function callerTrailers(rawTrailers: readonly (Buffer | string)[]): [name: string, value: string][] {
  const kept: [string, string][] = []
  for (let at = 0; at < rawTrailers.length; at += 2) {
    const field = latin1(rawTrailers[at])
    const value = latin1(rawTrailers[at + 1])
    const isWritable = !NOT_A_TOKEN.test(field) && !NOT_A_VALUE.test(value)
    if (isWritable && !NEVER_TRAILING.has(field.toLowerCase())) kept.push([field, value])
  }
  return kept
}

// What Node's writeHead throws at.
const NOT_A_TOKEN = /[^!#$%&'*+.^_`|~\w-]|^$/
const NOT_A_VALUE = /[^\t -~\x80-\xff]/

/** What is remembered goes by the bytes alone, so it is the same for every caller. */
const PLACES = new FieldPlaces({
  judge: (name) => {
    if (NOT_A_TOKEN.test(name)) return 'invalid'
    if (DROPPED.has(name)) return 'dropped'
    if (name === 'vary' || name.startsWith('access-control-')) return 'cors'
    return name === 'location' || name === 'content-location' ? 'address' : 'kept'
  },
  isValid: (value) => !NOT_A_VALUE.test(value),
  isSecret: (name) => name === 'set-cookie',
})

/** CometD's cookies, fit for plain http on another host; browsers want Secure with SameSite=None and Partitioned. A `sid` is our session. */
function keepCookie(kept: string[], field: string, value: string): void {
  if (/^\s*sid\s*=/i.test(value)) return
  const attributes = value
    .split(';')
    .filter(
      (attribute, at) =>
        at === 0 || !/^\s*(?:domain|secure|partitioned|samesite\s*=\s*none)\s*(?:=|$)/i.test(attribute),
    )
  kept.push(field, attributes.join(';'))
}

/** A relative address is the caller's already; one of another host stays what it is. */
function asCallerAddress(value: string, origins: CallerHeaderOptions['origins']): string {
  const authority = /^(?:https?:)?\/\/[^/?#\\]*/i.exec(value)?.[0]
  if (authority === undefined) return value
  const upstreamOrigin = origins.upstreamOrigin()
  if (URL.parse(authority, upstreamOrigin)?.origin !== upstreamOrigin) return value
  return origins.callerOrigin + value.slice(authority.length)
}
