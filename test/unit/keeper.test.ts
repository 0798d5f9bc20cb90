import { expect, test } from 'vitest'
import { createTokenKeeper } from '../../src/token/keeper.ts'
import { FakeClock } from '../support/fake-clock.ts'

const answer = (value: string) => ({
  value,
  format: 'opaque' as const,
  instanceUrl: undefined,
  refusedInstanceUrl: undefined,
  identityUrl: undefined,
  statedLife: undefined,
})

test('serves, replaces a refused token', async () => {
  const clock = new FakeClock()
  let n = 0
  const keeper = createTokenKeeper({
    grant: { name: 'client_credentials', request: () => Promise.resolve(answer(`t${++n}`)) },
    clock,
    waitMs: 10_000,
    lifetimeSeconds: 7200,
    requestsPerHour: 60,
  })
  keeper.start()
  const first = await keeper.get()
  expect(first.value).toBe('t1')
  keeper.reject(first)
  keeper.reject(first)
  expect((await keeper.get()).value).toBe('t2')
  await clock.advance(7_200_000 * 0.8)
  expect((await keeper.get()).value).toBe('t3')
  await keeper.close()
  expect(clock.sleepers).toBe(0)
})
