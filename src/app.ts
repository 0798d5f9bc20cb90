import type { Logger } from 'pino'
import { Agent } from 'undici'
import { systemClock, type Clock } from './clock.ts'
import { openCallerKeys } from './caller-keys.ts'
import { companyProxy } from './company-proxy.ts'
import { createAdminSide, type AppState, type LogOutput } from './admin-side.ts'
import type { Settings } from './config.ts'
import { ADMIN_CONNECTIONS, connectionBudget } from './connection-budget.ts'
import { apiOriginOf, createFront } from './front.ts'
import { openHttpsIdentity } from './https-identity.ts'
import { Inspection } from './inspection.ts'
import { LogLevel } from './log-level.ts'
import { logConnectionReport, logRejectedByAdmin, logStoreEvent } from './event-log.ts'
import { createObservers } from './observers.ts'
import { openAdminListener, urlOf } from './open-listeners.ts'
import { createTokens } from './tokens.ts'
import type { RejectedRequest } from './server/connection-guard.ts'
import { ConnectionLimit } from './server/connection-limit.ts'
import type { TokenEvent } from './token/token-source.ts'
import { connectorFor } from './upstream/connector.ts'
import { SessionConfirmation } from './upstream/session-confirmation.ts'
import { trusting } from './upstream/trust.ts'

export interface AppDependencies {
  readonly logger: Logger
  readonly version: string
  readonly clock?: Clock
  /** Further PEM certificates, the content of CLOUDAWARE_CA_FILE. */
  readonly ca?: string | undefined
  readonly onTokenEvent?: (event: TokenEvent) => void
  /** Where the program may keep what it makes itself: the certificate of the https listener. */
  readonly stateDirectory: string
  /** How writing the log fares, where somebody counts the lines that were lost. */
  readonly logOutput?: LogOutput | undefined
  /** How many files the process may have open; undefined where nothing limits that. */
  readonly openFiles?: number | undefined
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
  /** Drains, once: not ready at once, accepting for `delayMs` (DRAIN_DELAY_MS), then waiting for the last request up to DRAIN_TIMEOUT_MS. */
  close(delayMs?: number): Promise<{ drained: boolean }>
}

/** The composition root: every collaborator is made here, by name, and handed to those who need it. */
export async function startApp(settings: Settings, dependencies: AppDependencies): Promise<App> {
  const { logger, version, clock = systemClock, ca, stateDirectory, onTokenEvent, onQuit } = dependencies
  const state: AppState = { startedAt: clock.now(), url: null, hasStarted: false, isDraining: false }
  const inspection = new Inspection({ settings, clock, version })
  const logLevel = new LogLevel(logger)
  const observers = createObservers({
    logger,
    clock,
    // Without the admin listener nobody could look at what it keeps.
    inspector: settings.ADMIN_PORT === 'off' ? undefined : inspection.inspector,
    requestLines: settings.LOG_REQUESTS,
  })
  const onSecret = (secret: string) => {
    inspection.addSecret(secret)
    dependencies.onSecret?.(secret)
  }

  // First, since it alone may find the configuration wrong.
  const https = await openHttpsIdentity({ settings, clock, logger, stateDirectory })
  const callerKeys = openCallerKeys({
    settings,
    clock,
    logger,
    onSecret,
  })
  const connector = connectorFor({
    timeoutMs: settings.UPSTREAM_CONNECT_TIMEOUT_MS,
    secureContext: trusting(ca),
    proxy: companyProxy(settings, logger),
  })
  const tokenAgent = new Agent({ connect: connector })
  const confirmation = new SessionConfirmation({
    dispatch: tokenAgent.dispatch.bind(tokenAgent),
    originFor: (token) => apiOriginOf(settings, token),
    clock,
    onEvent: (event) => {
      observers.bearer(event)
    },
  })
  const tokens = createTokens({
    settings,
    clock,
    dispatcher: tokenAgent,
    confirm: (token) => confirmation.checkNow(token),
    hasWorked: (token) => confirmation.hasWorked(token),
    ca,
    onSecret,
    onStoreEvent: (event) => {
      logStoreEvent(logger, event)
    },
    onEvent: (event) => {
      state.hasStarted ||= event.type === 'obtained'
      observers.token(event)
      onTokenEvent?.(event)
    },
  })
  const { keeper } = tokens
  const instanceUrl = () => keeper.status().token?.instanceUrl ?? undefined
  const front = await createFront({
    settings,
    logger,
    clock,
    version,
    connector,
    tokens: keeper,
    confirmation,
    instanceUrl,
    callerKeys: callerKeys?.current,
    sessions: callerKeys,
    identity: https?.certificate.identity,
    observers,
    maxConnections: clientConnections(settings, { openFiles: dependencies.openFiles, logger }),
    onToken: ({ value }) => {
      inspection.addToken(value)
    },
  })
  https?.certificate.onRenewal((identity) => {
    front.renew(identity)
  })
  const adminServer = createAdminSide({
    settings,
    logger,
    version,
    clock,
    keeper,
    observers,
    inspection,
    logLevel,
    front,
    logOutput: dependencies.logOutput,
    upstreamOrigin: () => settings.CLOUDAWARE_API_URL ?? instanceUrl() ?? settings.CLOUDAWARE_URL,
    state,
    onQuit,
  })

  const adminListening = {
    connections: new ConnectionLimit({
      limit: ADMIN_CONNECTIONS,
      reserve: 0,
      clock,
      onReport: (report) => {
        logConnectionReport(logger, report, 'admin')
      },
    }),
    onRejected: (rejected: RejectedRequest) => {
      logRejectedByAdmin(logger, rejected)
    },
  }
  const open = async () => {
    const ports = await front.open()
    return { ports, admin: await openAdminListener(settings, { handle: adminServer.handle, ...adminListening }) }
  }
  const release = () =>
    Promise.all([
      inspection.close(),
      tokens.close(),
      tokenAgent.destroy(),
      callerKeys?.close(),
      https?.certificate.close(),
    ])
  const { ports, admin } = await open().catch(async (error: unknown) => {
    await front.close()
    await release()
    throw error
  })
  const url = urlOf(settings.PROXY_HOST, ports.plain)
  state.url = url
  keeper.start()

  const close = async (delayMs: number) => {
    state.isDraining = true
    if (delayMs > 0) await clock.sleep(delayMs)
    const drained = await front.drain()
    // The admin listener tells how the draining goes, to the end.
    adminServer.endStreams()
    admin?.cut()
    adminListening.connections.close()
    await Promise.all([admin?.close(), front.close(), adminServer.close()])
    await release()
    return { drained }
  }
  let closed: ReturnType<typeof close> | undefined
  return {
    url,
    adminUrl: admin && urlOf(settings.ADMIN_HOST, admin.port),
    tls:
      https && ports.secure !== undefined
        ? {
            url: urlOf(settings.PROXY_HOST, ports.secure).replace('http:', 'https:'),
            certificate: https.path,
            fingerprint: https.certificate.facts.fingerprint,
          }
        : undefined,
    async reload() {
      await Promise.all([tokens.reload(), callerKeys?.reload(), https?.certificate.reload()])
    },
    logLevel,
    close: (delayMs = settings.DRAIN_DELAY_MS) => (closed ??= close(delayMs)),
  }
}

/** PROXY_MAX_CONNECTIONS, or what the limit on open files leaves of it. */
function clientConnections(
  { PROXY_MAX_CONNECTIONS: wanted, UPSTREAM_CONNECTIONS: upstreamConnections }: Settings,
  { openFiles, logger }: Pick<AppDependencies, 'openFiles' | 'logger'>,
): number {
  const connections = connectionBudget({ wanted, openFiles, upstreamConnections })
  if (connections < wanted) {
    logger.warn(
      { PROXY_MAX_CONNECTIONS: wanted, openFiles, connections },
      `the limit on open files (${String(openFiles)}) leaves room for ${connections} client connections, fewer than PROXY_MAX_CONNECTIONS (${wanted}): raise it (ulimit -n, LimitNOFILE=) or lower PROXY_MAX_CONNECTIONS`,
    )
  }
  return connections
}
