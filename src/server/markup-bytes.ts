/**
 * The bytes of an XML text in an encoding whose markup is ASCII, whatever it came in: UTF-16 as UTF-8, any superset of ASCII as it is,
 * without a byte order mark.
 * By the byte order mark, or by the zero beside the first `<` (XML 1.0, appendix F), as the session is placed upstream.
 */
export class MarkupBytes {
  #beginning: Buffer | undefined = Buffer.alloc(0)
  #decoder: TextDecoder | undefined

  /** Chunks may end anywhere. */
  push(chunk: Buffer): Buffer {
    let bytes = chunk
    if (this.#beginning !== undefined) {
      bytes = this.#beginning.length === 0 ? chunk : Buffer.concat([this.#beginning, chunk])
      const [first, second, third] = bytes
      if (third === undefined) {
        this.#beginning = bytes
        return Buffer.alloc(0)
      }
      this.#beginning = undefined
      if ((first === 0xff && second === 0xfe) || second === 0) this.#decoder = new TextDecoder('utf-16le')
      else if ((first === 0xfe && second === 0xff) || first === 0) this.#decoder = new TextDecoder('utf-16be')
      else if (first === 0xef && second === 0xbb && third === 0xbf) bytes = bytes.subarray(3)
    }
    return this.#decoder === undefined ? bytes : Buffer.from(this.#decoder.decode(bytes, { stream: true }))
  }
}

/** Whether these bytes are XML white space alone. */
export function isBlank(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at++) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false
  }
  return true
}
