import { expect, test } from 'vitest'
import { answer, HOUR, KeeperBench, MINUTE, SECOND } from '../support/keeper-bench.ts'

/** An org that knows one session only. */
function stubborn(): KeeperBench {
  return new KeeperBench({ random: () => 0.5, answering: () => answer('the-same') })
}

test('a refused token that the endpoint gives again within a minute is not served', async () => {
  await using bench = stubborn()
  bench.keeper.reject(await bench.keeper.get())
  await bench.clock.advance(59 * SECOND)
  expect(bench.keeper.status()).toMatchObject({
    state: 'unavailable',
    token: null,
    failure: { error: 'refused_token_reissued' },
  })
})

test('after a minute the endpoint has vouched for it long enough: it is tried once more, and says so', async () => {
  await using bench = stubborn()
  bench.keeper.reject(await bench.keeper.get())
  await bench.clock.advance(2 * MINUTE)
  expect(bench.keeper.get()).toMatchObject({ value: 'the-same' })
  expect(bench.eventsOf('obtained').map(({ refusedBefore }) => refusedBefore)).toEqual([undefined, true])
  expect(bench.keeper.status()).toMatchObject({ state: 'ready', failure: null })
})

test('refused each time, it is tried ever more seldom', async () => {
  await using bench = stubborn()
  const tried: number[] = []
  while (bench.clock.monotonic() < 2 * HOUR) {
    const token = bench.keeper.get()
    if (token instanceof Promise) token.catch(() => undefined)
    else {
      tried.push(bench.clock.monotonic() / MINUTE)
      bench.keeper.reject(token)
    }
    await bench.clock.advance(SECOND)
  }
  const gaps = tried.slice(1).map((at, index) => at - (tried[index] ?? 0))
  const least = [1, 2, 4, 8, 15]
  expect(gaps.length).toBeGreaterThan(least.length)
  gaps.forEach((gap, index) => {
    expect(gap).toBeGreaterThanOrEqual(least[index] ?? 15)
    expect(gap).toBeLessThanOrEqual((least[index] ?? 15) + 2)
  })
})

test('late reports of the same refusal are one death: a minute after the last of them it is tried once more', async () => {
  await using bench = stubborn()
  const token = await bench.keeper.get()
  for (let report = 0; report < 50; report++) {
    bench.keeper.reject(token)
    await bench.clock.advance(SECOND)
  }
  await bench.clock.advance(58 * SECOND)
  expect(bench.keeper.status()).toMatchObject({ token: null })
  // An attempt comes every two minutes by now.
  await bench.clock.advance(2 * MINUTE)
  expect(bench.keeper.get()).toMatchObject({ value: 'the-same' })
})

test('a token that works is not given up for one that was refused', async () => {
  await using bench = new KeeperBench({ answering: (_, count) => answer(count === 2 ? 'token-2' : 'token-1') })
  bench.keeper.reject(await bench.keeper.get())
  expect((await bench.keeper.get()).value).toBe('token-2')
  await bench.clock.advance(8 * HOUR)
  expect(bench.keeper.get()).toMatchObject({ value: 'token-2' })
  expect(bench.keeper.status()).toMatchObject({ state: 'degraded', failure: { error: 'refused_token_reissued' } })
})

test('of two tokens that were both refused, the one that the endpoint gives now is held', async () => {
  await using bench = new KeeperBench({ random: () => 0.5, answering: (_, count) => answer(`token-${count}`) })
  const first = await bench.keeper.get()
  bench.keeper.reject(first)
  bench.keeper.reject(await bench.keeper.get())
  bench.answering = () => answer('token-1')
  await bench.clock.advance(3 * MINUTE)
  expect(bench.keeper.get()).toMatchObject({ value: 'token-1' })
  bench.answering = () => answer('token-2')
  await bench.keeper.refresh()
  expect(bench.keeper.get()).toMatchObject({ value: 'token-2' })
})
