import { timingSafeEqual } from 'node:crypto'
import { digestOf, sessionOf, sessionSecretIn, type CallerSession } from './caller-session.ts'
import type { HeaderFields } from './effective-method.ts'

/** A key that callers present, by the name under which log and metrics show its user. Holds the key's digest only. */
export interface CallerKey {
  readonly name: string
  readonly digest: Buffer
  /** Its characters: a password may hold the key beside others. */
  readonly length: number
  /** What the local login gives out; undefined where there is no login. */
  readonly session?: CallerSession
}

interface NamedKey {
  readonly name: string
  readonly key: string
}

/** The keys as they are held: by name, without the keys themselves. */
export function digestKeys(keys: readonly NamedKey[]): readonly CallerKey[] {
  return keys.map(({ name, key }) => ({ name, digest: digestOf(key), length: key.length }))
}

/** The same for a proxy with a local login: its sessions are as good as the keys. */
export async function keysWithSessions(keys: readonly NamedKey[]): Promise<readonly CallerKey[]> {
  const sessions = await Promise.all(keys.map(sessionOf))
  return digestKeys(keys).map((key, at) => ({ ...key, ...(sessions[at] && { session: sessions[at] }) }))
}

/** The key whose caller these headers name, if any. Takes the same time whichever key it is. */
export function identifyCaller(keys: readonly CallerKey[], headers: HeaderFields): string | undefined {
  return keyAmong(keys, presentedKeys(headers))?.name
}

/** The key that one of these texts is, or whose session. */
export function keyAmong(keys: readonly CallerKey[], presented: readonly string[]): CallerKey | undefined {
  let found: CallerKey | undefined
  for (const text of presented) {
    const digest = digestOf(text)
    const secret = sessionSecretIn(text)
    const sessionDigest = secret === undefined ? digest : digestOf(secret)
    for (const key of keys) {
      if (timingSafeEqual(digest, key.digest)) found = key
      if (key.session && timingSafeEqual(sessionDigest, key.session.digest)) found = key
    }
  }
  return found
}

/**
 * The key that a password begins or ends with: tools send password and "security token" as one text, and either may be the key.
 * One digest a key: a password's length does not choose how long this takes.
 */
export function keyWithin(keys: readonly CallerKey[], password: string): CallerKey | undefined {
  return keys.find((key) => {
    const ends = [password.slice(0, key.length), password.slice(-key.length)]
    return ends.map((end) => timingSafeEqual(digestOf(end), key.digest)).includes(true)
  })
}

/** X-SFDC-Session, the scheme OAuth and the cookie `sid` are where clients put what they believe to be their session. */
function presentedKeys(headers: HeaderFields): string[] {
  const { authorization, cookie, 'x-api-key': apiKey, 'x-sfdc-session': session } = headers
  const presented: string[] = []
  const present = (value: string | string[] | undefined) => {
    if (typeof value === 'string' && value !== '') presented.push(value)
  }
  present(apiKey)
  present(session)
  if (cookie !== undefined) present(/(?:^|;)\s*sid=([^;\s]*)/.exec(cookie.toString())?.[1])
  if (authorization === undefined) return presented
  const [, scheme = '', credentials = ''] = /^(bearer|oauth|basic) +(\S+) *$/i.exec(authorization.toString()) ?? []
  present(scheme.toLowerCase() === 'basic' ? basicPassword(credentials) : credentials)
  return presented
}

function basicPassword(credentials: string): string {
  const decoded = Buffer.from(credentials, 'base64').toString('utf8')
  return decoded.slice(decoded.indexOf(':') + 1)
}
