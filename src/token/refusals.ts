import { assumedLife, learnFromRefusal, type LearnedLife, type Life } from './lifetime.ts'
import { countYoungRefusals, forcedIntervalMs } from './schedule.ts'

/** Refused values that are remembered, so that none of them is ever sent again. */
const MOST_DEAD = 32

/** What the API's refusals have taught: which values are dead, how long tokens really live, how soon to ask again. Times are steady milliseconds. */
export class Refusals {
  readonly #dead = new Set<string>()
  #young = 0
  #forcedAt = -Infinity
  #learned: LearnedLife | undefined

  isDead(value: string): boolean {
    return this.#dead.has(value)
  }

  /** This value is never to be sent again. */
  bury(value: string): void {
    this.#dead.add(value)
    for (const oldest of this.#dead) if (this.#dead.size > MOST_DEAD) this.#dead.delete(oldest)
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
