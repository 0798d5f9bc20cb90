import { describeSettings, type Settings } from './config.ts'
import type { Clock } from './clock.ts'
import type { Front } from './front.ts'
import type { Inspection } from './inspection.ts'
import type { LogLevel } from './log-level.ts'
import type { Logger } from './logger.ts'
import { metricsOnDemand } from './metrics/on-demand.ts'
import type { Observers } from './observers.ts'
import { createAdminServer, type AdminServer } from './server/admin/admin.ts'
import { createAdminGuard } from './server/admin/admin-guard.ts'
import { createHealth } from './server/admin/health.ts'
import { madeLater } from './server/admin/made-later.ts'
import type { TokenKeeper } from './token/token-keeper.ts'

/** Where the program is in its life. */
export interface AppState {
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** Where callers find the proxy; null until it listens. */
  url: string | null
  /** A first token has been obtained. */
  hasStarted: boolean
  isDraining: boolean
}

export interface LogOutput {
  /** Since the start. */
  readonly lostLines: number
  /** Why nothing can be written now. */
  readonly problem: string | undefined
}

export interface AdminSideOptions {
  readonly settings: Settings
  readonly logger: Logger
  readonly version: string
  readonly clock: Clock
  readonly keeper: TokenKeeper
  readonly observers: Observers
  readonly inspection: Inspection
  readonly logLevel: LogLevel
  readonly front: Front
  readonly logOutput: LogOutput | undefined
  /** Where the API of the token held is. */
  readonly upstreamOrigin: () => string
  readonly state: Readonly<AppState>
  readonly onQuit: (() => void) | undefined
}

/** By then a start is over. */
const MADE_AFTER_MS = 500

/** The server of the admin listener. */
export function createAdminSide(options: AdminSideOptions): AdminServer {
  return madeLater({
    make: () => makeAdminServer(options),
    afterMs: options.settings.ADMIN_PORT === 'off' ? undefined : MADE_AFTER_MS,
  })
}

/** What it tells of the program, and what it does to it. */
function makeAdminServer(options: AdminSideOptions): Promise<AdminServer> {
  const { settings, logger, version, clock, keeper, observers, inspection, logLevel, front, logOutput, state } = options
  const overview = () => ({
    version,
    url: state.url,
    startedAt: new Date(state.startedAt).toISOString(),
    uptimeSeconds: Math.floor((clock.now() - state.startedAt) / 1000),
    isDraining: state.isDraining,
    upstream: options.upstreamOrigin(),
    connections: { active: front.load.active, waiting: front.load.waiting },
    token: keeper.status(),
  })
  return createAdminServer({
    logger,
    guard: createAdminGuard(settings.ADMIN_ALLOWED_HOSTS),
    health: createHealth({
      tokenStatus: () => keeper.status(),
      hasStarted: () => state.hasStarted,
      isDraining: () => state.isDraining,
    }),
    status: () => ({
      ...overview(),
      clients: countsOf(front.connections),
      ...(logOutput && { log: { lostLines: logOutput.lostLines, problem: logOutput.problem ?? null } }),
      apiRefusals: observers.apiRefusals.list(),
      settings: describeSettings(settings),
    }),
    page: inspection.page({
      overview,
      allowance: () => observers.tally.apiUsage,
    }),
    metrics: metricsOnDemand({
      tally: observers.tally,
      tokenStatus: () => keeper.status(),
      upstreamStats: () => {
        const { active: running, waiting: queued, connected, heldBytes, heldBytesLimit } = front.load
        return { connected, limit: settings.UPSTREAM_CONNECTIONS, running, queued, heldBytes, heldBytesLimit }
      },
      clientStats: () => front.connections,
      lostLogLines: () => logOutput?.lostLines,
      version,
    }),
    refresh: () => keeper.refresh(),
    logLevel,
    quit: settings.ADMIN_ALLOW_QUIT ? options.onQuit : undefined,
  })
}

/** Ready for JSON: the members are getters. */
function countsOf({ open, limit, refused, evicted }: Front['connections']) {
  return { open, limit, refused, evicted }
}
