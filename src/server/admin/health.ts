import type { TokenStatus } from '../../token/token-status.ts'
import type { AdminOptions, Health } from './admin.ts'

export interface HealthOptions {
  readonly tokenStatus: () => TokenStatus
  /** A first token was obtained, whatever became of it. */
  readonly hasStarted: () => boolean
  readonly isDraining: () => boolean
  /** The processes that serve requests, where this one does not. */
  readonly workers?: (() => readonly { readonly state: string }[]) | undefined
}

/**
 * What the probes say. Liveness never depends on Cloudaware: a restart mends nothing there. Readiness asks only whether a usable
 * token is held, whatever the token endpoint does meanwhile, and ends when draining begins. Startup is over with the first token.
 */
export function createHealth({ tokenStatus, hasStarted, isDraining, workers }: HealthOptions): AdminOptions['health'] {
  const startup = (): Health =>
    hasStarted() ? { ok: true, reason: 'a first token was obtained' } : withoutToken(tokenStatus())
  return {
    live: () => ({ ok: true, reason: 'the process answers' }),
    startup,
    ready: () => {
      if (isDraining()) return { ok: false, reason: 'draining' }
      // Those that are there serve for one that is started again; they all listened before this was asked for the first time.
      const isDeserted = workers !== undefined && !workers().some(({ state }) => state === 'serving')
      if (isDeserted) return { ok: false, reason: 'no worker serves: they are being started again' }
      const status = tokenStatus()
      if (status.state === 'ready') return { ok: true, reason: 'a token is held' }
      if (status.state === 'degraded')
        return { ...withoutToken(status), ok: true, reason: 'a token is held; its replacement fails' }
      return withoutToken(status)
    },
  }
}

function withoutToken({ failure, nextRefreshInSeconds, budget, pause }: TokenStatus): Health {
  return {
    ok: false,
    reason: pause?.reason ?? 'no token yet',
    nextAttemptInSeconds: nextRefreshInSeconds,
    ...(budget.isHeldBack && { heldBackBy: 'TOKEN_REQUESTS_PER_HOUR' }),
    ...(pause && { waitingFor: pause.waitingFor, since: pause.since, until: pause.until, fix: pause.fix }),
    ...(failure && { error: failure.error, diagnosis: failure.diagnosis }),
  }
}
