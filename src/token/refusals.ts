import { assumedLife, learnFromRefusal, type LearnedLife, type Life } from './lifetime.ts'
import { countYoungRefusals, deadMs, forcedIntervalMs } from './schedule.ts'

/** Refused values that are remembered. */
const MOST_DEAD = 32

interface Refusal {
  /** How often this value was refused while it was held. */
  readonly count: number
  /** Until then it is not sent, whatever the endpoint says. */
  readonly deadUntil: number
}

/** What the API's refusals have taught: which values are dead, how long tokens really live, how soon to ask again. Times are steady milliseconds. */
export class Refusals {
  readonly #refused = new Map<string, Refusal>()
  #young = 0
  #forcedAt = -Infinity
  #learned: LearnedLife | undefined

  /**
   * Whether it is too soon to send this value once more. An endpoint that still gives it out long after the refusal says that the
   * session lives: the API may have been wrong for a moment, and nobody else could find out.
   */
  isDead(value: string, now: number): boolean {
    return now < (this.#refused.get(value)?.deadUntil ?? -Infinity)
  }

  wasRefused(value: string): boolean {
    return this.#refused.has(value)
  }

  /** The API refused the value held. */
  bury(value: string, now: number): void {
    const count = (this.#refused.get(value)?.count ?? 0) + 1
    this.#remember(value, { count, deadUntil: now + deadMs(count) })
  }

  /** A late report about a value that is held no more: no new death, but as little to be sent for a while as at the first. */
  confirm(value: string, now: number): void {
    const { count, deadUntil } = this.#refused.get(value) ?? { count: 1, deadUntil: now }
    this.#remember(value, { count, deadUntil: Math.max(deadUntil, now + deadMs(1)) })
  }

  #remember(value: string, refusal: Refusal): void {
    this.#refused.delete(value)
    this.#refused.set(value, refusal)
    for (const oldest of this.#refused.keys()) if (this.#refused.size > MOST_DEAD) this.#refused.delete(oldest)
  }

  /** A held token was refused at age `ageMs`: when may its replacement be asked for? */
  nextAttemptAt(ageMs: number, now: number): number {
    this.#young = countYoungRefusals(this.#young, ageMs)
    this.#forcedAt = Math.max(now, this.#forcedAt + forcedIntervalMs(this.#young))
    return this.#forcedAt
  }

  /** Lowers the assumption where the refused token's life was assumed longer; answers the life learned, in milliseconds. */
  learn(life: Life, ageMs: number, now: number): number | undefined {
    const learned = learnFromRefusal(life, ageMs, now)
    if (learned !== undefined) this.#learned = learned
    return learned?.ms
  }

  assumedLife(configuredMs: number, now: number): Life {
    return assumedLife(configuredMs, this.#learned, now)
  }
}
