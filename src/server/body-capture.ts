import type { BodyMemory, Claim } from '../upstream/body-memory.ts'
import type { RequestBoundary } from './request-boundary.ts'

/** How much of a body is kept for the inspector. */
export const CAPTURE_BYTES = 16 * 1024

/** The beginning of a body, copied: a view would keep the whole buffer of the socket alive, and many small pieces would cost more than they hold. */
export class BodyBeginning {
  readonly #claim: Claim
  #copy = Buffer.alloc(0)
  #length = 0
  #isOpen = true

  constructor(claim: Claim) {
    this.#claim = claim
  }

  add(chunk: Buffer): void {
    if (!this.#isOpen) return
    const piece = chunk.subarray(0, CAPTURE_BYTES - this.#length)
    const length = this.#length + piece.length
    if (length > this.#copy.length && !this.#grow(length)) {
      this.#isOpen = false
      return
    }
    piece.copy(this.#copy, this.#length)
    this.#length = length
    this.#isOpen = length < CAPTURE_BYTES
  }

  bytes(): Buffer {
    return this.#copy.subarray(0, this.#length)
  }

  /** A first piece gets what it needs, since it often is the only one; later ones twice as much. False where the shared memory is used up. */
  #grow(length: number): boolean {
    const size = this.#length === 0 ? length : Math.min(length * 2, CAPTURE_BYTES)
    if (!this.#claim.cover(size)) return false
    const larger = Buffer.allocUnsafeSlow(size)
    this.#copy.copy(larger, 0, 0, this.#length)
    this.#copy = larger
    return true
  }
}

/** The beginnings of both bodies of an exchange, raw as they travelled; only where INSPECT asks for them. */
export class BodyCapture {
  readonly request: BodyBeginning
  readonly answer: BodyBeginning
  readonly #claims: readonly Claim[]

  constructor(memory: BodyMemory) {
    const [request, answer] = [memory.claim({ isNeeded: false }), memory.claim({ isNeeded: false })]
    this.request = new BodyBeginning(request)
    this.answer = new BodyBeginning(answer)
    this.#claims = [request, answer]
  }

  /** Released when the request is over. */
  static during(request: Pick<RequestBoundary, 'atEnd'>, memory: BodyMemory): BodyCapture {
    const capture = new BodyCapture(memory)
    request.atEnd(() => {
      capture.release()
    })
    return capture
  }

  /** The exchange is over: what was captured counts no longer among what requests hold, and nothing more is. */
  release(): void {
    for (const claim of this.#claims) claim.release()
  }
}
