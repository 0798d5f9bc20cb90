import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'

/** The codings in which the platform answers, beside none. */
const KNOWN: ReadonlySet<string> = new Set(['identity', 'gzip', 'x-gzip', 'deflate', 'br', 'zstd'])

/** Whether {@link decoded} and {@link encoded} are each other's inverse for this coding. */
export function isKnownCoding(coding: string): boolean {
  return KNOWN.has(coding)
}

/** The coding that a Content-Encoding names, lower case; `identity` without the field. A list of several stays a list, and is not known. */
export function codingOf(contentEncoding: string | string[] | undefined): string {
  return String(contentEncoding ?? 'identity')
    .trim()
    .toLowerCase()
}

/**
 * The bytes before their coding, at most `maxOutputLength` of them; undefined for a bomb or a broken stream. What is cut short is read
 * as far as it goes (gzip, deflate); a coding that is not known is taken for none.
 */
export function decoded(bytes: Buffer, coding: string, maxOutputLength: number): Buffer | undefined {
  const options = { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH }
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, options)
      case 'deflate':
        // RFC 9110 §8.4.1.2 means the zlib format; some senders leave its wrapper out. Its first byte's low half is always 8.
        return ((bytes[0] ?? 0) & 0x0f) === 8 ? inflateSync(bytes, options) : inflateRawSync(bytes, options)
      case 'br':
        return brotliDecompressSync(bytes, { maxOutputLength })
      case 'zstd':
        return zstdDecompressSync(bytes, { maxOutputLength })
      default:
        return bytes
    }
  } catch {
    return undefined
  }
}

/** The inverse of {@link decoded}, for a coding that it knows. */
export function encoded(bytes: Buffer, coding: string): Buffer {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return gzipSync(bytes)
    case 'deflate':
      return deflateSync(bytes)
    case 'br':
      return brotliCompressSync(bytes)
    case 'zstd':
      return zstdCompressSync(bytes)
    default:
      return bytes
  }
}
