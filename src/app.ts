import type { Logger } from 'pino'
import { Agent } from 'undici'
import { systemClock, type Clock } from './clock.ts'
import { openCallerKeys } from './caller-keys.ts'
import { companyProxy } from './company-proxy.ts'
import { describeSettings, type Settings } from './config.ts'
import { guardFor } from './guard-for.ts'
import { openHttpsIdentity } from './https-identity.ts'
import { Inspection } from './inspection.ts'
import { LogLevel } from './log-level.ts'
import { metricsOnDemand } from './metrics/on-demand.ts'
import { logStoreEvent } from './event-log.ts'
import { createObservers } from './observers.ts'
import { openListeners, urlOf } from './open-listeners.ts'
import { createAdminServer } from './server/admin/admin.ts'
import { createAdminGuard } from './server/admin/admin-guard.ts'
import { createHealth } from './server/admin/health.ts'
import { drain } from './server/drain.ts'
import { createLogin } from './server/login/login.ts'
import { createProxyServer } from './server/server.ts'
import { collectingStreamGarbage } from './stream-garbage.ts'
import { createTokens } from './tokens.ts'
import type { TokenEvent } from './token/token-source.ts'
import { connectorFor } from './upstream/connector.ts'
import { createUpstream } from './upstream/dispatcher.ts'

/** DNS answers of cloud hosts live for a minute or so: an address that left DNS is left alone within five. */
const CONNECTION_LIFE_MS = 5 * 60_000

export interface AppDependencies {
  readonly logger: Logger
  readonly version: string
  readonly clock?: Clock
  /** Further PEM certificates, the content of CLOUDAWARE_CA_FILE. */
  readonly ca?: string | undefined
  readonly onTokenEvent?: (event: TokenEvent) => void
  /** Where the program may keep what it makes itself: the certificate of the https listener. */
  readonly stateDirectory: string
  /** Told of secrets that came after the settings, for the log to blank them. */
  readonly onSecret?: (secret: string) => void
  /** Asked for by POST /quitquitquit. */
  readonly onQuit?: () => void
}

export interface App {
  /** Where callers find the proxy, such as `http://localhost:8080`. */
  readonly url: string
  readonly adminUrl: string | undefined
  /** The https listener, where there is one. */
  readonly tls: { readonly url: string; readonly certificate: string; readonly fingerprint: string } | undefined
  /** Reads every file of credentials and certificates again, and asks for a token with what they hold; the old one serves meanwhile. */
  reload(): Promise<void>
  /** What the log tells, from now on. */
  readonly logLevel: LogLevel
  /** Drains, once: not ready at once, accepting for DRAIN_DELAY_MS, then waiting for the last request up to DRAIN_TIMEOUT_MS. */
  close(): Promise<{ drained: boolean }>
}

/** The composition root: every collaborator is made here, by name, and handed to those who need it. */
export async function startApp(settings: Settings, dependencies: AppDependencies): Promise<App> {
  const { logger, version, clock = systemClock, ca, stateDirectory, onTokenEvent, onQuit } = dependencies
  const startedAt = clock.now()
  let isDraining = false
  let hasStarted = false
  let url: string | null = null
  const inspection = new Inspection({ settings, clock, version })
  const logLevel = new LogLevel(logger)
  const observers = createObservers({
    logger,
    clock,
    inspector: inspection.inspector,
    requestLines: settings.LOG_REQUESTS,
  })
  const onSecret = (secret: string) => {
    inspection.addSecret(secret)
    dependencies.onSecret?.(secret)
  }

  // First, since it alone may find the configuration wrong.
  const https = await openHttpsIdentity({ settings, clock, logger, stateDirectory })
  const callerKeys = await openCallerKeys({ settings, clock, logger, onSecret })
  const connector = connectorFor({
    timeoutMs: settings.UPSTREAM_CONNECT_TIMEOUT_MS,
    ca,
    proxy: companyProxy(settings, logger),
  })
  const tokenAgent = new Agent({ connect: connector })
  const tokens = createTokens({
    settings,
    clock,
    dispatcher: tokenAgent,
    ca,
    onSecret,
    onStoreEvent: (event) => {
      logStoreEvent(logger, event)
    },
    onEvent: (event) => {
      hasStarted ||= event.type === 'obtained'
      observers.token(event)
      onTokenEvent?.(event)
    },
  })
  const { keeper } = tokens
  /** Where the last request went. */
  let askedOrigin: string | undefined
  const upstream = createUpstream({
    tokens: keeper,
    originFor: (token) => {
      inspection.addToken(token.value)
      return (askedOrigin = settings.CLOUDAWARE_API_URL ?? token.instanceUrl ?? settings.CLOUDAWARE_URL)
    },
    connector,
    connections: settings.UPSTREAM_CONNECTIONS,
    queueLimit: settings.UPSTREAM_QUEUE_LIMIT,
    queueTimeoutMs: settings.UPSTREAM_QUEUE_TIMEOUT_MS,
    connectionLifeMs: CONNECTION_LIFE_MS,
    clock,
    timeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    replayLimitBytes: settings.PROXY_REPLAY_LIMIT_BYTES,
    onEvent: (event) => {
      observers.bearer(event)
    },
  })
  const upstreamOrigin = () =>
    settings.CLOUDAWARE_API_URL ?? keeper.status().token?.instanceUrl ?? settings.CLOUDAWARE_URL

  const login = createLogin({
    tokens: keeper,
    dispatcher: upstream.dispatcher,
    callerKeys: callerKeys?.current,
    clock,
    upstreamOrigin,
    username: settings.CLOUDAWARE_JWT_USERNAME,
    version,
  })
  const proxyServer = await createProxyServer({
    logger,
    version,
    dispatcher: upstream.dispatcher,
    login: settings.PROXY_LOGIN === 'on' ? login : undefined,
    // Asked with each answer: the keeper's whole status would be much to make for it.
    upstreamOrigin: () => askedOrigin ?? upstreamOrigin(),
    guard: guardFor(settings, callerKeys?.current),
    rewritesAddresses: settings.PROXY_REWRITE_BODIES === 'identity',
    captureBodies: settings.INSPECT,
    now: () => clock.monotonic(),
    onStreamed: collectingStreamGarbage(),
    observer: observers.exchanges,
  })
  const overview = () => ({
    version,
    url,
    startedAt: new Date(startedAt).toISOString(),
    uptimeSeconds: Math.floor((clock.now() - startedAt) / 1000),
    isDraining,
    upstream: upstreamOrigin(),
    connections: { active: upstream.load.active, waiting: upstream.load.waiting },
    token: keeper.status(),
  })
  const adminServer = await createAdminServer({
    logger,
    guard: createAdminGuard(settings.ADMIN_ALLOWED_HOSTS),
    health: createHealth({
      tokenStatus: () => keeper.status(),
      hasStarted: () => hasStarted,
      isDraining: () => isDraining,
    }),
    status: () => ({ ...overview(), apiRefusals: observers.apiRefusals.list(), settings: describeSettings(settings) }),
    page: inspection.page({ overview, allowance: () => observers.tally.apiUsage }),
    metrics: metricsOnDemand({
      tally: observers.tally,
      tokenStatus: () => keeper.status(),
      upstreamStats: () => ({
        connected: upstream.connected(),
        limit: settings.UPSTREAM_CONNECTIONS,
        running: upstream.load.active,
        queued: upstream.load.waiting,
      }),
      version,
    }),
    refresh: () => keeper.refresh(),
    logLevel,
    quit: settings.ADMIN_ALLOW_QUIT ? onQuit : undefined,
  })

  const release = () =>
    Promise.all([
      inspection.close(),
      upstream.destroy(),
      tokens.close(),
      tokenAgent.destroy(),
      callerKeys?.close(),
      https?.certificate.close(),
    ])
  const listeners = await openListeners(settings, { proxyServer, adminServer, https }).catch(async (error: unknown) => {
    await release()
    throw error
  })
  url = urlOf(settings.PROXY_HOST, listeners.proxy.plain.port)
  keeper.start()

  const { proxy, admin } = listeners
  const close = async () => {
    isDraining = true
    if (settings.DRAIN_DELAY_MS > 0) await clock.sleep(settings.DRAIN_DELAY_MS)
    const drained = await drain(proxy, { clock, timeoutMs: settings.DRAIN_TIMEOUT_MS })
    // The admin listener tells how the draining goes, to the end.
    adminServer.endStreams()
    admin?.cut()
    await Promise.all([admin?.close(), proxyServer.close(), adminServer.close()])
    await release()
    return { drained }
  }
  let closed: ReturnType<typeof close> | undefined
  return {
    url,
    adminUrl: admin && urlOf(settings.ADMIN_HOST, admin.port),
    tls:
      https && proxy.secure
        ? {
            url: urlOf(settings.PROXY_HOST, proxy.secure.port).replace('http:', 'https:'),
            certificate: https.path,
            fingerprint: https.certificate.facts.fingerprint,
          }
        : undefined,
    async reload() {
      await Promise.all([tokens.reload(), callerKeys?.reload(), https?.certificate.reload()])
    },
    logLevel,
    close: () => (closed ??= close()),
  }
}
