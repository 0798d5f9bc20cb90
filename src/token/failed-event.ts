import { diagnose } from './diagnose.ts'
import type { FailureRun } from './schedule.ts'
import type { RefreshReason, TokenEvent } from './token-source.ts'

interface Context {
  readonly reason: RefreshReason
  /** Fingerprint of the token that serves on. */
  readonly serving: string | undefined
}

export function failedEvent({ error, count, delayMs, loud }: FailureRun, { reason, serving }: Context): TokenEvent {
  return {
    type: 'failed',
    reason,
    kind: error.kind,
    error: error.error,
    description: error.description,
    status: error.status,
    secret: error.secret,
    diagnosis: diagnose(error),
    failures: count,
    retryInSeconds: seconds(delayMs),
    serving,
    loud,
  }
}

/** Milliseconds as people read them. */
export function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
