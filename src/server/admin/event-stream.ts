import type { ServerResponse } from 'node:http'

/** A viewer who does not read is let go; a first update with all there is has a megabyte at most. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024

/** How many pages may be open at once. */
export const MAX_STREAMS = 8

/** The server-sent events of all open pages. */
export class EventStreams {
  readonly #open = new Set<ServerResponse>()

  get isFull(): boolean {
    return this.#open.size >= MAX_STREAMS
  }

  /** Writes the head. The caller sees to it that nobody else writes. */
  begin(response: ServerResponse, headers: Readonly<Record<string, string>>, onEnd: () => void): EventStream {
    this.#open.add(response)
    response.once('close', () => {
      this.#open.delete(response)
      onEnd()
    })
    // A page that is closed: browsers send FIN only then.
    response.socket?.once('end', () => response.destroy())
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // A stream that ends is over for its connection too: nothing is left for a shutdown to wait for.
      connection: 'close',
    })
    response.flushHeaders()
    return {
      send: (data) => {
        response.write(`data: ${JSON.stringify(data)}\n\n`)
        if (response.writableLength > MAX_UNREAD_BYTES) response.destroy()
      },
    }
  }

  /** Tells every page that the proxy ends. */
  close(): void {
    for (const response of this.#open) response.end('event: end\ndata: {}\n\n')
  }
}

export interface EventStream {
  send(data: object): void
}
