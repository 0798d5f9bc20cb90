import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'

export interface OpenExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

interface Entry extends OpenExchange {
  /** Where it stands among the others. */
  at: number
}

/**
 * The requests of a server that are under way. In an array, and not in a Set: the tables that a busy Set leaves behind hold what was
 * deleted from it, and lead from one to the next, so that all that lately passed through outlives the collections of young objects.
 */
export class OpenExchanges implements Iterable<OpenExchange> {
  readonly #entries: Entry[] = []

  /** Of this server, from now on; `onEnd` is called when one is over. */
  static of(server: Server | TlsServer, onEnd: () => void = () => undefined): OpenExchanges {
    const open = new OpenExchanges()
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      const entry = open.#add(request, response)
      // What is written to a caller who left is no news, and an error that nobody listens to would end the process.
      response.on('error', ignore)
      // `on`: an event that comes once needs no wrapper that takes the listener off.
      response.on('close', () => {
        open.#delete(entry)
        onEnd()
      })
    })
    return open
  }

  [Symbol.iterator](): Iterator<OpenExchange> {
    return this.#entries.values()
  }

  #add(request: IncomingMessage, response: ServerResponse): Entry {
    const entry = { request, response, at: this.#entries.length }
    this.#entries.push(entry)
    return entry
  }

  /** The last one takes its place. */
  #delete(entry: Entry): void {
    const last = this.#entries.pop()
    if (last === undefined || last === entry) return
    this.#entries[entry.at] = last
    last.at = entry.at
  }
}

const ignore = () => undefined
