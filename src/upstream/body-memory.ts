import { shared } from '../shared-state.ts'

/** How much of a needed body may lie in the reserve: composites, logins and the heads of SOAP envelopes are smaller, save for a few. */
const SMALL_BYTES = 64 * 1024

/** Room for four thousand of the usual 2 kB. */
const RESERVE_BYTES = 8 * 1024 * 1024

/** Beside the reserve, bodies may together use as much as this many of the largest ones, and no more than these bytes. */
const LARGEST_BODIES = 64
const MOST_BYTES = 256 * 1024 * 1024
/** But one body always fits, a new job of 1 MiB too, which is needed whatever the limit. */
const LEAST_BYTES = 1024 * 1024

/**
 * The memory that all share who hold something of a request: to judge it, to send it once more, to show it in the inspector. Each counts what it
 * holds by a {@link Claim}. A part of it is kept for needed bodies that are small: whoever holds large ones cannot keep them out.
 */
export class BodyMemory {
  static {
    shared(this)
  }

  readonly totalBytes: number
  readonly #reserveBytes: number
  #heldBytes = 0

  constructor({ totalBytes, reserveBytes = 0 }: { totalBytes: number; reserveBytes?: number }) {
    this.totalBytes = totalBytes
    this.#reserveBytes = reserveBytes
  }

  /** What goes with PROXY_REPLAY_LIMIT_BYTES, the most that is held of a single body. */
  static forLimit(limitBytes: number): BodyMemory {
    const bytes = Math.min(limitBytes * LARGEST_BODIES, MOST_BYTES)
    const totalBytes = Math.max(limitBytes, LEAST_BYTES, bytes) + RESERVE_BYTES
    return new BodyMemory({ totalBytes, reserveBytes: RESERVE_BYTES })
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** `isNeeded`: the request cannot be served otherwise. Whoever claims has to release. */
  claim({ isNeeded }: { isNeeded: boolean }): Claim {
    return new Claim(this, isNeeded)
  }

  /** For claims. `isSmall`: whether the reserve is open. */
  take(bytes: number, isSmall: boolean): boolean {
    const free = this.totalBytes - this.#heldBytes - (isSmall ? 0 : this.#reserveBytes)
    if (bytes > free) return false
    this.#heldBytes += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes
  }
}

/** What is held of one request. It may pass from hand to hand with the bytes that it stands for: the last one releases it. */
export class Claim {
  static {
    shared(this)
  }

  readonly #memory: BodyMemory
  readonly #isNeeded: boolean
  /** Of the body, and beside it. */
  #bodyBytes = 0
  #besideBytes = 0
  #isReleased = false

  constructor(memory: BodyMemory, isNeeded: boolean) {
    this.#memory = memory
    this.#isNeeded = isNeeded
  }

  /** Whether so many bytes of the body may be held. What has been covered already, by whomever, is not counted again. */
  cover(bodyBytes: number): boolean {
    const more = bodyBytes - this.#bodyBytes
    if (this.#isReleased) return false
    if (more <= 0) return true
    if (!this.#memory.take(more, this.#isNeeded && bodyBytes <= SMALL_BYTES)) return false
    this.#bodyBytes = bodyBytes
    return true
  }

  /** Whether so many bytes may be held beside the body, by what works on it: as many as the proxy chooses, not the caller. */
  coverBeside(bytes: number): boolean {
    if (this.#isReleased || !this.#memory.take(bytes, this.#isNeeded)) return false
    this.#besideBytes += bytes
    return true
  }

  /** Once is enough, and oftener does no harm. Nothing is covered from then on. */
  release(): void {
    this.#memory.giveBack(this.#bodyBytes + this.#besideBytes)
    this.#bodyBytes = 0
    this.#besideBytes = 0
    this.#isReleased = true
  }
}
