import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { owned } from '../upstream/body-stream.ts'
import { Bag } from './bag.ts'
import type { Connection } from './connection-limit.ts'

export interface OpenExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly connection?: Connection | undefined
  /** Grows from request to request. */
  readonly order: number
}

/** The requests of a server that are under way. */
export class OpenExchanges implements Iterable<OpenExchange> {
  readonly #open = new Bag<OpenExchange>()
  readonly #onEnd: (exchange: OpenExchange) => void
  #added = 0

  /** `onEnd` is called when one is over. */
  constructor(onEnd: (exchange: OpenExchange) => void = ignore) {
    this.#onEnd = onEnd
  }

  [Symbol.iterator](): Iterator<OpenExchange> {
    return this.#open[Symbol.iterator]()
  }

  /** Those of one connection, in the order in which they came. */
  on(socket: Duplex): OpenExchange[] {
    return Array.from(this.#open)
      .filter(({ request }) => request.socket === socket)
      .sort((a, b) => a.order - b.order)
  }

  /** From here to its end. */
  add(request: IncomingMessage, response: ServerResponse, connection?: Connection): void {
    const exchange = this.#open.add({ request, response, connection, order: (this.#added += 1) })
    // A caller who leaves fails both: what is written to him then is no news.
    owned(request)
    owned(response)
    // `on`: an event that comes once needs no wrapper that takes the listener off.
    response.on('close', () => {
      this.#open.delete(exchange)
      this.#onEnd(exchange.item)
    })
  }
}

const ignore = () => undefined
