import { sanitised } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import type { HeaderFields } from './effective-method.ts'

export interface OriginQuestion {
  readonly method: string
  readonly headers: HeaderFields
  /** How often an Origin field was sent: Node keeps the first of several. */
  readonly originCount: number
  /** Whether the caller came over TLS. */
  readonly isSecure: boolean
}

/** `cors` are the fields for the answer; a preflight is answered with them and 204, and never goes upstream. */
export type OriginVerdict =
  | { readonly kind: 'pass'; readonly cors?: Readonly<Record<string, string>> }
  | { readonly kind: 'preflight'; readonly cors: Readonly<Record<string, string>> }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

export type OriginPolicy = (question: OriginQuestion) => OriginVerdict

const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^\s/,*?#]+$/
const TOKENS = /^[\w!#$%&'*+.^`|~-]+(?: *, *[\w!#$%&'*+.^`|~-]+)*$/
const PASS: OriginVerdict = { kind: 'pass' }

/**
 * Programs send no Origin and pass. A web page passes from the proxy's own address and from a listed origin; `null`,
 * which every sandboxed page can have, cannot be listed. Throws a RangeError on an entry that is no origin.
 */
export function createOriginPolicy({ allowedOrigins }: { allowedOrigins: readonly string[] }): OriginPolicy {
  const allowed = new Set(allowedOrigins.map(parseAllowed))
  // A cache must not give a page the answer made for another origin, nor for none.
  const unlisted: OriginVerdict = allowed.size === 0 ? PASS : { kind: 'pass', cors: { vary: 'Origin' } }

  return ({ method, headers, originCount, isSecure }) => {
    const { origin, 'sec-fetch-site': site } = headers
    if (origin === undefined && site === undefined) return unlisted
    if (originCount > 1) return refused('origin repeated', 'The request names more than one origin.')
    if (typeof origin !== 'string') {
      return isOwnSite(site) ? unlisted : refused('sec-fetch-site', 'The browser marks the request as cross-site.')
    }
    const from = origin.toLowerCase()
    if (allowed.has(from)) return listed(from, method, headers)
    const own = `${isSecure ? 'https' : 'http'}://${String(headers.host).toLowerCase()}`
    if (from === own && isOwnSite(site)) return unlisted
    return refused('origin not listed', `The origin is "${sanitised(origin)}".`)
  }
}

/** A browser says `none` of what the user typed. Older browsers say nothing. */
function isOwnSite(site: string | string[] | undefined): boolean {
  return site === undefined || site === 'same-origin' || site === 'none'
}

function refused(rule: string, detail: string): OriginVerdict {
  return { kind: 'refused', refusal: { code: 'PROXY_ORIGIN_REFUSED', rule, detail } }
}

function listed(origin: string, method: string, headers: HeaderFields): OriginVerdict {
  const cors = {
    'access-control-allow-origin': origin,
    // Without credentials mode `*` covers all that Salesforce clients read (Sforce-Limit-Info, Sforce-Locator, …).
    'access-control-expose-headers': '*',
    vary: 'Origin',
  }
  const asked = headers['access-control-request-method']
  if (method !== 'OPTIONS' || asked === undefined) return { kind: 'pass', cors }
  return { kind: 'preflight', cors: { ...cors, ...preflightFields(headers) } }
}

function preflightFields(headers: HeaderFields): Record<string, string> {
  const names = headers['access-control-request-headers']
  return {
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    // Named one by one: `*` does not cover Authorization.
    ...(typeof names === 'string' && TOKENS.test(names) ? { 'access-control-allow-headers': names } : {}),
    // Chromium asks this of a public page that calls a private address.
    ...(headers['access-control-request-private-network'] === 'true'
      ? { 'access-control-allow-private-network': 'true' }
      : {}),
    'access-control-max-age': '600',
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network',
  }
}

function parseAllowed(entry: string): string {
  const origin = entry.toLowerCase()
  if (!ORIGIN.test(origin)) {
    throw new RangeError('PROXY_ALLOWED_ORIGINS takes origins such as https://tool.example.com, without a path.')
  }
  return origin
}
