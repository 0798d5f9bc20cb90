import { identifyCaller, type CallerKey } from './caller-key.ts'
import type { HeaderFields } from './effective-method.ts'

type Value = HeaderFields[string]

/** Where callers put what they believe to be their session or key. */
interface Credentials {
  readonly authorization?: Value
  readonly cookie?: Value
  readonly 'x-api-key'?: Value
  readonly 'x-sfdc-session'?: Value
}

interface Known {
  /** Those that were good then. */
  readonly keys: readonly CallerKey[]
  readonly credentials: Credentials
  readonly caller: string
}

/** Longer ones are looked at anew each time. */
const MAX_LENGTH = 512

/**
 * Finds the caller of a request by its credentials; on a connection that has presented the very same ones before, while the same keys
 * were good, without their digests, which cost more than all the rest of the guard. Who was refused is not remembered.
 */
export function callerFinder(): (
  connection: object,
  keys: readonly CallerKey[],
  headers: HeaderFields,
) => string | undefined {
  const lastOf = new WeakMap<object, Known>()
  return (connection, keys, headers) => {
    const last = lastOf.get(connection)
    if (last?.keys === keys && areSame(last.credentials, headers)) return last.caller
    const caller = identifyCaller(keys, headers)
    if (caller === undefined) return undefined
    const { authorization, cookie, 'x-api-key': apiKey, 'x-sfdc-session': session } = headers
    const credentials = { authorization, cookie, 'x-api-key': apiKey, 'x-sfdc-session': session }
    if (lengthOf(credentials) <= MAX_LENGTH) lastOf.set(connection, { keys, credentials, caller })
    return caller
  }
}

function areSame(some: Credentials, others: Credentials): boolean {
  return (
    isSame(some['x-api-key'], others['x-api-key']) &&
    isSame(some.authorization, others.authorization) &&
    isSame(some['x-sfdc-session'], others['x-sfdc-session']) &&
    isSame(some.cookie, others.cookie)
  )
}

/** Takes the same time wherever two texts of one length differ: a connection may be shared, behind another proxy. */
function isSame(one: Value, other: Value): boolean {
  if (one === undefined || other === undefined) return one === other
  if (typeof one !== 'string' || typeof other !== 'string' || one.length !== other.length) return false
  let difference = 0
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

function lengthOf(credentials: Credentials): number {
  const values: readonly Value[] = Object.values(credentials)
  return values.reduce((sum, value) => sum + (value?.length ?? 0), 0)
}
