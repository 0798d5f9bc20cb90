import { expect, test } from 'vitest'
import { OAuthError } from '../../src/token/oauth-error.ts'
import { answer, failing, HOUR, KeeperBench, MINUTE, SECOND } from '../support/keeper-bench.ts'

/** Jitter in the middle, as over many retries. */
const random = () => 0.5

test('after an outage of hours a token is there within two minutes: retries leave half of the budget', async () => {
  await using bench = new KeeperBench({ random, answering: failing('transient') })
  await bench.clock.advance(4 * HOUR)
  expect(bench.eventsOf('held-back')).toEqual([])
  expect(bench.keeper.status().budget.used).toBeLessThanOrEqual(31)
  bench.answering = () => answer('after the outage')
  await bench.clock.advance(2 * MINUTE)
  expect(bench.keeper.get()).toMatchObject({ value: 'after the outage' })
})

test('the first quarter of an hour of an outage is retried at full pace', async () => {
  await using bench = new KeeperBench({ random, answering: failing('transient') })
  await bench.clock.advance(10 * MINUTE)
  const gaps = bench.requestedAt.slice(1).map((at, index) => at - (bench.requestedAt[index] ?? 0))
  expect(Math.max(...gaps)).toBeLessThanOrEqual(MINUTE)
})

test('in a long outage the operator is still heard at once', async () => {
  await using bench = new KeeperBench({ random, answering: failing('transient') })
  await bench.clock.advance(4 * HOUR + 30 * SECOND)
  bench.answering = () => answer('after the outage')
  const refreshed = bench.keeper.refresh()
  await bench.clock.advance(5 * SECOND)
  await refreshed
  expect(bench.keeper.get()).toMatchObject({ value: 'after the outage' })
})

test('a script that asks for a token all day leaves a quarter of the budget to replace a token that dies', async () => {
  await using bench = new KeeperBench({ random })
  for (let minute = 0; minute < 300; minute++) {
    for (const reload of [false, true]) {
      if (reload) bench.keeper.reload()
      else void bench.keeper.refresh().catch(() => undefined)
      await bench.clock.advance(30 * SECOND)
    }
    if (minute % 10 === 9) {
      bench.keeper.retire(await bench.keeper.get())
      const requests = bench.requests
      await bench.keeper.get()
      expect(bench.requests).toBe(requests + 1)
    }
  }
  expect(bench.eventsOf('held-back')).toEqual([])
  expect(bench.keeper.status().budget.used).toBeLessThanOrEqual(60)
})

test('a demand that is put off for the sake of the budget says so', async () => {
  await using bench = new KeeperBench({ requestsPerHour: 8 })
  for (let demand = 0; demand < 5; demand++) {
    await bench.clock.advance(MINUTE)
    await bench.keeper.refresh()
  }
  await bench.clock.advance(MINUTE)
  await expect(bench.keeper.refresh()).rejects.toMatchObject({
    reason: expect.stringMatching(
      /three quarters of TOKEN_REQUESTS_PER_HOUR .+ Waiting since .+Z for the next token request/,
    ) as string,
  })
  expect(bench.keeper.status()).toMatchObject({ state: 'ready', pause: null })
})

test('a budget too small for a reserve is used as it is', async () => {
  await using bench = new KeeperBench({ requestsPerHour: 3 })
  for (let demand = 0; demand < 5; demand++) {
    await bench.clock.advance(5 * SECOND)
    bench.keeper.reload()
  }
  await bench.clock.advance(0)
  expect(bench.requests).toBe(3)
  expect(bench.eventsOf('held-back')).toHaveLength(3)
})

test('a token that is given again and again although it was refused spends no more than retries may', async () => {
  await using bench = new KeeperBench({ random, answering: () => answer('the-same') })
  bench.keeper.retire(await bench.keeper.get())
  for (let minute = 0; minute < 240; minute++) {
    const token = bench.keeper.get()
    if (token instanceof Promise) token.catch(() => undefined)
    else bench.keeper.retire(token)
    await bench.clock.advance(MINUTE)
  }
  expect(bench.eventsOf('held-back')).toEqual([])
})

test('held back again and again is said once an hour', async () => {
  await using bench = new KeeperBench({ requestsPerHour: 1 })
  await bench.keeper.get()
  for (let minute = 0; minute < 150; minute++) {
    await bench.clock.advance(MINUTE)
    void bench.keeper.refresh().catch(() => undefined)
  }
  const heldBack = bench.eventsOf('held-back')
  expect(heldBack.length).toBeGreaterThan(100)
  expect(heldBack.filter(({ loud }) => loud)).toHaveLength(3)
  expect(bench.requests).toBe(3)
})

test('retries lie a second apart at least, whatever the jitter and the budget', async () => {
  await using bench = new KeeperBench({
    requestsPerHour: 3600,
    answering: () => {
      throw new OAuthError({ kind: 'transient', error: 'ECONNREFUSED' })
    },
  })
  await bench.clock.advance(20 * MINUTE)
  const gaps = bench.requestedAt.slice(1).map((at, index) => at - (bench.requestedAt[index] ?? 0))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(SECOND)
})
