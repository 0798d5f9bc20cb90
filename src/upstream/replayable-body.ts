import { finished, type Readable } from 'node:stream'
import type { Claim } from './body-memory.ts'
import { pushedBody } from './body-stream.ts'
import { HeldBytes } from './held-bytes.ts'

export interface ReplayableBodyOptions {
  readonly limitBytes: number
  /** Covers what is held; released with it. */
  readonly claim: Claim
  /** Told of each piece once, as it comes. */
  readonly onChunk?: ((chunk: Buffer) => void) | undefined
  /** Given what was thrown over a piece. */
  readonly onException: (error: unknown) => void
}

/**
 * A request body that streams through while its beginning is held, so that it can be sent once more from its first byte.
 * Past `limitBytes`, or where the shared memory is used up, what was held is let go and the body flows on unrepeatable.
 */
export class ReplayableBody {
  readonly #source: Readable
  readonly #limitBytes: number
  readonly #claim: Claim
  readonly #onChunk: ((chunk: Buffer) => void) | undefined
  readonly #onException: (error: unknown) => void
  #held: HeldBytes | undefined
  #reader: Readable | undefined
  /** Whom a repeat takes over from. */
  #former: Readable | undefined
  #isAttached = false
  #end: 'whole' | Error | undefined
  #isClosed = false

  constructor(source: Readable, { limitBytes, claim, onChunk, onException }: ReplayableBodyOptions) {
    this.#source = source
    this.#limitBytes = limitBytes
    this.#claim = claim
    this.#held = new HeldBytes(claim)
    this.#onChunk = onChunk
    this.#onException = onException
  }

  get isRepeatable(): boolean {
    return this.#held !== undefined
  }

  /**
   * The body from its first byte. A second call comes after `rewind`, and takes over from the first stream, which gets no more.
   * Throws where the beginning has been let go.
   */
  stream(): Readable {
    if (this.#held === undefined) throw new Error('the beginning of the body is gone: it cannot be sent again')
    const reader: Readable = pushedBody(() => {
      if (reader === this.#reader) this.#source.resume()
    })
    this.#reader = reader
    for (const piece of this.#held.pieces()) reader.push(piece)
    if (this.#end === 'whole') reader.push(null)
    else if (this.#end) reader.destroy(this.#end)
    if (!this.#isAttached) this.#attach()
    this.#former?.destroy()
    this.#former = undefined
    return reader
  }

  /**
   * Before a repeat, which may have to wait for a token or a place: nothing more is read until the next `stream`. What came in the
   * meantime could pass the limit, and the repeat would then go out without its beginning.
   */
  rewind(): void {
    this.#former = this.#reader
    this.#reader = undefined
    this.#source.pause()
  }

  /** Lets go of what is held: the answer has begun, nothing will be sent again. */
  release(): void {
    this.#claim.release()
    this.#held = undefined
  }

  /** Nobody will read it any more: what is still to come is thrown away. */
  close(): void {
    this.release()
    this.#isClosed = true
    this.#reader?.destroy()
    this.#former?.destroy()
    this.#source.resume()
  }

  #attach(): void {
    this.#isAttached = true
    this.#source.on('data', (chunk: Buffer) => {
      if (this.#isClosed) return
      try {
        this.#onPiece(chunk)
      } catch (error) {
        this.#onException(error)
      }
    })
    // A caller that breaks off in the middle: the upstream call must break off too, not end as if complete. That may have happened already.
    finished(this.#source, { writable: false }, (error) => {
      this.#end = error ?? 'whole'
      if (error) this.#reader?.destroy(error)
      else this.#reader?.push(null)
    })
  }

  #onPiece(chunk: Buffer): void {
    this.#onChunk?.(chunk)
    this.#hold(chunk)
    const reader = this.#reader
    if (reader?.destroyed === false && !reader.push(chunk)) this.#source.pause()
  }

  #hold(chunk: Buffer): void {
    if (this.#held === undefined) return
    const isHeld = this.#held.length + chunk.length <= this.#limitBytes && this.#held.push(chunk)
    if (!isHeld) this.release()
  }
}
