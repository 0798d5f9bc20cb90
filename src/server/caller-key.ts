import { hash, timingSafeEqual } from 'node:crypto'
import type { HeaderFields } from './effective-method.ts'

/** A key that callers present, by the name under which log and metrics show its user. Holds the key's digest only. */
export interface CallerKey {
  readonly name: string
  readonly digest: Buffer
}

const NAME = /^[\w.-]{1,64}$/

/**
 * Parses PROXY_API_KEY: one bare key, or `name:key` entries on lines or between commas. A bare key's user is `default`.
 * Throws a RangeError that never holds a key.
 */
export function parseCallerKeys(setting: string): readonly CallerKey[] {
  const entries = setting
    .split(/[\r\n,]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  const keys = entries.map((entry) => {
    const colon = entry.indexOf(':')
    const name = colon === -1 ? 'default' : entry.slice(0, colon).trim()
    const key = entry.slice(colon + 1).trim()
    if (!NAME.test(name) || key === '') throw new RangeError('PROXY_API_KEY takes one key, or name:key entries.')
    return { name, digest: digestOf(key) }
  })
  if (new Set(keys.map(({ name }) => name)).size < keys.length) {
    throw new RangeError('PROXY_API_KEY names a caller twice. Each of several keys needs its own name: name:key.')
  }
  return keys
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
