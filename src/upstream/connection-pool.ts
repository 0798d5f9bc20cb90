import { Client, errors, type Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { shared, unattended } from '../shared-state.ts'

export interface ConnectionPoolOptions {
  /** At most so many connections to one origin; what is dispatched beyond waits for one of them. */
  readonly connections: number
  /** A connection that has been open for longer is given no further request. */
  readonly connectionLifeMs: number
  readonly clock: Clock
  readonly client: Client.Options
}

interface Connection {
  readonly client: Client
  readonly origin: string
  /** Monotonic milliseconds; undefined where it is not open. */
  openedAt: number | undefined
  isFree: boolean
}

interface Pending {
  readonly request: Dispatcher.DispatchOptions
  readonly handler: Dispatcher.DispatchHandler
}

/**
 * Connections to one origin at a time, each an undici Client, those that are free on a stack: the one used last is used next, and the rest may
 * end. undici's own Pool looks through all of them twice a request, and asks for the time at each where connections have an end (`clientTtl`).
 * Connections to an origin that is asked no more end with the request that they carry.
 */
export class ConnectionPool {
  static {
    shared(this)
  }

  readonly #options: ConnectionPoolOptions
  readonly #all = new Set<Connection>()
  readonly #free: Connection[] = []
  readonly #pending: Pending[] = []
  #origin = ''
  #isDestroyed = false

  constructor(options: ConnectionPoolOptions) {
    this.#options = options
  }

  /** Connections that are open now, in use or not. */
  get connected(): number {
    return Array.from(this.#all).filter(({ openedAt }) => openedAt !== undefined).length
  }

  /** To the `origin` of the options. Returns true: the handler is told of all that follows, failures included. */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (this.#isDestroyed) {
      failDestroyed(handler)
      return true
    }
    const origin = String(request.origin)
    if (origin !== this.#origin) this.#turnTo(origin)
    const connection = this.#freeOne() ?? this.#another()
    if (connection === undefined) {
      this.#pending.push({ request, handler })
      return true
    }
    const { client } = connection
    // What it does not take, for what the request itself is, is no use that it would be free after.
    if (!client.dispatch(request, handler) && client.stats.size === 0) this.#onFree(connection)
    return true
  }

  /** Breaks off what is under way. */
  async destroy(): Promise<void> {
    this.#isDestroyed = true
    for (const { handler } of this.#pending.splice(0)) failDestroyed(handler)
    await Promise.all(Array.from(this.#all, ({ client }) => client.destroy()))
  }

  #freeOne(): Connection | undefined {
    const openedAfter = this.#options.clock.monotonic() - this.#options.connectionLifeMs
    for (let next = this.#free.pop(); next !== undefined; next = this.#free.pop()) {
      next.isFree = false
      if (next.openedAt === undefined || next.openedAt > openedAfter) return next
      this.#retire(next)
    }
    return undefined
  }

  /** Undefined where there are as many as may be. */
  #another(): Connection | undefined {
    if (this.#all.size >= this.#options.connections) return undefined
    const client = new Client(this.#origin, this.#options.client)
    const connection: Connection = { client, origin: this.#origin, openedAt: undefined, isFree: false }
    client.on('connect', () => {
      unattended(() => {
        connection.openedAt = this.#options.clock.monotonic()
      })
    })
    client.on('disconnect', () => {
      connection.openedAt = undefined
    })
    // May come again while it is free: undici tries whether an idle connection still lives.
    client.on('drain', () => {
      unattended(() => {
        if (!connection.isFree) this.#onFree(connection)
      })
    })
    this.#all.add(connection)
    return connection
  }

  #onFree(connection: Connection): void {
    connection.isFree = true
    if (connection.origin === this.#origin) this.#free.push(connection)
    else this.#retire(connection)
    const next = this.#pending.shift()
    if (next !== undefined) this.dispatch(next.request, next.handler)
  }

  #turnTo(origin: string): void {
    this.#origin = origin
    for (const connection of this.#free.splice(0)) this.#retire(connection)
  }

  #retire(connection: Connection): void {
    this.#all.delete(connection)
    void connection.client.close()
  }
}

function failDestroyed(handler: Dispatcher.DispatchHandler): void {
  // As undici does it: what was never begun has no controller.
  handler.onResponseError?.(null as never, new errors.ClientDestroyedError())
}
