/** A flat list of header fields: name, value, name, value …, in the order and letter case of the wire. */
export type HeaderList = readonly string[]

/** The fields that mean one connection only, beside those that Connection names (RFC 9110 §7.6.1); lower case. */
export const HOP_BY_HOP: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  // Announces trailers of a framing that ends here: the next hop chooses its own, and Node throws where that is not chunked.
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** What the body is, and who sends it, is not at the mercy of a Connection field. */
const NEVER_NAMED: ReadonlySet<string> = new Set(['content-length', 'content-type', 'content-encoding', 'user-agent'])

/** The fields, lower case, that a Connection value names for removal. */
export function namedByConnection(value: string): string[] {
  // Nearly every value there is, without a split.
  if (value === 'keep-alive' || value === 'close') return []
  const options = value.toLowerCase().split(',')
  return options.map((option) => option.trim()).filter((option) => !NEVER_NAMED.has(option))
}

/** The list without the fields of these lower-case names. */
export function withoutFields(headers: HeaderList, names: readonly string[]): HeaderList {
  // Both are as long as a caller makes them.
  const left = new Set(names)
  return headers.filter((_, at) => !left.has(String(headers[at - (at % 2)]).toLowerCase()))
}

/** The list with its Content-Length grown in place, for a body that is rewritten on the way; without one it stays as it is. */
export function withLengthGrownBy(headers: HeaderList, bytes: number): string[] {
  return headers.map((text, at) => {
    const isLength = at % 2 === 1 && String(headers[at - 1]).toLowerCase() === 'content-length'
    return isLength ? String(Number(text) + bytes) : text
  })
}
