import { expect, test } from 'vitest'
import { RequestBudget } from '../../src/token/budget.ts'
import { OAuthError, type FailureKind } from '../../src/token/oauth-error.ts'
import * as schedule from '../../src/token/schedule.ts'
import fc from '../support/properties.ts'

const HOUR = 3_600_000

test('a token is replaced at 75 to 80 % of its life, never within ten seconds', () => {
  expect(schedule.refreshAfterMs(7_200_000, 0)).toBe(5_760_000)
  expect(schedule.refreshAfterMs(7_200_000, 1)).toBe(5_400_000)
  expect(schedule.refreshAfterMs(1, 0.5)).toBe(10_000)
})

test('callers are served at once until ten seconds before the end', () => {
  expect(schedule.calmMs(7_200_000, 5_760_000)).toBe(7_190_000)
  expect(schedule.calmMs(60_000, 48_000)).toBe(54_000)
  expect(schedule.calmMs(20_000, 16_000)).toBe(18_000)
  expect(schedule.calmMs(1000, 10_000)).toBe(10_000)
})

test('however short a life, a refresh has time before callers wait for it, where it is not shorter than refreshes may be apart', () => {
  const life = fc.integer({ min: 14_000, max: 7_200_000 })
  fc.assert(
    fc.property(life, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (lifeMs, random) => {
      const refreshMs = schedule.refreshAfterMs(lifeMs, random)
      expect(schedule.calmMs(lifeMs, refreshMs) - refreshMs).toBeGreaterThanOrEqual(1000)
    }),
    {
      examples: [
        [14_000, 0],
        [20_000, 0],
      ],
    },
  )
})

test('answers without a new token are spaced out from a minute to a quarter of an hour', () => {
  expect([1, 2, 3, 4, 5, 6, 500].map(schedule.unchangedDelayMs).map((ms) => ms / 60_000)).toEqual([
    1, 2, 4, 8, 15, 15, 15,
  ])
})

test('a dead token is replaced at once, unless more than ten in a row lived a second at most', () => {
  expect([0, 1, 10, 11, 12, 13, 99].map(schedule.replacementDelayMs).map((ms) => ms / 1000)).toEqual([
    0, 0, 0, 1, 2, 4, 60,
  ])
  expect(schedule.countShortLives(3, 1000)).toBe(4)
  expect(schedule.countShortLives(3, 1001)).toBe(0)
})

const TERMS = { now: 0, random: 0, paceMs: 0 }

function runOf(kinds: FailureKind[], random: number): schedule.FailureRun[] {
  const runs: schedule.FailureRun[] = []
  for (const kind of kinds)
    runs.push(schedule.nextFailure(runs.at(-1), new OAuthError({ kind, error: kind }), { now: 0, random, paceMs: 0 }))
  return runs
}

test('transient failures are retried after a second at least and a minute at most, with full jitter', () => {
  const kinds = Array.from({ length: 8 }, () => 'transient' as const)
  expect(runOf(kinds, 0).map(({ delayMs }) => delayMs)).toEqual(kinds.map(() => 1000))
  expect(runOf(kinds, 1).map(({ delayMs }) => delayMs / 1000)).toEqual([2, 4, 8, 16, 32, 60, 60, 60])
})

test('permanent failures are retried from one to fifteen minutes, a rate limit after an hour', () => {
  const delays = runOf(
    ['permanent', 'permanent', 'permanent', 'permanent', 'permanent', 'permanent', 'rate-limited'],
    0.5,
  )
  expect(delays.map(({ delayMs }) => delayMs / 60_000)).toEqual([1, 2, 4, 8, 15, 15, 60])
})

test('a row of failures lasts since its first', () => {
  const error = new OAuthError({ kind: 'transient', error: 'x' })
  const first = schedule.nextFailure(undefined, error, { ...TERMS, now: 5 })
  expect([first.since, schedule.nextFailure(first, error, { ...TERMS, now: 9 }).since]).toEqual([5, 5])
})

test('only news is loud, and another kind begins its own row of delays', () => {
  const runs = runOf(['transient', 'transient', 'permanent', 'permanent', 'transient'], 1)
  expect(runs.map(({ loud }) => loud)).toEqual([true, false, true, false, true])
  expect(runs.map(({ count }) => count)).toEqual([1, 2, 3, 4, 5])
  expect(runs.at(-1)?.delayMs).toBe(2000)
})

test('another meaning is news, other words for the same are not', () => {
  const refusal = (description: string) =>
    new OAuthError({ kind: 'permanent', error: 'invalid_grant', description, status: 400 })
  const first = schedule.nextFailure(undefined, refusal('no client credentials user enabled'), TERMS)
  expect(schedule.nextFailure(first, refusal('no client credentials user enabled (request 2)'), TERMS).loud).toBe(false)
  expect(schedule.nextFailure(first, refusal('ip restricted or invalid login hours'), TERMS).loud).toBe(true)
})

test('the same refusal of another secret is news', () => {
  const refusal = (fingerprint: string) =>
    new OAuthError({ kind: 'permanent', error: 'invalid_client', secret: { name: 'SECRET', fingerprint } })
  const first = schedule.nextFailure(undefined, refusal('aaaaaaaa'), TERMS)
  expect(schedule.nextFailure(first, refusal('aaaaaaaa'), TERMS).loud).toBe(false)
  expect(schedule.nextFailure(first, refusal('bbbbbbbb'), TERMS).loud).toBe(true)
})

test('the budget never gives more than its cap in any hour', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.double({ min: 0, max: HOUR / 2, noNaN: true })),
      (limit, gaps) => {
        const budget = new RequestBudget(limit)
        const taken: number[] = []
        let now = 0
        for (const gap of gaps) {
          now += gap
          const waitMs = budget.take(now)
          if (waitMs === 0) taken.push(now)
          expect(taken.filter((at) => now - at < HOUR).length).toBeLessThanOrEqual(limit)
          expect(budget.used(now)).toBe(taken.filter((at) => now - at < HOUR).length)
        }
      },
    ),
  )
})

test('the budget says how long to wait, and after that gives', () => {
  const budget = new RequestBudget(2)
  expect(budget.take(0)).toBe(0)
  expect(budget.take(1000)).toBe(0)
  expect(budget.take(2000)).toBe(HOUR - 2000)
  expect(budget.take(HOUR - 0.5)).toBe(1)
  expect(budget.take(HOUR)).toBe(0)
})

test('half of the budget is free of any pace, and the other half is spread over an hour', () => {
  const budget = new RequestBudget(60)
  for (let taken = 0; taken < 29; taken++) budget.take(0)
  expect(budget.paceMs(0)).toBe(0)
  budget.take(0)
  expect(budget.paceMs(0)).toBe(120_000)
  expect(budget.paceMs(HOUR)).toBe(0)
})

test('a budget too small to halve is paced too', () => {
  const budget = new RequestBudget(1)
  expect(budget.paceMs(0)).toBe(0)
  budget.take(0)
  expect(budget.paceMs(0)).toBe(HOUR)
})

test('the pace lengthens a retry, and never shortens it', () => {
  const refusal = (kind: FailureKind) => new OAuthError({ kind, error: kind })
  const delay = (kind: FailureKind) =>
    schedule.nextFailure(undefined, refusal(kind), { now: 0, random: 0, paceMs: 120_000 }).delayMs
  expect(delay('transient')).toBe(120_000)
  expect(delay('rate-limited')).toBe(HOUR)
})
