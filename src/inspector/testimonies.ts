import { KEPT_SECONDS } from './seconds.ts'
import type { Testimony } from './witness.ts'
import type { SecondPoint, Trouble } from './wire.ts'

/** All workers have told of a second by then. */
const TOLD_AFTER_SECONDS = 2

/** What several witnesses told, as one. */
export class Testimonies {
  readonly #seconds = new Map<number, SecondPoint>()
  readonly #troubles = new Map<number, readonly Trouble[]>()
  #changes = 0

  /** Grows with every change of the troubles. */
  get changes(): number {
    return this.#changes
  }

  /** `witness`: its number. */
  add(witness: number, { seconds, troubles }: Testimony): void {
    for (const point of seconds) {
      const former = this.#seconds.get(point.at)
      this.#seconds.set(point.at, former ? together(former, point) : point)
    }
    for (const at of this.#seconds.keys()) {
      if (this.#seconds.size <= KEPT_SECONDS) break
      this.#seconds.delete(at)
    }
    if (troubles === undefined) return
    this.#troubles.set(witness, troubles)
    this.#changes += 1
  }

  /** Seconds of which everybody has told, later than the epoch second `after`, in order. `now`: epoch milliseconds. */
  points(after: number, now: number): SecondPoint[] {
    const second = now / 1000
    return [...this.#seconds.values()]
      .filter(({ at }) => at > after && at > second - KEPT_SECONDS && at < second - TOLD_AFTER_SECONDS)
      .sort((one, other) => one.at - other.at)
  }

  /** Each kind once. */
  troubles(): Trouble[] {
    const byKey = new Map<string, Trouble>()
    for (const trouble of [...this.#troubles.values()].flat()) {
      const former = byKey.get(trouble.key)
      byKey.set(trouble.key, former ? sum(former, trouble) : trouble)
    }
    return [...byKey.values()]
  }
}

/** The percentiles of two cannot be had from theirs: the worse one is shown. */
function together(one: SecondPoint, other: SecondPoint): SecondPoint {
  const upstream = [one.upstreamMs, other.upstreamMs].filter((ms) => ms !== null)
  return {
    at: one.at,
    requests: one.requests + other.requests,
    failed: one.failed + other.failed,
    ownMs: Math.max(one.ownMs, other.ownMs),
    upstreamMs: upstream.length === 0 ? null : Math.max(...upstream),
  }
}

function sum(one: Trouble, other: Trouble): Trouble {
  const latest = other.lastAt > one.lastAt ? other : one
  return { ...latest, count: one.count + other.count, firstAt: Math.min(one.firstAt, other.firstAt) }
}
