/** The API families of a Salesforce host: they differ in where a request carries its session and in how a dead one is refused. */
export type ApiFamily = 'rest' | 'bulk1' | 'soap' | 'streaming' | 'identity'

/** Where a request of a family carries its session. */
export interface SessionPlaces {
  /** The scheme of the Authorization field: `OAuth` is what CometD clients send, and all that is documented there. */
  readonly scheme: 'Bearer' | 'OAuth'
  /** Bulk v1 reads X-SFDC-Session; the platform's own clients send both. */
  readonly sessionHeader: boolean
  /** SOAP reads the sessionId of the SessionHeader, in the body. */
  readonly inBody: boolean
  /** Access tokens in JWT form are good for the REST APIs alone. */
  readonly acceptsJwt: boolean
}

const IN_AUTHORIZATION = { scheme: 'Bearer', sessionHeader: false, inBody: false, acceptsJwt: true } as const

export const SESSION_PLACES: Readonly<Record<ApiFamily, SessionPlaces>> = {
  rest: IN_AUTHORIZATION,
  bulk1: { scheme: 'Bearer', sessionHeader: true, inBody: false, acceptsJwt: false },
  soap: { scheme: 'Bearer', sessionHeader: false, inBody: true, acceptsJwt: false },
  streaming: { scheme: 'OAuth', sessionHeader: false, inBody: false, acceptsJwt: false },
  identity: IN_AUTHORIZATION,
}

const PREFIXES: readonly (readonly [prefix: string, family: ApiFamily])[] = [
  ['/services/async', 'bulk1'],
  ['/services/soap', 'soap'],
  ['/services/oauth2', 'identity'],
  ['/cometd', 'streaming'],
  ['/id', 'identity'],
]
const LONGEST_PREFIX = Math.max(...PREFIXES.map(([prefix]) => prefix.length))

/**
 * The family of a request target, with or without its query; letter case does not matter, nor do doubled slashes in front.
 * Every path that is not known to be another family's is REST's. Expects the path as the path policy saw it.
 */
export function familyOf(path: string): ApiFamily {
  // What nearly all ask for, and no other family's prefix begins.
  if (path.startsWith('/services/data/')) return 'rest'
  let start = 0
  // Data Loader and the Salesforce CLI do send `//services/…`.
  while (path.startsWith('//', start)) start++
  const head = path.slice(start, start + LONGEST_PREFIX + 1).toLowerCase()
  for (const [prefix, family] of PREFIXES) {
    if (head.startsWith(prefix) && endsSegment(head.charAt(prefix.length))) return family
  }
  return 'rest'
}

/** Where the platform itself answers. Below `/services/soap` that is each service but the classes'. */
const PLATFORM_PATHS = /^\/+(?:services\/+(?:data|async|oauth2|soap\/+\w)|cometd|id)(?=[/?]|$)/i

/**
 * Whether code of the org's own may write the answer: Apex REST and SOAP classes, and whatever PROXY_ALLOWED_PATHS opens beside the APIs.
 * Its 401 is not the platform's word about the session, and that code has run.
 */
export function runsOrgCode(path: string): boolean {
  return !PLATFORM_PATHS.test(path)
}

/** Whether a success at this path proves that the session is valid: the list of versions, for one, is given to everyone. */
export function needsSession(family: ApiFamily, path: string): boolean {
  switch (family) {
    case 'rest':
      return path.startsWith('/services/data/v') && path.length > '/services/data/v62.0/'.length
    case 'bulk1':
      return true
    case 'soap':
      return !runsOrgCode(path)
    default:
      return false
  }
}

function endsSegment(next: string): boolean {
  return next === '' || next === '/' || next === '?'
}
