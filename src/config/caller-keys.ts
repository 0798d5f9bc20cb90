/** A key that callers may present, by the name of its user. */
export interface NamedKey {
  readonly name: string
  readonly key: string
}

const NAME = /^[\w.-]{1,64}$/
const KEY = /^[!-~]{8,}$/

/**
 * PROXY_API_KEY: one bare key, or `name:key` entries on lines or between commas. A bare key's user is `default`.
 * What is wrong is a sentence without a key in it.
 */
export function parseCallerKeys(setting: string): { keys: readonly NamedKey[] } | { problem: string } {
  const entries = setting
    .split(/[\r\n,]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  const keys: NamedKey[] = []
  for (const entry of entries) {
    const colon = entry.indexOf(':')
    const name = colon === -1 ? 'default' : entry.slice(0, colon).trim()
    const key = entry.slice(colon + 1).trim()
    if (!NAME.test(name) || !KEY.test(key)) return { problem: MALFORMED }
    keys.push({ name, key })
  }
  if (keys.length === 0) return { problem: MALFORMED }
  const isRepeated = (member: keyof NamedKey) => new Set(keys.map((entry) => entry[member])).size < keys.length
  if (isRepeated('name')) return { problem: 'names a caller twice: each of several keys needs its own name, name:key.' }
  if (isRepeated('key')) return { problem: 'gives two callers the same key.' }
  return { keys }
}

const MALFORMED =
  'takes one key, or name:key entries on lines or between commas; a key is at least 8 printable ASCII characters without a space.'
