import type { Clock } from '../clock.ts'
import { OAuthError } from './oauth-error.ts'

interface Deadline {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Ends the work too. */
  readonly signal: AbortSignal
}

/**
 * Runs `work` with a signal that aborts it, as OAuthError `timeout`, when its time is up. Work that does not let go is left behind:
 * a file on a dead network drive is read for ever, and nobody must wait for it.
 */
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
  const either = AbortSignal.any([deadline.signal, signal])
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => {
    // Whoever aborts gives an error, or leaves it to AbortController to make one.
    aborted.reject(either.reason as Error)
  }
  either.addEventListener('abort', onAbort)
  try {
    return await Promise.race([work(either), aborted.promise])
  } finally {
    either.removeEventListener('abort', onAbort)
    done.abort()
  }
}
