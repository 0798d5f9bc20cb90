/** Wall-clock time and cancellable waiting, injected so that tests can run simulated hours beside real sockets. */
export interface Clock {
  /** Wall-clock time, epoch milliseconds. */
  now(): number
  /** Milliseconds that only ever grow, whoever sets the wall clock; they may stand still while the machine is suspended. */
  monotonic(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted. Longer waits than a timer can hold are cut short. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The longest delay that setTimeout honours; a longer one would fire at once. */
export const MAX_SLEEP_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortReason(signal))
        return
      }
      const onAbort = () => {
        clearTimeout(timer)
        if (signal) reject(abortReason(signal))
      }
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
        Math.min(Math.max(ms, 0), MAX_SLEEP_MS),
      )
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason })
}

/** What `work` comes to; undefined where that takes more than `ms` milliseconds. The work goes on: whoever began it may have to end it. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | undefined> {
  const isOver = new AbortController()
  const late = clock.sleep(ms, isOver.signal).then(
    () => undefined,
    () => undefined,
  )
  try {
    return await Promise.race([work, late])
  } finally {
    isOver.abort()
  }
}
