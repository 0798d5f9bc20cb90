import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'

interface Use {
  requests: number
  bytesReadBefore: number
}

/** undici publishes here as it writes the head of a request: the one place that tells which socket carries it. */
const SEND_HEADERS = 'undici:client:sendHeaders'

/** How it shows that the peer ended a connection: its FIN as undici tells of it, its RST, and writing after either. undici's own timeouts end connections, too. */
const ENDED_BY_PEER: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/**
 * Knows which connection failures mean no more than that the peer had closed a kept-alive connection while it was idle:
 * the connection had carried a request before, and not one byte has come back since the last one was written.
 */
export class ConnectionWatch implements Disposable {
  readonly #uses = new WeakMap<object, Use>()
  readonly #staleFailures = new WeakSet<Error>()
  #breach: Error | undefined

  constructor() {
    subscribe(SEND_HEADERS, this.#onSendHeaders)
  }

  /** The same connector, its sockets watched. */
  watch(connector: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      connector(options, (...result) => {
        if (result[1]) this.#watchSocket(result[1])
        callback(...result)
      })
    }
  }

  /** Whether this failure of a request is the end of an idle connection, so that nothing is known to have been answered. */
  isStale(error: Error): boolean {
    return this.#staleFailures.has(error)
  }

  /**
   * The reset of a connection, while its listeners are told of it. undici takes what came before one for the whole of a body that has no length
   * and ends it as if well: whoever hears of such an end in this moment knows better.
   */
  get breach(): Error | undefined {
    return this.#breach
  }

  [Symbol.dispose](): void {
    unsubscribe(SEND_HEADERS, this.#onSendHeaders)
  }

  #watchSocket(socket: Socket): void {
    const use: Use = { requests: 0, bytesReadBefore: 0 }
    this.#uses.set(socket, use)
    // Registered before undici's own listener; undici fails the request with this very error.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const isUnanswered = use.requests > 1 && socket.bytesRead === use.bytesReadBefore
      if (isUnanswered && ENDED_BY_PEER.has(String(error.code))) this.#staleFailures.add(error)
      this.#breach = error
      // The other listeners are told before any microtask runs.
      queueMicrotask(() => {
        this.#breach = undefined
      })
    })
  }

  readonly #onSendHeaders = (message: unknown): void => {
    // The channel's documented message: { request, headers, socket }.
    const { socket } = message as { socket: Socket }
    const use = this.#uses.get(socket)
    if (!use) return
    use.requests += 1
    use.bytesReadBefore = socket.bytesRead
  }
}
