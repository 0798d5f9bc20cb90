import type { Claim } from './body-memory.ts'

/** A piece costs some five hundred bytes by itself, whatever its length: smaller ones are put together. */
const SMALL_PIECE = 4 * 1024

/** What is held of a body, in the order in which it came: as long as its claim covers it, and never in a million pieces of one byte. */
export class HeldBytes {
  readonly #claim: Claim
  readonly #pieces: Buffer[] = []
  /** The last piece where it has room left: the buffer that it fills. */
  #filling: Buffer | undefined
  #length = 0

  /** The claim may cover these very bytes already. It stays the caller's, to be released. */
  constructor(claim: Claim) {
    this.#claim = claim
  }

  get length(): number {
    return this.#length
  }

  /** False where the shared memory is used up: the chunk is then not held. */
  push(chunk: Buffer): boolean {
    if (!this.#claim.cover(this.#length + chunk.length)) return false
    this.#length += chunk.length
    const last = this.#pieces.at(-1)
    if (last === undefined || last.length >= SMALL_PIECE || chunk.length >= SMALL_PIECE) {
      this.#pieces.push(chunk)
      this.#filling = undefined
    } else {
      this.#pieces[this.#pieces.length - 1] = this.#joined(last, chunk)
    }
    return true
  }

  /** Good for as long as it is kept: what is pushed later changes none of them. */
  pieces(): readonly Buffer[] {
    return [...this.#pieces]
  }

  concat(): Buffer {
    return Buffer.concat(this.#pieces, this.#length)
  }

  /** Into the room behind the last piece, or into twice the room that both need: bytes that come one by one are not copied again each time. */
  #joined(last: Buffer, chunk: Buffer): Buffer {
    const length = last.length + chunk.length
    if (this.#filling === undefined || this.#filling.length < length) {
      this.#filling = Buffer.allocUnsafeSlow(Math.max(length, Math.min(length * 2, SMALL_PIECE)))
      last.copy(this.#filling)
    }
    chunk.copy(this.#filling, last.length)
    return this.#filling.subarray(0, length)
  }
}
