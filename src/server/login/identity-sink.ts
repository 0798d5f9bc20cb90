import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

/** No such resource for this session: its scopes, its user's rights, or ids of before the org's own were known. */
const REFUSED: ReadonlySet<number> = new Set([401, 403, 404])

export interface IdentitySinkOptions {
  /** Asked at a refusal: whether the user in question is one that can be told of. */
  readonly isKnown: () => boolean
  readonly onRefusal: () => void
}

/**
 * Hands an answer on to `sink`, unless it is a refusal to tell of a user who is known: then its bytes are thrown away, and `onRefusal` has the caller to answer.
 * Tools that ask who they are right after their login give up where nobody tells them.
 */
export class IdentitySink implements Dispatcher.DispatchHandler {
  readonly #sink: Dispatcher.DispatchHandler
  readonly #isKnown: () => boolean
  readonly #onRefusal: () => void
  #isRefused = false

  constructor(sink: Dispatcher.DispatchHandler, { isKnown, onRefusal }: IdentitySinkOptions) {
    this.#sink = sink
    this.#isKnown = isKnown
    this.#onRefusal = onRefusal
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#sink.onRequestStart?.(controller, context)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    text?: string,
  ): void {
    this.#isRefused = REFUSED.has(status) && this.#isKnown()
    if (!this.#isRefused) this.#sink.onResponseStart?.(controller, status, headers, text)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isRefused) this.#sink.onResponseData?.(controller, chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#isRefused) this.#onRefusal()
    else this.#sink.onResponseEnd?.(controller, trailers)
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isRefused) this.#onRefusal()
    else this.#sink.onResponseError?.(controller, error)
  }
}
