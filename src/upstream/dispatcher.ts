import { Agent, Pool, type buildConnector, type Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { bearer } from './bearer.ts'
import type { BodyMemory } from './body-memory.ts'
import type { BearerEvent } from './bearer-options.ts'
import { ConnectionQueue } from './connection-queue.ts'
import { ConnectionWatch } from './connection-watch.ts'
import type { AccessToken, TokenSource } from '../token/token-source.ts'

export interface UpstreamOptions {
  readonly tokens: TokenSource
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
  /** Waits for what is under way, then closes. */
  close(): Promise<void>
  /** Breaks off whatever is under way. */
  destroy(): Promise<void>
}

/** The pool of connections to the API, with the session put on each request. Ours to close. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { connector, connections, connectionLifeMs, timeoutMs } = options
  const watch = new ConnectionWatch()
  const agent = new Agent({
    connections,
    clientTtl: connectionLifeMs,
    // A Pool even for one connection, where undici would take a Client, which knows no clientTtl.
    factory: (origin, poolOptions) => new Pool(origin, poolOptions),
    connect: watch.watch(connector),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    // No pipelining: one slow query would hold up the requests behind it.
    pipelining: 1,
    allowH2: false,
  })
  const { queueLimit: limit, queueTimeoutMs, clock } = options
  const queue = new ConnectionQueue({ places: connections, limit, timeoutMs: queueTimeoutMs, clock })
  const isStale = (error: Error) => watch.isStale(error)
  const breach = () => watch.breach
  const dispatcher = agent.compose(bearer({ ...options, queue, isStale, breach }))
  const end = async (ending: Promise<void>) => {
    await ending
    watch[Symbol.dispose]()
  }
  const load = {
    get active() {
      return queue.active
    },
    get waiting() {
      return queue.waiting
    },
  }
  // One pool an origin. A pool of one connection counts it as a boolean.
  const connected = () => Object.values(agent.stats).reduce((sum, pool) => sum + Number(pool.connected), 0)
  return { dispatcher, load, connected, close: () => end(agent.close()), destroy: () => end(agent.destroy()) }
}
