import { describe, expect, test } from 'vitest'
import { ConnectionQueue } from '../../src/upstream/connection-queue.ts'
import { FakeClock } from '../support/fake-clock.ts'

function waiter(name: string, log: string[]) {
  return {
    onPlace: () => void log.push(`${name} has a place`),
    onRefused: ({ code }: { code: string }) => void log.push(`${name}: ${code}`),
  }
}

function setUp({ places = 1, limit = 2 } = {}) {
  const clock = new FakeClock()
  const log: string[] = []
  const queue = new ConnectionQueue({ places, limit, timeoutMs: 1000, clock })
  const [first, second, third, fourth] = ['first', 'second', 'third', 'fourth'].map((name) => waiter(name, log))
  if (!first || !second || !third || !fourth) throw new Error('four names give four waiters')
  return { clock, log, queue, first, second, third, fourth }
}

const ticks = () => new Promise(setImmediate)

describe('a connection queue', () => {
  test('lets as many go at once as there are places', () => {
    const { queue, first, second, third } = setUp({ places: 2 })
    expect([queue.enter(first), queue.enter(second), queue.enter(third)]).toEqual([true, true, false])
    expect([queue.active, queue.waiting]).toEqual([2, 1])
  })

  test('gives a place to who has waited longest, and its timer ends', async () => {
    const { clock, queue, log, first, second, third } = setUp()
    queue.enter(first)
    queue.enter(second)
    queue.enter(third)
    queue.leave()
    await ticks()
    expect(log).toEqual(['second has a place'])
    expect([queue.active, queue.waiting, clock.sleepers]).toEqual([1, 1, 1])
    queue.leave()
    queue.leave()
    await ticks()
    expect(log).toEqual(['second has a place', 'third has a place'])
    expect([queue.active, queue.waiting, clock.sleepers]).toEqual([0, 0, 0])
  })

  test('holds no more than its limit', () => {
    const { queue, first, second, third, fourth } = setUp()
    for (const one of [first, second, third]) queue.enter(one)
    expect(() => queue.enter(fourth)).toThrow(expect.objectContaining({ code: 'PROXY_UPSTREAM_BUSY' }) as Error)
    expect(queue.waiting).toBe(2)
  })

  test('refuses who has waited too long, and only them', async () => {
    const { clock, queue, log, first, second, third } = setUp()
    queue.enter(first)
    queue.enter(second)
    await clock.advance(500)
    queue.enter(third)
    await clock.advance(500)
    expect(log).toEqual(['second: PROXY_UPSTREAM_BUSY'])
    queue.leave()
    await ticks()
    expect(log).toEqual(['second: PROXY_UPSTREAM_BUSY', 'third has a place'])
  })

  test('puts a request that is sent again before all others, and neither refuses nor times it', async () => {
    const { clock, queue, log, first, second, third, fourth } = setUp({ limit: 1 })
    queue.enter(first)
    queue.enter(second)
    expect([queue.enter(third, true), queue.enter(fourth, true), queue.waiting]).toEqual([false, false, 3])
    await clock.advance(5000)
    expect(log).toEqual(['second: PROXY_UPSTREAM_BUSY'])
    queue.enter(second)
    queue.withdraw(fourth)
    queue.leave()
    queue.leave()
    await ticks()
    expect(log.slice(1)).toEqual(['third has a place', 'second has a place'])
    expect([queue.active, queue.waiting, clock.sleepers]).toEqual([1, 0, 0])
  })

  test('forgets who withdraws', async () => {
    const { clock, queue, log, first, second, third } = setUp()
    queue.enter(first)
    queue.enter(second)
    queue.enter(third)
    queue.withdraw(second)
    queue.withdraw(first)
    queue.leave()
    await ticks()
    expect(log).toEqual(['third has a place'])
    expect(clock.sleepers).toBe(0)
  })

  test('tells a waiter one thing only, should place and timeout come in the same moment', async () => {
    const timeUp = Promise.withResolvers<undefined>()
    const clock = { now: () => 0, monotonic: () => 0, sleep: () => timeUp.promise }
    const queue = new ConnectionQueue({ places: 1, limit: 1, timeoutMs: 1000, clock })
    const log: string[] = []
    queue.enter(waiter('first', log))
    queue.enter(waiter('second', log))
    timeUp.resolve(undefined)
    queue.leave()
    await ticks()
    expect(log).toEqual(['second has a place'])
    expect(queue.active).toBe(1)
  })
})
