import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Clock } from '../clock.ts'
import { Bag, type Bagged } from './bag.ts'
import type { RequestBoundary } from './request-boundary.ts'
import { LOOK_MS, Lookout } from './lookout.ts'

/** Each byte pays for as much waiting. A line of 1 kB/s is ten times as fast, a pause of 25 s is paid by 2.5 kB. */
const LEAST_BYTES_PER_SECOND = 100

export interface PacedBodyOptions {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly boundary: Pick<RequestBoundary, 'run' | 'atEnd'>
  /** Bytes of the answer so far: who is answered while he sends may wait for the next piece before he goes on. */
  bytesOut(): number
  /** Called at most once: the caller sends too slowly, or not at all. */
  onTooSlow(): void
}

export interface BodyPaceOptions {
  readonly clock: Clock
  /** How long a caller may send nothing of a body that is waited for (PROXY_UPLOAD_SILENCE_MS); 0 = any time. */
  readonly silenceMs: number
}

/** A request body on its way in. */
export class PacedBody {
  readonly #options: PacedBodyOptions
  readonly #silenceMs: number
  /** What is read in the end: the request itself, or what is made of it. Nothing is wanted of the caller while nobody reads that. */
  source: Readable
  /** Among those that are looked at. */
  place: Bagged<PacedBody> | undefined
  #bytesIn: number
  #bytesOut = 0
  #owedMs = 0

  constructor(options: PacedBodyOptions, silenceMs: number) {
    this.#options = options
    this.#silenceMs = silenceMs
    this.source = options.request
    // On the wire: they count before anybody has judged or forwarded them.
    this.#bytesIn = options.request.socket.bytesRead
  }

  get boundary(): PacedBodyOptions['boundary'] {
    return this.#options.boundary
  }

  get isOver(): boolean {
    const { request, response } = this.#options
    return request.complete || response.writableEnded || response.destroyed
  }

  get isTooSlow(): boolean {
    return this.#owedMs >= this.#silenceMs
  }

  /** Once each LOOK_MS. Counted by looks and not by the clock: what the event loop or the machine slept is not the caller's. */
  look(): void {
    const { bytesRead } = this.#options.request.socket
    const bytesOut = this.#options.bytesOut()
    const paidMs = ((bytesRead - this.#bytesIn) * 1000) / LEAST_BYTES_PER_SECOND
    const isAnswered = bytesOut > this.#bytesOut
    this.#bytesIn = bytesRead
    this.#bytesOut = bytesOut
    // Nobody saves up: a fast beginning does not pay for a stop.
    this.#owedMs = isAnswered ? 0 : Math.max(this.#owedMs + (this.#isWanted ? LOOK_MS : 0) - paidMs, 0)
  }

  giveUp(): void {
    this.#options.onTooSlow()
  }

  /** Not while a token, a place or an upstream that reads no further is waited for, nor while Node holds the connection back. */
  get #isWanted(): boolean {
    const { source } = this
    const isRead = source.readableFlowing === true || source.listenerCount('readable') > 0
    return isRead && !this.#options.request.socket.isPaused()
  }
}

/** A least pace for request bodies: callers who stop in the middle of one would use up the connections to Cloudaware. */
export class BodyPace {
  readonly #bodies = new Bag<PacedBody>()
  readonly #lookout: Lookout
  readonly #silenceMs: number

  constructor({ clock, silenceMs }: BodyPaceOptions) {
    this.#silenceMs = silenceMs
    this.#lookout = new Lookout(clock, () => {
      this.#look()
      return this.#bodies.size > 0
    })
  }

  watch(options: PacedBodyOptions): PacedBody {
    const body = new PacedBody(options, this.#silenceMs)
    if (this.#silenceMs === 0) return body
    body.place = this.#bodies.add(body)
    options.boundary.atEnd(() => {
      this.#forget(body)
    })
    this.#lookout.wake()
    return body
  }

  close(): void {
    this.#lookout.close()
  }

  #forget({ place }: PacedBody): void {
    if (place !== undefined) this.#bodies.delete(place)
  }

  #look(): void {
    for (const body of this.#bodies) {
      body.boundary.run(() => {
        body.look()
        if (body.isOver || body.isTooSlow) this.#forget(body)
        if (body.isTooSlow && !body.isOver) body.giveUp()
      })
    }
  }
}
