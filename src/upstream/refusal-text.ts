import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'

/** The text of a body in any of the platform's encodings; empty where it cannot be read. No more than `limitBytes` are looked at, before and after decompression. */
export function refusalText(body: Buffer, contentEncoding: string | string[] | undefined, limitBytes: number): string {
  const bytes = decompress(body.subarray(0, limitBytes), String(contentEncoding).trim().toLowerCase(), limitBytes)
  // UTF-16 shows by its byte order mark, or by the zero beside its first character, which is ASCII in every refusal.
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || second === 0) return new TextDecoder('utf-16le').decode(bytes)
  if ((first === 0xfe && second === 0xff) || first === 0) return new TextDecoder('utf-16be').decode(bytes)
  return new TextDecoder().decode(bytes)
}

/** A bomb or a broken stream gives nothing. */
function decompress(bytes: Buffer, encoding: string, maxOutputLength: number): Buffer {
  // The body may have been cut short: what came is enough to read.
  const options = { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH }
  try {
    switch (encoding) {
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
    return Buffer.alloc(0)
  }
}
