import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { KINDS, type KindName } from '../support/crowd/asks.ts'
import { BEHAVIORS, CALM } from '../support/crowd/behaviors.ts'
import { mannerOf, type Client } from '../support/crowd/history.ts'
import { keepThrown, playHistories } from '../support/crowd/play.ts'
import { Saboteur } from '../support/crowd/saboteur.ts'
import { visit } from '../support/crowd/visit.ts'
import { expectIdle, KEY, startWorld, type World } from '../support/crowd/world.ts'
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

test('clients that misbehave harm nobody else, and leave nothing behind', async () => {
  await play(Number(process.env.CROWD_HISTORIES ?? 120))
})

/** The rows of the table in docs/faults.md: what a client does, and what it gets. */
const documented = new Map(
  (readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8').split('## When callers misbehave')[1] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, behavior = '', outcome = '']) => [behavior, outcome] as const)
    .slice(1),
)

/** What a client gets, in the words of the table. */
async function outcome(world: World, client: Client, name: string): Promise<string> {
  const nonces = client.asks.map((_, n) => `${name}-${n}`)
  const key = client.key === 'right' ? KEY : 'wrong-key'
  const guest = visit(world.place(client.listener), mannerOf(client, { key, nonces }))
  await guest.acted
  if (client.then === 'waits' || client.then === 'finishes') await guest.answered
  const answers = guest.answers().map(({ status, fields, body, isWhole }) => {
    const isOwn = fields.get('proxy-status')?.includes('error=') === true
    const code = isOwn ? ` \`${/PROXY_\w+/.exec(body.toString())?.[0] ?? ''}\`` : ''
    return `${status}${code}${isWhole ? '' : ', broken off'}`
  })
  guest.leave()
  return answers.length === 0 ? 'nothing' : answers.join(', then ')
}

test('the table has a row for every behavior, and no other', () => {
  expect([...documented.keys()]).toEqual(Object.keys(BEHAVIORS))
})

test.each(Object.entries(BEHAVIORS))(
  'a client that %s gets what the table says, the others are served',
  async (name, client) => {
    await using world = await startWorld({ isKeyed: true, isTight: false })
    await world.wellBehaved()
    expect(await outcome(world, client, 'row')).toBe(documented.get(name))
    await world.wellBehaved()
    await expectIdle(world)
    expect(thrown).toEqual([])
  },
)

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
