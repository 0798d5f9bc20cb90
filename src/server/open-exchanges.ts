import type { IncomingMessage, ServerResponse } from 'node:http'
import { Bag } from './bag.ts'

export interface OpenExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** The requests of a server that are under way. */
export class OpenExchanges implements Iterable<OpenExchange> {
  readonly #open = new Bag<OpenExchange>()
  readonly #onEnd: () => void

  /** `onEnd` is called when one is over. */
  constructor(onEnd: () => void = ignore) {
    this.#onEnd = onEnd
  }

  [Symbol.iterator](): Iterator<OpenExchange> {
    return this.#open[Symbol.iterator]()
  }

  /** From here to its end. */
  add(request: IncomingMessage, response: ServerResponse): void {
    const exchange = this.#open.add({ request, response })
    // What is written to a caller who left is no news, and an error that nobody listens to would end the process.
    response.on('error', ignore)
    // `on`: an event that comes once needs no wrapper that takes the listener off.
    response.on('close', () => {
      this.#open.delete(exchange)
      this.#onEnd()
    })
  }
}

const ignore = () => undefined
