import { Dispatcher, type buildConnector } from 'undici'
import type { Clock } from '../clock.ts'
import { bearer } from './bearer.ts'
import type { BodyMemory } from './body-memory.ts'
import type { BearerEvent, BearerOptions } from './bearer-options.ts'
import { ConnectionPool } from './connection-pool.ts'
import { ConnectionQueue } from './connection-queue.ts'
import { ConnectionWatch } from './connection-watch.ts'
import type { AccessToken, TokenSource } from '../token/token-source.ts'

export interface UpstreamOptions {
  readonly tokens: TokenSource
  readonly confirmation: BearerOptions['confirmation']
  readonly originFor: (token: AccessToken) => string
  /** From connectorFor. */
  readonly connector: buildConnector.connector
  readonly connections: number
  /** How many requests may wait for a connection, and how long. */
  readonly queueLimit: number
  readonly queueTimeoutMs: number
  readonly clock: Clock
  /** After this long a connection ends with the request that it carries, so that a new address of the host is found. */
  readonly connectionLifeMs: number
  /** How long the head of an answer, and any pause within its body, may take. */
  readonly timeoutMs: number
  readonly replayLimitBytes: number
  readonly bodyMemory: BodyMemory
  readonly onEvent: (event: BearerEvent) => void
}

export interface Upstream {
  /** Dispatches with the session injected; `origin` of the options is ignored. */
  readonly dispatcher: Dispatcher
  /** How many requests have a connection now, and how many wait for one. */
  readonly load: { readonly active: number; readonly waiting: number }
  /** Connections that are open now, in use or not. */
  connected(): number
  /** Breaks off whatever is under way. */
  destroy(): Promise<void>
}

/** The connections to the API, with the session put on each request. Ours to destroy. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { connector, connections, connectionLifeMs, timeoutMs, clock } = options
  const watch = new ConnectionWatch()
  const pool = new ConnectionPool({
    connections,
    connectionLifeMs,
    clock,
    client: {
      connect: watch.watch(connector),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      // No pipelining: one slow query would hold up the requests behind it.
      pipelining: 1,
      allowH2: false,
    },
  })
  const { queueLimit: limit, queueTimeoutMs } = options
  const queue = new ConnectionQueue({ places: connections, limit, timeoutMs: queueTimeoutMs, clock })
  const withBearer = bearer({
    ...options,
    queue,
    isStale: (error) => watch.isStale(error),
    breach: () => watch.breach,
  })
  const dispatcher = new BearerDispatcher(withBearer((request, handler) => pool.dispatch(request, handler)))
  const load = {
    get active() {
      return queue.active
    },
    get waiting() {
      return queue.waiting
    },
  }
  return {
    dispatcher,
    load,
    connected: () => pool.connected,
    async destroy() {
      await pool.destroy()
      watch[Symbol.dispose]()
    },
  }
}

/** undici's own ways of asking, on top of ours of dispatching. */
class BearerDispatcher extends Dispatcher {
  readonly #dispatch: Dispatcher['dispatch']

  constructor(dispatch: Dispatcher['dispatch']) {
    super()
    this.#dispatch = dispatch
  }

  override dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#dispatch(request, handler)
  }
}
