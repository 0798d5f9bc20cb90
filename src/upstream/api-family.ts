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

/** Whether code of the org's own, an Apex REST class, may write the answer: its status is no word of the platform's about the session. */
export function runsOrgCode(path: string): boolean {
  return /^\/+services\/+apexrest(?=[/?]|$)/i.test(path)
}

function endsSegment(next: string): boolean {
  return next === '' || next === '/' || next === '?'
}
