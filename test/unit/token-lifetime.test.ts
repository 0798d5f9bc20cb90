import { expect, test } from 'vitest'
import {
  assumedLife,
  learnFromDeath,
  ObservedLifetimes,
  lifeFromExp,
  lifeFromSeconds,
} from '../../src/token/lifetime.ts'

const DAY_MS = 86_400_000

test.each([
  [3600, 3_600_000],
  ['3600', 3_600_000],
  [' 60 ', 60_000],
  [0.5, 500],
  [1e99, DAY_MS],
  [Infinity, DAY_MS],
  ['1e99', DAY_MS],
  [-1, undefined],
  ['-1', undefined],
  [0, undefined],
  [NaN, undefined],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
  [undefined, undefined],
  [[3600], undefined],
  [true, undefined],
])('expires_in of %j is a life of %s ms', (value, life) => {
  expect(lifeFromSeconds(value)).toBe(life)
})

test('exp counts from the clock of the server', () => {
  expect(lifeFromExp(1_000_060, 1_000_000_000)).toBe(60_000)
  expect(lifeFromExp(999_999, 1_000_000_000)).toBeUndefined()
  expect(lifeFromExp('1000060', 1_000_000_000)).toBeUndefined()
  expect(lifeFromExp(undefined, 1_000_000_000)).toBeUndefined()
})

test('a learned life stands in for the configured one for a day, where it is shorter', () => {
  const learned = { ms: 600_000, learnedAt: 1000 }
  expect(assumedLife(7_200_000, undefined, 1000)).toEqual({ ms: 7_200_000, source: 'configured' })
  expect(assumedLife(7_200_000, learned, 2000)).toEqual({ ms: 600_000, source: 'learned' })
  expect(assumedLife(300_000, learned, 2000)).toEqual({ ms: 300_000, source: 'configured' })
  expect(assumedLife(7_200_000, learned, 1000 + DAY_MS)).toEqual({ ms: 7_200_000, source: 'configured' })
})

test('a refusal teaches only about a life that was assumed, and not when the token was young', () => {
  const assumed = { ms: 7_200_000, source: 'configured' } as const
  expect(learnFromDeath(assumed, 3_600_000, 5)).toEqual({ ms: 3_600_000, learnedAt: 5 })
  expect(learnFromDeath({ ms: 3_600_000, source: 'learned' }, 1_800_000, 5)).toEqual({ ms: 1_800_000, learnedAt: 5 })
  expect(learnFromDeath(assumed, 299_999, 5)).toBeUndefined()
  expect(learnFromDeath(assumed, 7_200_000, 5)).toBeUndefined()
  expect(learnFromDeath({ ms: 7_200_000, source: 'expires_in' }, 3_600_000, 5)).toBeUndefined()
})

test('a death is early before half of what the last five lived, or of the assumption where none has died', () => {
  const lifetimes = new ObservedLifetimes()
  expect(lifetimes.add(3_000, 7_200)).toBe(true)
  expect(lifetimes.add(1_500, 7_200_000)).toBe(false)
  expect(lifetimes.add(20, 7_200_000)).toBe(true)
  for (let death = 0; death < 5; death++) lifetimes.add(100, 7_200_000)
  expect(lifetimes.add(49, 7_200_000)).toBe(true)
  expect(lifetimes.add(50, 7_200_000)).toBe(false)
  expect(new ObservedLifetimes().add(3_600, 7_200)).toBe(false)
})
