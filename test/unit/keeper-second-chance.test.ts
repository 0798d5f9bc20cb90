import { expect, test } from 'vitest'
import { answer, HOUR, KeeperBench, MINUTE, SECOND } from '../support/keeper-bench.ts'

/** An org that knows one session only. */
function stubborn(): KeeperBench {
  return new KeeperBench({ random: () => 0.5, answering: () => answer('the-same') })
}

test('a dead token that the endpoint returns is not served while the org calls it dead, and is asked for at a reasonable pace', async () => {
  await using bench = stubborn()
  bench.keeper.retire(await bench.keeper.get())
  await bench.clock.advance(10 * MINUTE)
  expect(bench.keeper.status()).toMatchObject({
    state: 'unavailable',
    token: null,
    failure: { error: 'refused_token_reissued', diagnosis: { code: 'refused-token-reissued' } },
    pause: { reason: 'The login host keeps returning a token that Cloudaware itself reports as ended.' },
  })
  const gaps = bench.requestedAt.slice(2).map((at, index) => at - (bench.requestedAt[index + 1] ?? 0))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(SECOND)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(MINUTE)
})

test.each(['alive', 'unknown'] as const)(
  'a returned token that the org calls %s is served, and says so',
  async (health) => {
    await using bench = stubborn()
    bench.keeper.retire(await bench.keeper.get())
    await bench.clock.advance(30 * SECOND)
    bench.health = health
    await bench.clock.advance(MINUTE)
    expect(bench.keeper.get()).toMatchObject({ value: 'the-same' })
    expect(bench.eventsOf('obtained').map(({ refusedBefore }) => refusedBefore)).toEqual([undefined, true])
    expect(bench.keeper.status()).toMatchObject({ state: 'ready', failure: null, pause: null })
  },
)

test('the operator can have it looked at again at any time', async () => {
  await using bench = stubborn()
  bench.keeper.retire(await bench.keeper.get())
  await bench.clock.advance(10 * MINUTE)
  bench.health = 'alive'
  const refreshed = bench.keeper.refresh()
  await bench.clock.advance(5 * SECOND)
  await refreshed
  expect(bench.keeper.get()).toMatchObject({ value: 'the-same' })
})

test('late reports of one death cost nothing', async () => {
  await using bench = new KeeperBench()
  const token = await bench.keeper.get()
  for (let report = 0; report < 50; report++) {
    bench.keeper.retire(token)
    await bench.clock.advance(SECOND)
  }
  expect(bench.requests).toBe(2)
  expect(bench.keeper.get()).toMatchObject({ value: 'token-2' })
})

test('a token that works is not given up for one that is dead', async () => {
  await using bench = new KeeperBench({ answering: (_, count) => answer(count === 2 ? 'token-2' : 'token-1') })
  bench.keeper.retire(await bench.keeper.get())
  expect((await bench.keeper.get()).value).toBe('token-2')
  await bench.clock.advance(8 * HOUR)
  expect(bench.keeper.get()).toMatchObject({ value: 'token-2' })
  expect(bench.keeper.status()).toMatchObject({ state: 'degraded', failure: { error: 'refused_token_reissued' } })
})

test('closing does not wait for the org to say whether a returned token is dead', async () => {
  const bench = new KeeperBench({
    answering: () => answer('the-same'),
    confirm: () => new Promise(() => undefined),
  })
  bench.keeper.retire(await bench.keeper.get())
  await bench.clock.advance(0)
  await bench.keeper.close()
  expect(bench.requests).toBe(2)
})
