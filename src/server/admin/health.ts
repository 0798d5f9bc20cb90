import type { TokenStatus } from '../../token/token-status.ts'
import type { AdminOptions, Health } from './admin.ts'

export interface HealthOptions {
  readonly tokenStatus: () => TokenStatus
  /** A first token was obtained, whatever became of it. */
  readonly hasStarted: () => boolean
  readonly isDraining: () => boolean
}

/**
 * What the probes say. Liveness never depends on Cloudaware: a restart mends nothing there. Readiness asks only whether a usable
 * token is held, whatever the token endpoint does meanwhile, and ends when draining begins. Startup is over with the first token.
 */
export function createHealth({ tokenStatus, hasStarted, isDraining }: HealthOptions): AdminOptions['health'] {
  const startup = (): Health =>
    hasStarted() ? { ok: true, reason: 'a first token was obtained' } : withoutToken(tokenStatus())
  return {
    live: () => ({ ok: true, reason: 'the process answers' }),
    startup,
    ready: () => {
      if (isDraining()) return { ok: false, reason: 'draining' }
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
