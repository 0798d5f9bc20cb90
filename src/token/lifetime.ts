/** Where a token's life is known from, best first. */
export type LifeSource = 'expires_in' | 'jwt' | 'introspection' | 'learned' | 'configured'

export interface Life {
  readonly ms: number
  readonly source: LifeSource
}

/** A shorter life than assumed, seen from a token's death. */
export interface LearnedLife {
  readonly ms: number
  /** Steady milliseconds. */
  readonly learnedAt: number
}

const DAY_MS = 86_400_000
/** A token that died sooner was revoked, not timed out: Salesforce's shortest timeout is 15 minutes, and nothing is learned from a logout. */
const SHORTEST_LEARNED_MS = 300_000

/**
 * Seconds as token endpoints write them: a number or a string of one. Anything else, and what is not above zero, says nothing
 * (undefined: the next source is asked). More than a day counts as a day.
 */
export function lifeFromSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds > 0)) return undefined
  return Math.min(seconds * 1000, DAY_MS)
}

/** What remains until `exp` (epoch seconds) by the server's own clock: ours may be wrong by hours. */
export function lifeFromExp(exp: unknown, serverNow: number): number | undefined {
  return typeof exp === 'number' ? lifeFromSeconds(exp - serverNow / 1000) : undefined
}

/** The life to assume of a token that says nothing of it. */
export function assumedLife(configuredMs: number, learned: LearnedLife | undefined, now: number): Life {
  if (learned !== undefined && now - learned.learnedAt < DAY_MS && learned.ms < configuredMs) {
    return { ms: learned.ms, source: 'learned' }
  }
  return { ms: configuredMs, source: 'configured' }
}

/** Deaths that an early one is measured against. */
const OBSERVED_DEATHS = 5

/** How long tokens have lived: the last few, in milliseconds. */
export class ObservedLifetimes {
  #ages: readonly number[] = []

  /** Notes a death at age `ageMs`. Returns whether it came early: before half of what others lived, or of `assumedMs` where none has died yet. */
  add(ageMs: number, assumedMs: number): boolean {
    const sorted = this.#ages.toSorted((a, b) => a - b)
    const typicalMs = sorted[Math.floor(sorted.length / 2)] ?? assumedMs
    this.#ages = [...this.#ages, ageMs].slice(-OBSERVED_DEATHS)
    return ageMs < typicalMs / 2
  }
}

/** What a death at age `ageMs` teaches: only where the life was assumed, and longer than that. */
export function learnFromDeath(life: Life, ageMs: number, now: number): LearnedLife | undefined {
  const isAssumed = life.source === 'configured' || life.source === 'learned'
  return isAssumed && ageMs >= SHORTEST_LEARNED_MS && ageMs < life.ms ? { ms: ageMs, learnedAt: now } : undefined
}
