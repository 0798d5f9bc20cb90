import { expect, test } from 'vitest'
import { OAuthError } from '../../src/token/oauth-error.ts'
import { answer, hanging, HOUR, KeeperBench, MINUTE, SECOND } from '../support/keeper-bench.ts'

/** Like a secret file on a dead network drive: it neither answers nor lets go. */
function deaf(): Promise<never> {
  return new Promise(() => undefined)
}

test('a refusal during an introspection that hangs is answered at once', async () => {
  await using bench = new KeeperBench({ introspect: (_, signal) => hanging(signal) })
  bench.keeper.retire(await bench.keeper.get())
  expect((await bench.keeper.get()).value).toBe('token-2')
  expect(bench.clock.monotonic()).toBe(0)
  expect(bench.eventsOf('introspection-failed')).toEqual([])
})

test('a new secret is tried at once, whatever introspection does', async () => {
  await using bench = new KeeperBench({ introspect: deaf })
  await bench.keeper.get()
  bench.keeper.reload()
  await bench.clock.advance(5 * SECOND)
  expect(bench.requests).toBe(2)
})

test('a token request that does not let go is left behind when its time is up', async () => {
  await using bench = new KeeperBench({ answering: deaf })
  await bench.clock.advance(30 * SECOND)
  expect(bench.eventsOf('failed')).toMatchObject([{ error: 'timeout' }])
  bench.answering = () => answer('at last')
  await bench.clock.advance(2 * SECOND)
  expect(bench.keeper.get()).toMatchObject({ value: 'at last' })
})

test('what a token request left behind brings later, or breaks with, is nobody’s concern', async () => {
  const late = Promise.withResolvers<never>()
  await using bench = new KeeperBench({ answering: () => late.promise })
  await bench.clock.advance(30 * SECOND)
  bench.answering = () => answer('in time')
  late.reject(new Error('late'))
  await bench.clock.advance(2 * SECOND)
  expect(bench.keeper.get()).toMatchObject({ value: 'in time' })
  expect(bench.eventsOf('failed')).toHaveLength(1)
})

test('closing waits for nothing that does not let go', async () => {
  const bench = new KeeperBench({ answering: deaf })
  await bench.clock.advance(SECOND)
  await bench.keeper.close()
  expect(bench.clock.sleepers).toBe(0)
})

test('a new secret does not put off the replacement of a refused token', async () => {
  await using bench = new KeeperBench()
  bench.keeper.retire(await bench.keeper.get())
  bench.keeper.reload()
  await bench.clock.advance(0)
  expect(bench.keeper.get()).toMatchObject({ value: 'token-2' })
})

test('a retry that is due soon is not put off by the operator, nor is the pause between demands cut short', async () => {
  await using bench = new KeeperBench({
    answering: () => {
      throw new OAuthError({ kind: 'transient', error: 'server_error' })
    },
  })
  await bench.clock.advance(0)
  void bench.keeper.refresh().catch(() => undefined)
  expect(bench.requests).toBe(1)
  await bench.clock.advance(SECOND)
  expect(bench.requests).toBe(2)
})

test('a refusal while the replacement is under way does not cost another request', async () => {
  const gate = Promise.withResolvers<undefined>()
  await using bench = new KeeperBench()
  const first = await bench.keeper.get()
  await bench.clock.advance(MINUTE)
  bench.answering = async (_, count) => {
    await gate.promise
    return answer(`token-${count}`)
  }
  bench.keeper.reload()
  await bench.clock.advance(0)
  bench.keeper.retire(first)
  const waiting = bench.keeper.get()
  gate.resolve(undefined)
  expect((await waiting).value).toBe('token-2')
  await bench.clock.advance(MINUTE)
  expect(bench.requests).toBe(2)
})

test('closing in the middle of everything leaves nothing behind', async () => {
  const bench = new KeeperBench({ introspect: (_, signal) => hanging(signal) })
  const token = await bench.keeper.get()
  bench.keeper.retire(token)
  bench.keeper.reload()
  const outcomes = Promise.allSettled([bench.keeper.refresh(), bench.keeper.get()])
  await bench.keeper.close()
  bench.keeper.retire(token)
  bench.keeper.reload()
  bench.keeper.start()
  await bench.keeper.close()
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(bench.keeper.get()).rejects.toMatchObject({ name: 'TokenUnavailableError' })
  expect(bench.clock.sleepers).toBe(0)
  await bench.clock.advance(HOUR)
  expect(bench.requests).toBe(1)
})
