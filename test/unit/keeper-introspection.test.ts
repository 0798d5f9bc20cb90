import { expect, test } from 'vitest'
import { OAuthError } from '../../src/token/oauth-error.ts'
import { answer, hanging, HOUR, KeeperBench, MINUTE, SECOND } from '../support/keeper-bench.ts'

test('the life that introspection states decides when the token is replaced', async () => {
  const asked: string[] = []
  await using bench = new KeeperBench({
    introspect: (value) => {
      asked.push(value)
      return Promise.resolve(30 * MINUTE)
    },
  })
  await bench.keeper.get()
  await bench.clock.advance(24 * MINUTE)
  expect(asked).toEqual(['token-1', 'token-2'])
  expect(bench.keeper.status().token).toMatchObject({ lifeSource: 'introspection', lifeLeftSeconds: 1800 })
  expect(bench.eventsOf('life-introspected')).toHaveLength(2)
})

test('introspection of the token already held moves its end, and attempts stay a minute apart', async () => {
  await using bench = new KeeperBench({
    answering: () => answer('the-same'),
    introspect: () => Promise.resolve(5 * SECOND),
  })
  await bench.keeper.get()
  await bench.clock.advance(HOUR)
  const gaps = bench.requestedAt.slice(1).map((at, index) => at - (bench.requestedAt[index] ?? 0))
  expect(gaps[0]).toBe(10 * SECOND)
  expect(Math.min(...gaps.slice(1))).toBeGreaterThanOrEqual(MINUTE)
})

test.each(['expires_in', 'jwt'] as const)('a life stated as %s is not asked for again', async (source) => {
  let asked = 0
  await using bench = new KeeperBench({
    answering: () => answer('token', { statedLife: { ms: HOUR, source } }),
    introspect: () => Promise.resolve(++asked),
  })
  await bench.keeper.get()
  await bench.clock.advance(SECOND)
  expect(asked).toBe(0)
})

test('where the app may not introspect, the assumption stands, and it is said once', async () => {
  await using bench = new KeeperBench({
    introspect: () => Promise.reject(new OAuthError({ kind: 'permanent', error: 'invalid_client_id', status: 400 })),
  })
  await bench.keeper.get()
  await bench.clock.advance(2 * HOUR)
  expect(bench.keeper.status()).toMatchObject({ state: 'ready', token: { lifeSource: 'configured' } })
  expect(bench.eventsOf('introspection-failed').map(({ loud }) => loud)).toEqual([true, false])
})

test('nobody waits for introspection, and it is ended after ten seconds', async () => {
  await using bench = new KeeperBench({ introspect: (_, signal) => hanging(signal) })
  expect((await bench.keeper.get()).value).toBe('token-1')
  await bench.clock.advance(10 * SECOND)
  expect(bench.eventsOf('introspection-failed')).toMatchObject([{ error: 'timeout' }])
})

test('a refusal during introspection stands above what introspection says', async () => {
  const verdict = Promise.withResolvers<number>()
  await using bench = new KeeperBench({ introspect: () => verdict.promise })
  bench.keeper.retire(await bench.keeper.get())
  verdict.resolve(HOUR)
  expect((await bench.keeper.get()).value).toBe('token-2')
})

test('a failed token request is followed by no introspection', async () => {
  let asked = 0
  await using bench = new KeeperBench({ introspect: () => Promise.resolve(++asked * HOUR) })
  await bench.keeper.get()
  bench.answering = () => {
    throw new OAuthError({ kind: 'transient', error: 'server_error' })
  }
  await bench.clock.advance(HOUR)
  expect(bench.requests).toBeGreaterThan(2)
  expect(asked).toBe(1)
})
