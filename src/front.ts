import type { buildConnector } from 'undici'
import type { Clock } from './clock.ts'
import type { Settings } from './config.ts'
import { REFUSED_CONNECTIONS } from './connection-budget.ts'
import { logConnectionReport } from './event-log.ts'
import { guardFor } from './guard-for.ts'
import type { Logger } from './logger.ts'
import type { Observers } from './observers.ts'
import { openFrontListeners, portsServedByOthers } from './open-listeners.ts'
import type { CallerKey } from './server/caller-key.ts'
import type { RejectedRequest } from './server/connection-guard.ts'
import { ConnectionLimit } from './server/connection-limit.ts'
import { drain } from './server/drain.ts'
import type { TlsIdentity } from './server/draining-server.ts'
import { rejectedExchange } from './server/exchange.ts'
import { createLogin } from './server/login/login.ts'
import type { ProxyListeners } from './server/proxy-listeners.ts'
import { createProxyServer } from './server/server.ts'
import { withSessionsDue, type CallerSessions } from './server/sessions-due.ts'
import { collectingStreamGarbage } from './stream-garbage.ts'
import type { AccessToken, TokenSource } from './token/token-source.ts'
import { BodyMemory } from './upstream/body-memory.ts'
import { createUpstream } from './upstream/dispatcher.ts'
import type { SessionConfirmation } from './upstream/session-confirmation.ts'

/** DNS answers of cloud hosts live for a minute or so: an address that left DNS is left alone within five. */
const CONNECTION_LIFE_MS = 5 * 60_000

/** What answers callers: the listeners, the policy behind them, and the connections to Cloudaware. */
export interface Front {
  /** Opens every way in, or none. Rejects with what stood in the way. */
  open(): Promise<FrontPorts>
  readonly load: FrontLoad
  /** Those of callers. */
  readonly connections: Pick<ConnectionLimit, 'open' | 'limit' | 'refused' | 'evicted'>
  /** Another certificate for the connections to come. */
  renew(identity: TlsIdentity): void
  /** Accepts nothing more and waits for the last answer, up to DRAIN_TIMEOUT_MS. Resolves to whether all were answered. */
  drain(): Promise<boolean>
  /** Breaks off whatever is under way. */
  close(): Promise<void>
}

export interface FrontPorts {
  readonly plain: number
  readonly secure: number | undefined
}

/** Requests that have a connection to Cloudaware, those that wait for one, the connections that are open, and the memory for bodies. */
export interface FrontLoad {
  readonly active: number
  readonly waiting: number
  readonly connected: number
  /** What is held of requests, and how much may be. */
  readonly heldBytes: number
  readonly heldBytesLimit: number
}

export interface FrontOptions {
  readonly settings: Settings
  readonly logger: Logger
  readonly clock: Clock
  readonly version: string
  readonly connector: buildConnector.connector
  readonly tokens: TokenSource
  readonly confirmation: SessionConfirmation
  /** Where the token held, if any, says that its API is. */
  readonly instanceUrl: () => string | undefined
  /** The keys that are good now; undefined where callers need none. */
  readonly callerKeys: (() => readonly CallerKey[]) | undefined
  /** Where the sessions of those keys are derived when they are first due. */
  readonly sessions?: CallerSessions | undefined
  /** Of the https listener, where there is one. */
  readonly identity: TlsIdentity | undefined
  readonly observers: Pick<Observers, 'exchanges' | 'bearer'>
  /** How many connections callers may have open. */
  readonly maxConnections: number
  /** Told of a token that is about to be sent. */
  readonly onToken: (token: AccessToken) => void
}

/** Where the API is that a token is good for. */
export function apiOriginOf(settings: Settings, { instanceUrl }: Pick<AccessToken, 'instanceUrl'>): string {
  return settings.CLOUDAWARE_API_URL ?? instanceUrl ?? settings.CLOUDAWARE_URL
}

/** It listens to nobody until it is opened. */
export async function createFront(options: FrontOptions): Promise<Front> {
  const {
    settings,
    logger,
    clock,
    version,
    connector,
    tokens,
    confirmation,
    instanceUrl,
    callerKeys,
    observers,
    maxConnections,
    onToken,
  } = options
  const connections = new ConnectionLimit({
    limit: maxConnections,
    reserve: REFUSED_CONNECTIONS,
    clock,
    onReport: (report) => {
      logConnectionReport(logger, report)
    },
  })
  const onRejected = (rejected: RejectedRequest) => {
    observers.exchanges.begun()
    observers.exchanges.ended(rejectedExchange(rejected))
  }
  /** Where the last request went. */
  let askedOrigin: string | undefined
  const bodyMemory = BodyMemory.forLimit(settings.PROXY_REPLAY_LIMIT_BYTES)
  const upstream = createUpstream({
    tokens,
    confirmation,
    originFor: (token) => {
      onToken(token)
      return (askedOrigin = apiOriginOf(settings, token))
    },
    connector,
    connections: settings.UPSTREAM_CONNECTIONS,
    queueLimit: settings.UPSTREAM_QUEUE_LIMIT,
    queueTimeoutMs: settings.UPSTREAM_QUEUE_TIMEOUT_MS,
    connectionLifeMs: CONNECTION_LIFE_MS,
    clock,
    timeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    replayLimitBytes: settings.PROXY_REPLAY_LIMIT_BYTES,
    bodyMemory,
    onEvent: (event) => {
      observers.bearer(event)
    },
  })
  const upstreamOrigin = () => settings.CLOUDAWARE_API_URL ?? instanceUrl() ?? settings.CLOUDAWARE_URL
  const login = createLogin({
    tokens,
    dispatcher: upstream.dispatcher,
    callerKeys,
    clock,
    upstreamOrigin,
    username: settings.CLOUDAWARE_JWT_USERNAME,
    version,
  })
  const server = await createProxyServer({
    logger,
    version,
    dispatcher: upstream.dispatcher,
    login: settings.PROXY_LOGIN === 'on' ? login : undefined,
    // Asked with each answer: finding the token's own would be much to do for it.
    upstreamOrigin: () => askedOrigin ?? upstreamOrigin(),
    guard: guardFor(settings, { callerKeys, bodyMemory }),
    rewritesAddresses: settings.PROXY_REWRITE_BODIES === 'identity',
    captureBodies: settings.INSPECT,
    clock,
    waiting: () => upstream.load.waiting,
    halfClosedMs: settings.UPSTREAM_HALF_CLOSED_MS,
    uploadSilenceMs: settings.PROXY_UPLOAD_SILENCE_MS,
    bodyMemory,
    onStreamed: collectingStreamGarbage(),
    observer: observers.exchanges,
    isRefused: (socket) => connections.isRefused(socket),
  })
  const handle = withSessionsDue(server.handle, options.sessions)
  let listeners: ProxyListeners | undefined
  let { identity } = options
  return {
    connections,
    load: {
      get active() {
        return upstream.load.active
      },
      get waiting() {
        return upstream.load.waiting
      },
      get connected() {
        return upstream.connected()
      },
      get heldBytes() {
        return bodyMemory.heldBytes
      },
      heldBytesLimit: bodyMemory.totalBytes,
    },
    async open() {
      await reportSharing(settings, logger)
      listeners = await openFrontListeners(settings, { handle, identity, connections, onRejected })
      return { plain: listeners.plain.port, secure: listeners.secure?.port }
    },
    renew(renewed) {
      identity = renewed
      listeners?.secure?.renew(renewed)
    },
    async drain() {
      return listeners === undefined || (await drain(listeners, { clock, timeoutMs: settings.DRAIN_TIMEOUT_MS }))
    },
    async close() {
      listeners?.cut()
      connections.close()
      await listeners?.close()
      await server.close()
      await upstream.destroy()
    },
  }
}

/** With PROXY_REUSE_PORT: whether this is the first instance. */
async function reportSharing(settings: Settings, logger: Logger): Promise<void> {
  if (!settings.PROXY_REUSE_PORT) return
  const ports = await portsServedByOthers(settings)
  logger.info(
    { sharedPorts: ports },
    ports.length > 0
      ? 'PROXY_REUSE_PORT: another instance listens already, connections are shared'
      : 'PROXY_REUSE_PORT: no other instance listens yet',
  )
}
