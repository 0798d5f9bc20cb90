import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib'
import type { CredentialNet } from './credential-net.ts'
import type { Field, ShownBody } from './wire.ts'

/** How much of a decoded text is kept. */
const TEXT_LIMIT = 16 * 1024

/** A hostile 16 KiB of gzip can hold 16 MiB. */
const DECODED_LIMIT = 256 * 1024

export interface CapturedBody {
  /** The beginning, as it travelled; undefined where bodies are not kept. */
  readonly bytes: Buffer | undefined
  /** How long all of it was on the wire. */
  readonly total: number
  readonly headers: readonly Field[]
}

/** What is kept and shown of a body: text decoded, redacted and cut, else its size alone. */
export function showBody({ bytes, total, headers }: CapturedBody, net: CredentialNet): ShownBody {
  if (total === 0) return { kind: 'none' }
  if (bytes === undefined) return { kind: 'unasked', bytes: total }
  const type = fieldOf(headers, 'content-type') ?? ''
  const coding = fieldOf(headers, 'content-encoding')?.trim().toLowerCase() ?? 'identity'
  const decoded = decode(bytes, coding)
  const isPart = bytes.length < total || decoded.isPart
  const text = decoded.bytes && asText(decoded.bytes, type, isPart)
  if (text === undefined) return { kind: 'binary', bytes: total, type }
  const isCut = isPart || text.length > TEXT_LIMIT
  const whole = text.slice(0, TEXT_LIMIT)
  const safe = net.text(whole, isCut)
  return {
    kind: 'text',
    bytes: total,
    type,
    // Redaction may make it longer.
    text: safe.slice(0, TEXT_LIMIT * 2),
    isCut,
    isRedacted: safe !== whole,
    coding: coding === 'identity' ? null : coding,
  }
}

export function fieldOf(headers: readonly Field[], wanted: string): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
}

interface Decoded {
  /** Undefined where the coding is unknown or broken. */
  readonly bytes: Buffer | undefined
  readonly isPart: boolean
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes, cutShort()),
  'x-gzip': (bytes) => gunzipSync(bytes, cutShort()),
  deflate: (bytes) => inflateSync(bytes, cutShort()),
  br: (bytes) =>
    brotliDecompressSync(bytes, {
      finishFlush: constants.BROTLI_OPERATION_FLUSH,
      maxOutputLength: DECODED_LIMIT,
    }),
}

/** With a flush at the end a stream that was cut gives what it has, instead of an error. */
function cutShort() {
  return { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: DECODED_LIMIT }
}

/** What expands beyond the limit is decoded from less and less of its beginning. */
function decode(bytes: Buffer, coding: string): Decoded {
  const decoder = DECODERS[coding]
  if (decoder === undefined) return { bytes: undefined, isPart: false }
  for (let length = bytes.length; length > 0; length = length >> 2) {
    try {
      return { bytes: decoder(bytes.subarray(0, length)), isPart: length < bytes.length }
    } catch (error) {
      if (!isTooLarge(error)) break
    }
  }
  return { bytes: undefined, isPart: false }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}

/** Text by its own bytes, whatever its type says of it: a charset that is named, else UTF-8; without control characters. */
function asText(bytes: Buffer, type: string, isPart: boolean): string | undefined {
  const charset = /;\s*charset="?([\w-]+)/i.exec(type)?.[1] ?? 'utf-8'
  try {
    // As a stream: a character that was cut at the end is no mistake.
    const text = new TextDecoder(charset, { fatal: true }).decode(bytes, { stream: isPart })
    return holdsControl(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** A control character that no text has: anything below the space but tab, line feed, form feed, carriage return and escape. */
function holdsControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 32 && code !== 9 && code !== 10 && code !== 12 && code !== 13 && code !== 27) return true
  }
  return false
}
