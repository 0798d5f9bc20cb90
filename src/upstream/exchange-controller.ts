import type { Dispatcher } from 'undici'

type Attempt = Dispatcher.DispatchController
type RawFields = NonNullable<Attempt['rawHeaders']> | null

/** What the interceptor tells of an exchange, as it stands when it is looked at. */
export interface ExchangeContext {
  /** Whether the answer comes from a second sending, with a new session. */
  readonly sessionReplaced: boolean
}

export interface AbortableExchange {
  /** Called where no attempt is on a connection: then nobody else would end the exchange. */
  onAbort(reason: Error): void
}

/**
 * The handle of an exchange from its first moment to its last, whatever it is waiting for: a token, a connection, the beginning of its body,
 * an answer. undici's own controllers exist for as long as one attempt is on a connection.
 */
export class ExchangeController implements Dispatcher.DispatchController, ExchangeContext {
  sessionReplaced = false
  rawHeaders: RawFields = null
  rawTrailers: RawFields = null
  /** The last attempt that is over: kept as the exchange is, which is for what it is made of (see server/proxy.ts). */
  ended: Attempt | undefined
  readonly #exchange: AbortableExchange
  #attempt: Attempt | undefined
  #reason: Error | null = null

  constructor(exchange: AbortableExchange) {
    this.#exchange = exchange
  }

  /** Follows this attempt from now on; ends it at once where the exchange has been aborted before it began. */
  attach(attempt: Attempt): void {
    this.#attempt = attempt
    if (this.#reason) attempt.abort(this.#reason)
  }

  /** The attempt is over. */
  detach(): void {
    this.ended = this.#attempt
    this.#attempt = undefined
  }

  abort(reason: Error): void {
    if (this.#reason) return
    this.#reason = reason
    if (this.#attempt) this.#attempt.abort(reason)
    else this.#exchange.onAbort(reason)
  }

  get aborted(): boolean {
    return this.#reason !== null
  }

  get reason(): Error | null {
    return this.#reason
  }

  get paused(): boolean {
    return this.#attempt?.paused === true
  }

  pause(): void {
    this.#attempt?.pause()
  }

  resume(): void {
    this.#attempt?.resume()
  }
}
