import { expect, test } from 'vitest'
import { KINDS, type KindName } from '../support/crowd/asks.ts'
import { mannerOf, type Client } from '../support/crowd/history.ts'
import { keepThrown, playHistories } from '../support/crowd/play.ts'
import { Saboteur } from '../support/crowd/saboteur.ts'
import { visit } from '../support/crowd/visit.ts'
import { expectIdle, startWorld, type World } from '../support/crowd/world.ts'
import { seriesOf } from '../support/scrape.ts'

/*
 * A misbehaving crowd: clients that disconnect at any byte, half-close, reset, trickle, stop reading, pipeline, and send too much or too
 * little, in front of an org that refuses, resets at any byte, answers early, stalls, kills sessions and lies about lengths. After every
 * history a well-behaved client has been served every time, nothing is held or waiting, nothing was thrown past a handler, and each death
 * of the session cost one token request at most. crowd.slow.test.ts plays more of them.
 *
 * `PROPERTY_SEED` plays others, `CROWD_HISTORIES` as many as you like; with `CROWD_SHRINK=true` and `CROWD_PATIENCE_MS=1000` the smallest
 * history that fails is looked for.
 */

const thrown = keepThrown()
const play = playHistories(thrown)

test('whoever misbehaves, the others are served, and nothing is left behind', async () => {
  await play(Number(process.env.CROWD_HISTORIES ?? 120))
})

const CALM: Omit<Client, 'asks'> = {
  listener: 'plain',
  key: 'right',
  isChunked: false,
  expects: false,
  lengthIsOffBy: 0,
  sends: 1,
  pieces: 1,
  then: 'waits',
  leavesAfter: undefined,
}
const kinds = Object.keys(KINDS) as KindName[] // the keys of a constant

/** One request of this kind; what came of it. */
async function once(world: World, kind: KindName, nonce: string) {
  const client = { ...CALM, asks: [{ kind, fate: { name: 'slow', amount: 0 }, padding: 40, size: 40 }] }
  const guest = visit(world.place('plain'), mannerOf(client, { key: world.key, nonces: [nonce] }))
  await guest.answered
  guest.leave()
  return guest.answers()[0]
}

async function exceptions(world: World): Promise<number> {
  const response = await fetch(`${world.app.adminUrl}/metrics`)
  return seriesOf(await response.text()).find(({ name }) => name === 'cloudaware_proxy_exceptions_total')?.value ?? NaN
}

test('an exception wherever our code uses its clock or its log fails one request, is logged and counted, and nothing else', async () => {
  const saboteur = new Saboteur()
  await using world = await startWorld({ isKeyed: true, isTight: false, ...saboteur.parts })
  thrown.length = 0
  await world.wellBehaved()
  for (const kind of kinds) await once(world, kind, 'before')
  const places = [...saboteur.places]
  expect(places.length).toBeGreaterThan(5)
  let struck = 0
  for (const place of places) {
    const before = await exceptions(world)
    saboteur.arm(place)
    for (const kind of kinds) if (saboteur.isArmed) await once(world, kind, `struck${struck}`)
    // Some are passed only at the start, or every now and then.
    if (saboteur.isArmed) continue
    struck += 1
    await world.wellBehaved()
    await expectIdle(world)
    expect({ place, counted: (await exceptions(world)) - before, thrown }).toEqual({ place, counted: 1, thrown: [] })
    expect(world.app.log()).toContain(`sabotage at ${place}`)
  }
  expect(struck).toBeGreaterThan(5)
})
