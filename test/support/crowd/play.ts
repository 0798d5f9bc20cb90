import { afterAll, beforeAll, expect } from 'vitest'
import fc from '../properties.ts'
import { history, type History } from './history.ts'
import { live } from './live.ts'
import { startWorld, type World } from './world.ts'

/** What reached the process instead of ending it, while the tests of this file run. */
export function keepThrown(): unknown[] {
  const thrown: unknown[] = []
  const keep = (error: unknown) => void thrown.push(error)
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const others = new Map(events.map((event) => [event, process.rawListeners(event)]))
  beforeAll(() => {
    for (const event of events) process.removeAllListeners(event).on(event, keep)
  })
  afterAll(() => {
    for (const event of events) {
      process.removeAllListeners(event)
      for (const listener of others.get(event) ?? []) process.on(event, listener)
    }
  })
  return thrown
}

/** Plays so many histories, one after the other. One world of each kind serves them; one in which something went wrong is not used again. */
export function playHistories(thrown: unknown[]) {
  const worlds = new Map<string, Promise<World>>()
  let [played, lateRefusals] = [0, 0]
  afterAll(async () => {
    for (const world of worlds.values()) await (await world)[Symbol.asyncDispose]()
  })
  const play = async (one: History) => {
    const kind = `${one.isKeyed} ${one.isTight}`
    const starting = worlds.get(kind) ?? startWorld(one)
    worlds.set(kind, starting)
    const world = await starting
    thrown.length = 0
    const before = world.lateRefusals
    try {
      await live(world, one, `h${played++}`)
      expect(thrown).toEqual([])
      lateRefusals += world.lateRefusals - before
    } catch (error) {
      worlds.delete(kind)
      await world[Symbol.asyncDispose]()
      if (thrown.length === 0) throw error
      throw new AggregateError([...thrown, error], `thrown past every handler: ${thrown.map(String).join('; ')}`)
    }
  }
  // A failed history is shrunk only when asked for: each attempt takes its time.
  const endOnFailure = process.env.CROWD_SHRINK !== 'true'
  return async (numRuns: number) => {
    await fc.assert(fc.asyncProperty(history, play), { numRuns, endOnFailure })
    expect(lateRefusals, 'requests refused because sessions died too fast').toBeLessThanOrEqual(2 + numRuns / 50)
  }
}
