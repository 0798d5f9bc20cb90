import { afterAll, beforeAll, expect, test } from 'vitest'
import fc from '../support/properties.ts'
import { history, type History } from '../support/crowd/history.ts'
import { live } from '../support/crowd/live.ts'
import { startWorld, type World } from '../support/crowd/world.ts'

/*
 * A misbehaving crowd: clients that disconnect at any byte, half-close, reset, trickle, stop reading, pipeline, and send too much or too
 * little, in front of an org that refuses, resets at any byte, answers early, stalls, kills sessions and lies about lengths. After every
 * history a well-behaved client has been served every time, nothing is held or waiting, nothing was thrown past a handler, and each death
 * of the session cost one token request at most.
 *
 * `CROWD_HISTORIES` plays more of them; `PROPERTY_SEED` others.
 */

const HISTORIES = Number(process.env.CROWD_HISTORIES ?? 60)

/** What reached the process, instead of ending it. */
const thrown: unknown[] = []
const EVENTS = ['uncaughtException', 'unhandledRejection'] as const
const keep = (error: unknown) => void thrown.push(error)
const others = EVENTS.map((event) => [event, process.rawListeners(event)] as const)
beforeAll(() => {
  for (const event of EVENTS) process.removeAllListeners(event).on(event, keep)
})
afterAll(() => {
  for (const [event, listeners] of others) {
    process.removeAllListeners(event)
    for (const listener of listeners) process.on(event, listener)
  }
})

/** One world of each kind serves one history after the other; one in which something went wrong is not used again. */
const worlds = new Map<string, Promise<World>>()
const worldOf = ({ isKeyed, isTight }: History) => {
  const kind = `${isKeyed} ${isTight}`
  const world = worlds.get(kind) ?? startWorld({ isKeyed, isTight })
  worlds.set(kind, world)
  return { world, drop: () => worlds.delete(kind) }
}
afterAll(async () => {
  for (const world of worlds.values()) await (await world)[Symbol.asyncDispose]()
})

let played = 0

async function play(one: History): Promise<void> {
  const { world, drop } = worldOf(one)
  thrown.length = 0
  try {
    await live(await world, one, `h${played++}`)
    expect(thrown).toEqual([])
  } catch (error) {
    drop()
    await (await world)[Symbol.asyncDispose]()
    if (thrown.length === 0) throw error
    throw new AggregateError([...thrown, error], `thrown past every handler: ${thrown.map(String).join('; ')}`)
  }
}

test(
  'whoever misbehaves, the others are served, and nothing is left behind',
  async () => {
    // A failed history is shrunk only when asked for: each attempt takes its time.
    const isShrinking = process.env.CROWD_SHRINK === 'true'
    await fc.assert(fc.asyncProperty(history, play), { numRuns: HISTORIES, endOnFailure: !isShrinking })
  },
  HISTORIES * 10_000,
)
