import type { Clock } from '../clock.ts'

/** The wall clock shows whole milliseconds and is slewed all the time: only what exceeds this is a jump. */
const JUMP_MS = 500

/**
 * Milliseconds that never go back and skip nothing: those of the monotonic clock, and every jump forward of the wall clock.
 * A suspended machine counts (only the wall clock saw it), a wall clock set back does not stretch a token's life,
 * and one set forward ages the token, which costs a token request and nothing more.
 */
export class SteadyTime {
  readonly #clock: Clock
  readonly #startedAt: number
  /** How far the wall clock was ahead of the monotonic one after its last jump. */
  #lead: number
  #jumped = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.monotonic()
    this.#lead = clock.now() - this.#startedAt
  }

  now(): number {
    const monotonic = this.#clock.monotonic()
    const lead = this.#clock.now() - monotonic
    const jump = lead - this.#lead
    if (Math.abs(jump) > JUMP_MS) {
      this.#lead = lead
      this.#jumped += Math.max(jump, 0)
    }
    return monotonic - this.#startedAt + this.#jumped
  }
}
