import type { Dispatcher } from 'undici'
import type { Attempt } from './attempt.ts'

/** All that undici calls of an attempt: a callback that is missing here would never reach it. */
type Callbacks = Pick<Attempt, keyof Attempt>
type Arguments<K extends keyof Callbacks> = Parameters<Callbacks[K]>

/**
 * undici's callbacks, with what they throw given to the exchange. undici by itself takes some of it for a failure of the connection, and emits
 * the rest as an 'error' event of a Client, which ends the process.
 */
export class BoundedHandler implements Dispatcher.DispatchHandler, Callbacks {
  readonly #attempt: Callbacks
  readonly #exchange: { threw(error: unknown): void }

  constructor(attempt: Callbacks, exchange: { threw(error: unknown): void }) {
    this.#attempt = attempt
    this.#exchange = exchange
  }

  onRequestStart(...[controller]: Arguments<'onRequestStart'>): void {
    try {
      this.#attempt.onRequestStart(controller)
    } catch (error) {
      this.#exchange.threw(error)
    }
  }

  onBodySent(): void {
    this.#attempt.onBodySent()
  }

  onRequestSent(): void {
    this.#attempt.onRequestSent()
  }

  onResponseStart(...[controller, status, headers, statusText]: Arguments<'onResponseStart'>): void {
    try {
      this.#attempt.onResponseStart(controller, status, headers, statusText)
    } catch (error) {
      this.#exchange.threw(error)
    }
  }

  onResponseData(...[controller, chunk]: Arguments<'onResponseData'>): void {
    try {
      this.#attempt.onResponseData(controller, chunk)
    } catch (error) {
      this.#exchange.threw(error)
    }
  }

  onResponseEnd(...[controller, trailers]: Arguments<'onResponseEnd'>): void {
    try {
      this.#attempt.onResponseEnd(controller, trailers)
    } catch (error) {
      this.#exchange.threw(error)
    }
  }

  onResponseError(...[controller, error]: Arguments<'onResponseError'>): void {
    try {
      this.#attempt.onResponseError(controller, error)
    } catch (thrown) {
      this.#exchange.threw(thrown)
    }
  }
}
