import type { Dispatcher } from 'undici'

type Handler = Required<
  Pick<
    Dispatcher.DispatchHandler,
    | 'onRequestStart'
    | 'onBodySent'
    | 'onRequestSent'
    | 'onResponseStart'
    | 'onResponseData'
    | 'onResponseEnd'
    | 'onResponseError'
  >
>
type Arguments<K extends keyof Handler> = Parameters<Handler[K]>

/**
 * undici's callbacks, with what they throw given to the exchange. undici by itself takes some of it for a failure of the connection, and emits
 * the rest as an 'error' event of a Client, which ends the process.
 */
export class BoundedHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Handler
  readonly #exchange: { threw(error: unknown): void }

  constructor(handler: Handler, exchange: { threw(error: unknown): void }) {
    this.#handler = handler
    this.#exchange = exchange
  }

  onRequestStart(...[controller, context]: Arguments<'onRequestStart'>): void {
    try {
      this.#handler.onRequestStart(controller, context)
    } catch (error) {
      this.#exchange.threw(error)
    }
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent(chunk)
  }

  onRequestSent(): void {
    this.#handler.onRequestSent()
  }

  onResponseStart(...[controller, status, headers, statusText]: Arguments<'onResponseStart'>): void {
    try {
      this.#handler.onResponseStart(controller, status, headers, statusText)
    } catch (error) {
      this.#exchange.threw(error)
    }
  }

  onResponseData(...[controller, chunk]: Arguments<'onResponseData'>): void {
    try {
      this.#handler.onResponseData(controller, chunk)
    } catch (error) {
      this.#exchange.threw(error)
    }
  }

  onResponseEnd(...[controller, trailers]: Arguments<'onResponseEnd'>): void {
    try {
      this.#handler.onResponseEnd(controller, trailers)
    } catch (error) {
      this.#exchange.threw(error)
    }
  }

  onResponseError(...[controller, error]: Arguments<'onResponseError'>): void {
    try {
      this.#handler.onResponseError(controller, error)
    } catch (thrown) {
      this.#exchange.threw(thrown)
    }
  }
}
