import type { Readable } from 'node:stream'
import { ProxyError } from '../errors.ts'
import type { Claim } from '../upstream/body-memory.ts'
import { HeldBytes } from '../upstream/held-bytes.ts'
import type { HeaderFields } from './effective-method.ts'
import type { Refusal } from './refusal.ts'

/** Refuses a body that the policy would have to judge and cannot. */
export function unreadable(detail: string): Refusal {
  return { code: 'PROXY_PATH_REFUSED', rule: 'body not judged', detail }
}

/** RFC 9112 §6.3: a request has a body where Content-Length or Transfer-Encoding says so. */
export function hasBody(headers: HeaderFields): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** Why a body with these headers cannot be judged at all; undefined where it can. XML shows by its first bytes that it is UTF-16. */
export function unjudgeableBody(headers: HeaderFields, isXml = false): Refusal | undefined {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    return unreadable('The proxy reads this body to judge it, so it must come without Content-Encoding.')
  }
  // Another charset could make other characters of the same bytes, and which of several counts is anybody's guess.
  const charsets = String(headers['content-type']).split(';').flatMap(charsetIn)
  const known = isXml ? /^(?:utf-?8|us-ascii|iso-8859-1|utf-?16(?:[bl]e)?)$/i : /^(?:utf-?8|us-ascii|iso-8859-1)$/i
  if (charsets.every((charset) => known.test(charset))) return undefined
  return unreadable(`The proxy reads this body to judge it, so it must come in UTF-8${isXml ? ' or UTF-16' : ''}.`)
}

/**
 * Without its quotes; in single ones, too, which are none in HTTP but are sent. A longer name (`charset*`) makes it an unknown one.
 * No one regular expression: the type of a part may be as long as a body, and input must not choose how long this takes.
 */
function charsetIn(parameter: string): readonly string[] {
  const at = parameter.toLowerCase().indexOf('charset')
  if (at === -1) return []
  const [name = '', ...values] = parameter.slice(at + 'charset'.length).split('=')
  const value = values.join('=').trim()
  const isQuoted = value.length > 1 && /^["']/.test(value) && value.at(-1) === value[0]
  return [name.trim() + (isQuoted ? value.slice(1, -1) : value)]
}

export interface Room {
  readonly limitBytes: number
  /** Covers what comes back, and stays the caller's. */
  readonly claim: Claim
}

/**
 * Holds a body of at most `limitBytes`. Forward the very Buffer (`bodyOf([body])`): what was judged is what goes.
 * Rejects with PROXY_MEMORY_FULL, and with the stream's own error where the caller leaves half-way.
 */
export async function readBody(stream: Readable, { limitBytes, claim }: Room): Promise<Buffer | 'too-large'> {
  const held = new HeldBytes(claim)
  for await (const chunk of bytesOf(stream)) {
    if (held.length + chunk.length > limitBytes) return 'too-large'
    hold(held, chunk)
  }
  return held.concat()
}

/** Throws PROXY_MEMORY_FULL: what cannot be held cannot be judged. */
export function hold(held: HeldBytes, chunk: Buffer): void {
  if (!held.push(chunk)) throw new ProxyError('PROXY_MEMORY_FULL')
}

/** The chunks of a request body. The caller is still to be answered, so leaving the loop early does not destroy the stream. */
export function bytesOf(stream: Readable): AsyncIterable<Buffer> {
  // Without an encoding set, a body's chunks are Buffers; the type of the iterator does not say so.
  return stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
}
