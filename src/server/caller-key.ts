import { hash, timingSafeEqual } from 'node:crypto'
import type { HeaderFields } from './effective-method.ts'

/** A key that callers present, by the name under which log and metrics show its user. Holds the key's digest only. */
export interface CallerKey {
  readonly name: string
  readonly digest: Buffer
}

/** The keys as they are held: by name, without the keys themselves. */
export function digestKeys(keys: readonly { name: string; key: string }[]): readonly CallerKey[] {
  return keys.map(({ name, key }) => ({ name, digest: digestOf(key) }))
}

/** The name of the caller whose key these headers present, if any. Takes the same time whichever key it is. */
export function identifyCaller(keys: readonly CallerKey[], headers: HeaderFields): string | undefined {
  let name: string | undefined
  for (const presented of presentedKeys(headers)) {
    const digest = digestOf(presented)
    for (const key of keys) {
      if (timingSafeEqual(digest, key.digest)) name = key.name
    }
  }
  return name
}

/** Digests have one length, so that comparing them tells nothing of the key's. */
function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

/** X-SFDC-Session and the scheme OAuth are where Bulk and Streaming clients put what they believe to be their token. */
function presentedKeys(headers: HeaderFields): string[] {
  const { authorization = '', 'x-api-key': apiKey, 'x-sfdc-session': session } = headers
  const [, scheme = '', credentials = ''] = /^(bearer|oauth|basic) +(\S+) *$/i.exec(authorization.toString()) ?? []
  const fromAuthorization = scheme.toLowerCase() === 'basic' ? basicPassword(credentials) : credentials
  return [apiKey, session, fromAuthorization].filter((value) => typeof value === 'string' && value !== '').map(String)
}

function basicPassword(credentials: string): string {
  const decoded = Buffer.from(credentials, 'base64').toString('utf8')
  return decoded.slice(decoded.indexOf(':') + 1)
}
