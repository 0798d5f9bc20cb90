import type { Clock } from '../clock.ts'

/** Confirmations that one caller may cause for one target in a row, and the pause before each further one. */
const BURST = 10
const PAUSE_MS = 1000
/** Callers and targets that are remembered. */
const MOST_KEYS = 1000

/**
 * Bounds the confirmations that a confused client causes: a token bucket for each key, which names a caller and a target. Everyone else's are not affected,
 * so that a token that really dies in the same minute is still found at once.
 */
export class ConfirmationLimit {
  readonly #clock: Clock
  /** For each key the instant at which its bucket is full again, monotonic milliseconds. */
  readonly #fullAt = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes one confirmation, returning 0; or returns the milliseconds until there is one. */
  take(key: string): number {
    const now = this.#clock.monotonic()
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, now)
    const waitMs = fullAt - now - (BURST - 1) * PAUSE_MS
    if (waitMs > 0) return Math.ceil(waitMs)
    // Deleted first: the map's order is that of use.
    this.#fullAt.delete(key)
    this.#fullAt.set(key, fullAt + PAUSE_MS)
    const [oldest] = this.#fullAt.keys()
    if (this.#fullAt.size > MOST_KEYS && oldest !== undefined) this.#fullAt.delete(oldest)
    return 0
  }

  /** The suspicion was justified: such a confirmation does not count. */
  giveBack(key: string): void {
    this.#fullAt.set(key, (this.#fullAt.get(key) ?? 0) - PAUSE_MS)
  }
}
