import type { Clock } from '../clock.ts'

/**
 * Milliseconds that never go back and skip nothing: each step is the larger of what the wall clock and the monotonic clock say.
 * A suspended machine counts (only the wall clock saw it), a wall clock set back does not stretch a token's life,
 * and one set forward ages the token, which costs a token request and nothing more.
 */
export class SteadyTime {
  readonly #clock: Clock
  #wall: number
  #monotonic: number
  #elapsed = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#wall = clock.now()
    this.#monotonic = clock.monotonic()
  }

  now(): number {
    const wall = this.#clock.now()
    const monotonic = this.#clock.monotonic()
    this.#elapsed += Math.max(wall - this.#wall, monotonic - this.#monotonic)
    this.#wall = wall
    this.#monotonic = monotonic
    return this.#elapsed
  }
}
