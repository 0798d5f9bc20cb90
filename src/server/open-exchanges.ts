import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { Bag } from './bag.ts'

export interface OpenExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** The requests of this server that are under way, from now on; `onEnd` is called when one is over. */
export function openExchanges(server: Server | TlsServer, onEnd: () => void = ignore): Iterable<OpenExchange> {
  const open = new Bag<OpenExchange>()
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const exchange = open.add({ request, response })
    // What is written to a caller who left is no news, and an error that nobody listens to would end the process.
    response.on('error', ignore)
    // `on`: an event that comes once needs no wrapper that takes the listener off.
    response.on('close', () => {
      open.delete(exchange)
      onEnd()
    })
  })
  return open
}

const ignore = () => undefined
