import type { Logger } from 'pino'
import { Agent } from 'undici'
import { systemClock, type Clock } from './clock.ts'
import { describeSettings, type Settings } from './config.ts'
import { logBearerEvent, logTokenEvent } from './event-log.ts'
import { createAdminServer } from './server/admin/admin.ts'
import { createAdminGuard } from './server/admin/admin-guard.ts'
import { createHealth } from './server/admin/health.ts'
import { logAccess } from './server/access-log.ts'
import { createGuard, type Guard } from './server/guard.ts'
import { listenerLimits } from './server/listener-limits.ts'
import { listen, type Listener } from './server/listeners.ts'
import { createProxyServer, type ProxyServer } from './server/server.ts'
import { createTokens } from './tokens.ts'
import type { TokenEvent } from './token/token-source.ts'
import { connectorFor, createUpstream } from './upstream/dispatcher.ts'

/** DNS answers of cloud hosts live for a minute or so: an address that left DNS is left alone within five. */
const CONNECTION_LIFE_MS = 5 * 60_000

export interface AppDependencies {
  readonly logger: Logger
  readonly version: string
  readonly clock?: Clock
  /** Further PEM certificates, the content of CLOUDAWARE_CA_FILE. */
  readonly ca?: string | undefined
  readonly onTokenEvent?: (event: TokenEvent) => void
  /** Asked for by POST /quitquitquit. */
  readonly onQuit?: () => void
}

export interface App {
  /** Where callers find the proxy, such as `http://localhost:8080`. */
  readonly url: string
  readonly adminUrl: string | undefined
  /** Drains, once: not ready at once, accepting for DRAIN_DELAY_MS, then waiting for the last request up to DRAIN_TIMEOUT_MS. */
  close(): Promise<{ drained: boolean }>
}

/** The composition root: every collaborator is made here, by name, and handed to those who need it. */
export async function startApp(settings: Settings, dependencies: AppDependencies): Promise<App> {
  const { logger, version, clock = systemClock, ca, onTokenEvent, onQuit } = dependencies
  const startedAt = clock.now()
  let isDraining = false
  let url: string | null = null

  const connector = connectorFor({ timeoutMs: settings.UPSTREAM_CONNECT_TIMEOUT_MS, ca })
  const tokenAgent = new Agent({ connect: connector })
  const tokens = createTokens({
    settings,
    clock,
    dispatcher: tokenAgent,
    onEvent: (event) => {
      logTokenEvent(logger, event)
      onTokenEvent?.(event)
    },
  })
  const { keeper } = tokens
  const upstream = createUpstream({
    tokens: keeper,
    originFor: (token) => settings.CLOUDAWARE_API_URL ?? token.instanceUrl ?? settings.CLOUDAWARE_URL,
    connector,
    connections: settings.UPSTREAM_CONNECTIONS,
    queueLimit: settings.UPSTREAM_QUEUE_LIMIT,
    queueTimeoutMs: settings.UPSTREAM_QUEUE_TIMEOUT_MS,
    connectionLifeMs: CONNECTION_LIFE_MS,
    clock,
    timeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    replayLimitBytes: settings.PROXY_REPLAY_LIMIT_BYTES,
    onEvent: (event) => {
      logBearerEvent(logger, event)
    },
  })
  const upstreamOrigin = () =>
    settings.CLOUDAWARE_API_URL ?? keeper.status().token?.instanceUrl ?? settings.CLOUDAWARE_URL

  const proxyServer = await createProxyServer({
    logger,
    version,
    dispatcher: upstream.dispatcher,
    upstreamOrigin,
    guard: guardFor(settings),
    now: () => clock.monotonic(),
    observer: {
      begun: () => undefined,
      ended: (exchange) => {
        logAccess(logger, exchange)
      },
    },
  })
  const adminServer = await createAdminServer({
    logger,
    guard: createAdminGuard(settings.ADMIN_ALLOWED_HOSTS),
    health: createHealth({ tokenStatus: () => keeper.status(), isDraining: () => isDraining }),
    status: () => ({
      version,
      url,
      startedAt: new Date(startedAt).toISOString(),
      uptimeSeconds: Math.floor((clock.now() - startedAt) / 1000),
      isDraining,
      upstream: upstreamOrigin(),
      connections: { active: upstream.load.active, waiting: upstream.load.waiting },
      token: keeper.status(),
      settings: describeSettings(settings),
    }),
    refresh: () => keeper.refresh(),
    quit: settings.ADMIN_ALLOW_QUIT ? onQuit : undefined,
  })

  const listeners = await openListeners(settings, { proxyServer, adminServer }).catch(async (error: unknown) => {
    await Promise.all([upstream.destroy(), tokens.close(), tokenAgent.destroy()])
    throw error
  })
  url = urlOf(settings.PROXY_HOST, listeners.proxy.port)
  keeper.start()

  const close = async () => {
    isDraining = true
    if (settings.DRAIN_DELAY_MS > 0) await clock.sleep(settings.DRAIN_DELAY_MS)
    const drained = await drain(listeners.proxy, { clock, timeoutMs: settings.DRAIN_TIMEOUT_MS })
    // The admin listener tells how the draining goes, to the end.
    listeners.admin?.cut()
    await Promise.all([listeners.admin?.close(), proxyServer.close(), adminServer.close()])
    await Promise.all([upstream.destroy(), tokens.close(), tokenAgent.destroy()])
    return { drained }
  }
  let closed: ReturnType<typeof close> | undefined
  return {
    url,
    adminUrl: listeners.admin && urlOf(settings.ADMIN_HOST, listeners.admin.port),
    close: () => (closed ??= close()),
  }
}

interface Listeners {
  readonly proxy: Listener
  readonly admin: Listener | undefined
}

async function openListeners(
  settings: Settings,
  { proxyServer, adminServer }: { proxyServer: ProxyServer; adminServer: ProxyServer },
): Promise<Listeners> {
  const limits = listenerLimits(settings.UPSTREAM_TIMEOUT_MS)
  const proxy = await listen({
    host: settings.PROXY_HOST,
    port: settings.PROXY_PORT,
    limits,
    handle: proxyServer.handle,
  })
  if (settings.ADMIN_PORT === 'off') return { proxy, admin: undefined }
  try {
    const admin = await listen({
      host: settings.ADMIN_HOST,
      port: settings.ADMIN_PORT,
      limits,
      handle: adminServer.handle,
    })
    return { proxy, admin }
  } catch (error) {
    await proxy.close()
    throw error
  }
}

/** Waits for the last answer, up to `timeoutMs`; then cuts what is left. Resolves to whether all were answered. */
async function drain(listener: Listener, { clock, timeoutMs }: { clock: Clock; timeoutMs: number }): Promise<boolean> {
  const waiting = new AbortController()
  const closed = listener.close().then(() => true)
  const timeout = clock.sleep(timeoutMs, waiting.signal).then(
    () => false,
    () => true,
  )
  const drained = await Promise.race([closed, timeout])
  waiting.abort()
  if (!drained) listener.cut()
  await closed
  return drained
}

function guardFor(settings: Settings): Guard {
  return createGuard({
    allowedHosts: settings.PROXY_ALLOWED_HOSTS,
    allowedOrigins: settings.PROXY_ALLOWED_ORIGINS,
    apiKey: settings.PROXY_API_KEY,
    isReadOnly: settings.PROXY_READ_ONLY,
    allowedPaths: settings.PROXY_ALLOWED_PATHS,
    deniedPaths: settings.PROXY_DENIED_PATHS,
    compositeLimitBytes: settings.PROXY_REPLAY_LIMIT_BYTES,
  })
}

/** An address as people type it; IPv6 in brackets, and a wildcard as the loopback name it includes. */
function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}
