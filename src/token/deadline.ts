import type { Clock } from '../clock.ts'
import { OAuthError } from './oauth-error.ts'

interface Deadline {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Ends the work too. */
  readonly signal: AbortSignal
}

/** Runs `work` with a signal that aborts it, as OAuthError `timeout`, when its time is up; settles when the work does. */
export async function withDeadline<T>(
  { clock, timeoutMs, signal }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController()
  const done = new AbortController()
  clock.sleep(timeoutMs, done.signal).then(
    () => {
      deadline.abort(
        new OAuthError({ kind: 'transient', error: 'timeout', description: `no answer in ${timeoutMs / 1000} s` }),
      )
    },
    () => undefined,
  )
  try {
    return await work(AbortSignal.any([deadline.signal, signal]))
  } finally {
    done.abort()
  }
}
