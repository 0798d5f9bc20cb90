import { diagnose } from './diagnose.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { LifeSource } from './lifetime.ts'
import type { FailureKind, SecretLabel } from './oauth-error.ts'
import type { Pause } from './pause.ts'
import type { FailureRun } from './schedule.ts'
import type { Grant } from './token-source.ts'
import type { TokenState } from './token-state.ts'
import type { HeldToken } from './held-token.ts'

/** The state of the token for /status and /readyz, ready for JSON: no secret, only fingerprints. */
export interface TokenStatus {
  /** `ready`: a token is held. `degraded`: one is held, but its replacement fails. `starting`, `unavailable`: none is. */
  readonly state: 'starting' | 'ready' | 'degraded' | 'unavailable'
  readonly grant: Grant['name']
  readonly token: {
    readonly fingerprint: string
    readonly format: 'opaque' | 'jwt'
    readonly instanceUrl: string | null
    readonly obtainedAt: string
    readonly ageSeconds: number
    readonly lifeSource: LifeSource
    /** Negative where the token serves past the life that was assumed. */
    readonly lifeLeftSeconds: number
  } | null
  readonly nextRefreshInSeconds: number
  readonly failure: {
    readonly kind: FailureKind
    readonly error: string
    readonly description: string
    readonly status: number | null
    readonly inARow: number
    /** The secret that was presented; where it is refused, the diagnosis says so. */
    readonly secret: SecretLabel | null
    readonly diagnosis: Diagnosis
  } | null
  /** Token requests of the last hour; `isHeldBack` while the cap keeps one waiting. */
  readonly budget: { readonly limit: number; readonly used: number; readonly isHeldBack: boolean }
  /** What is being waited for while there is no token, or no new one; null where nothing is. */
  readonly pause: Pause | null
  /** The `instance_url` that was not adopted. */
  readonly refusedInstanceUrl: string | null
}

interface Context {
  readonly grant: Grant['name']
  /** Steady milliseconds. */
  readonly now: number
  readonly pause: Pause
  readonly budget: { readonly limit: number; readonly used: number }
}

export function describeState(state: TokenState, { grant, now, pause, budget }: Context): TokenStatus {
  const { held, failure, isFailing } = state
  const hasNone = isFailing ? 'unavailable' : 'starting'
  const hasOne = isFailing ? 'degraded' : 'ready'
  return {
    state: held === undefined ? hasNone : hasOne,
    grant,
    token: held === undefined ? null : describeToken(held, now),
    nextRefreshInSeconds: Math.max(Math.round((state.plan.dueAt - now) / 1000), 0),
    failure: failure === undefined ? null : describeFailure(failure),
    budget: { ...budget, isHeldBack: state.heldBackSince !== undefined },
    pause: held !== undefined && !isFailing ? null : pause,
    refusedInstanceUrl: state.refusedInstanceUrl ?? null,
  }
}

function describeToken({ token, life, bornAt, endsAt }: HeldToken, now: number): TokenStatus['token'] {
  return {
    fingerprint: token.fingerprint,
    format: token.format,
    instanceUrl: token.instanceUrl ?? null,
    obtainedAt: new Date(token.obtainedAt).toISOString(),
    ageSeconds: Math.round((now - bornAt) / 1000),
    lifeSource: life.source,
    lifeLeftSeconds: Math.round((endsAt - now) / 1000),
  }
}

function describeFailure({ error, count }: FailureRun): TokenStatus['failure'] {
  return {
    kind: error.kind,
    error: error.error,
    description: error.description,
    status: error.status ?? null,
    inARow: count,
    secret: error.secret ?? null,
    diagnosis: diagnose(error),
  }
}
