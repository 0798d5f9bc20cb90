import { expect, test } from 'vitest'
import { SteadyTime } from '../../src/token/steady-time.ts'
import type { Clock } from '../../src/clock.ts'

const HOUR = 3_600_000

/** A machine's two clocks: the wall shows whole milliseconds, the monotonic one fractions. */
class TwoClocks implements Clock {
  wall = Date.UTC(2026, 0, 1)
  up = 0.3

  now(): number {
    return Math.floor(this.wall)
  }

  monotonic(): number {
    return this.up
  }

  sleep(): Promise<void> {
    return Promise.resolve()
  }

  pass(ms: number): void {
    this.wall += ms
    this.up += ms
  }
}

function setUp() {
  const clocks = new TwoClocks()
  return { clocks, time: new SteadyTime(clocks) }
}

test.each([0.01, 0.1, 0.7, 1.3, 100])('being asked every %s ms makes a second no longer', (stepMs) => {
  const { clocks, time } = setUp()
  for (let passed = 0; passed < 1000; passed += stepMs) {
    clocks.pass(stepMs)
    time.now()
  }
  expect(time.now()).toBeGreaterThan(999)
  expect(time.now()).toBeLessThan(1101)
})

test('a suspended machine, or a wall clock set forward, is time that has passed', () => {
  const { clocks, time } = setUp()
  clocks.wall += 8 * HOUR
  expect(time.now()).toBeCloseTo(8 * HOUR, -2)
  clocks.pass(HOUR)
  expect(time.now()).toBeCloseTo(9 * HOUR, -2)
})

test('a wall clock set back takes nothing away, and counts on from there', () => {
  const { clocks, time } = setUp()
  clocks.pass(HOUR)
  clocks.wall -= 8 * HOUR
  expect(time.now()).toBeCloseTo(HOUR, -2)
  clocks.pass(HOUR)
  expect(time.now()).toBeCloseTo(2 * HOUR, -2)
  clocks.wall += 8 * HOUR
  expect(time.now()).toBeCloseTo(10 * HOUR, -2)
})

test('a wall clock that is slewed forward little by little is followed, within a second', () => {
  const { clocks, time } = setUp()
  for (let second = 0; second < 3600; second++) {
    clocks.pass(1000)
    clocks.wall += 10
    time.now()
  }
  expect(Math.abs(time.now() - 3636 * 1000)).toBeLessThan(1100)
})

test('it never goes back, whatever the wall clock does', () => {
  const { clocks, time } = setUp()
  let before = time.now()
  for (const jump of [-0.5, 900, -900, 1500, -1500, -8 * HOUR, 8 * HOUR, 1, -1]) {
    clocks.wall += jump
    clocks.pass(0.25)
    expect(time.now()).toBeGreaterThan(before)
    before = time.now()
  }
})
