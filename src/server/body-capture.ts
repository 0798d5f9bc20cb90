/** How much of a body is kept for the inspector. */
export const CAPTURE_BYTES = 16 * 1024

/** The beginning of a body, copied: a view would keep the whole buffer of the socket alive. */
export class BodyBeginning {
  readonly #pieces: Uint8Array[] = []
  #left = CAPTURE_BYTES

  add(chunk: Buffer): void {
    if (this.#left === 0) return
    const piece = new Uint8Array(chunk.subarray(0, this.#left))
    this.#left -= piece.length
    this.#pieces.push(piece)
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }
}

/** The beginnings of both bodies of an exchange, raw as they travelled; only where INSPECT asks for them. */
export class BodyCapture {
  readonly request = new BodyBeginning()
  readonly answer = new BodyBeginning()
}
