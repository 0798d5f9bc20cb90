import { diagnose } from './diagnose.ts'
import type { FailureKind, OAuthError } from './oauth-error.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** No scheduled refresh comes sooner than this after the last one, however short a life the endpoint states. */
const SHORTEST_INTERVAL_MS = 10 * SECOND

/** How long the callers' belief in a token outlasts the next planned attempt: a whole attempt, and some slack. */
export const GRACE_MS = 45 * SECOND

/** A total of this for one token request, answer included. */
export const REQUEST_TIMEOUT_MS = 30 * SECOND

/** Introspection only refines the plan. */
export const INTROSPECTION_TIMEOUT_MS = 10 * SECOND

/** An operator's demand and a new secret wait this long after the last attempt: a script that demands in a loop must not spend the budget. */
export const DEMAND_INTERVAL_MS = 5 * SECOND

/** A budget that holds requests back all day is worth a warning once in this time. */
export const HELD_BACK_QUIET_MS = 60 * MINUTE

/** When to replace a token of this life: at 75 to 80 % of it. `random` is in [0, 1). */
export function refreshAfterMs(lifeMs: number, random: number): number {
  return Math.max(lifeMs * (0.8 - 0.05 * random), SHORTEST_INTERVAL_MS)
}

/**
 * How long callers are served at once: until 10 s before the end (a tenth of a short life), so that a refresh has a tenth for itself; never less
 * than until the refresh.
 */
export function calmMs(lifeMs: number, refreshMs: number): number {
  return Math.max(lifeMs - Math.min(10 * SECOND, lifeMs / 10), refreshMs)
}

/** The pause after the `count`th answer in a row that brought the token already held: 1, 2, 4, 8, then 15 minutes. */
export function unchangedDelayMs(count: number): number {
  return doubling(MINUTE, count, 15 * MINUTE)
}

/** A token that died at this age or below was hardly ever of use. */
const SHORT_LIVED_MS = SECOND

/** So many of those in a row are replaced at once. */
const TOLERATED_SHORT_LIVES = 10

/** How many tokens in a row were short-lived, this one of age `ageMs`, which never served, included. */
export function countShortLives(before: number, ageMs: number): number {
  return ageMs <= SHORT_LIVED_MS ? before + 1 : 0
}

/** The pause before a dead token is replaced: none, unless more than ten in a row were short-lived; then 1, 2, 4 … 60 s. */
export function replacementDelayMs(shortLives: number): number {
  return shortLives <= TOLERATED_SHORT_LIVES ? 0 : doubling(SECOND, shortLives - TOLERATED_SHORT_LIVES, MINUTE)
}

/** Failures in a row, and the wait that they ask for. */
export interface FailureRun {
  readonly error: OAuthError
  /** In a row, of whatever kind. */
  readonly count: number
  /** In a row, of this kind. */
  readonly ofKind: number
  readonly delayMs: number
  /** When the first of the row failed, steady milliseconds. */
  readonly since: number
  /** The first of its sort: later ones are the same news again. */
  readonly loud: boolean
}

interface RetryTerms {
  /** Steady milliseconds. */
  readonly now: number
  /** In [0, 1). */
  readonly random: number
  /** The least delay, for the budget's sake. */
  readonly paceMs: number
}

/** The run that `error` begins or goes on. */
export function nextFailure(
  before: FailureRun | undefined,
  error: OAuthError,
  { now, random, paceMs }: RetryTerms,
): FailureRun {
  const ofKind = before?.error.kind === error.kind ? before.ofKind + 1 : 1
  return {
    error,
    count: (before?.count ?? 0) + 1,
    ofKind,
    since: before?.since ?? now,
    delayMs: Math.max(retryDelayMs(error.kind, ofKind, random), paceMs),
    loud: before === undefined || isNews(before.error, error),
  }
}

/** Descriptions may differ from one time to the next without saying anything new, so the diagnosis decides. */
function isNews(before: OAuthError, error: OAuthError): boolean {
  return (
    before.error !== error.error ||
    before.secret?.fingerprint !== error.secret?.fingerprint ||
    diagnose(before).code !== diagnose(error).code
  )
}

function retryDelayMs(kind: FailureKind, count: number, random: number): number {
  switch (kind) {
    case 'transient': {
      // Full jitter, but never a hot loop: anywhere from one second to a ceiling that doubles up to a minute.
      const ceiling = doubling(2 * SECOND, count, MINUTE)
      return SECOND + random * (ceiling - SECOND)
    }
    case 'permanent':
      return doubling(MINUTE, count, 15 * MINUTE)
    case 'rate-limited':
      return 60 * MINUTE
  }
}

function doubling(firstMs: number, count: number, mostMs: number): number {
  return Math.min(firstMs * 2 ** (count - 1), mostMs)
}
