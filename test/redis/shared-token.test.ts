import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { seal, sealingKey, unseal } from '../../src/token-store/sealed-token.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { CountingGrant, KEY, startReplica } from '../support/replica.ts'

let server: RedisServer
let redis: Redis
let grant: CountingGrant
beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.url)
})
beforeEach(async () => {
  await redis.flushall()
  grant = new CountingGrant()
})
afterAll(async () => {
  redis.disconnect()
  await server[Symbol.asyncDispose]()
})

const start = (key = KEY) => startReplica(server.url, grant, { key })
/** 200 of them in one process have less than one each. */
const crowded = () => startReplica(server.url, grant, { timeoutMs: 30_000 })
const stored = async () => unseal(String(await redis.get(KEY.name)), KEY)

test('200 replicas that start at once make one token request, and one more when the API refuses the token', async () => {
  await using replicas = new AsyncDisposableStack()
  const all = Array.from({ length: 200 }, () => replicas.use(crowded()))
  const first = await Promise.all(all.map((replica) => replica.ask()))
  expect(new Set(first.map(({ value }) => value))).toEqual(new Set(['token-1']))
  expect(grant.requests).toBe(1)
  for (const replica of all) replica.refuse('token-1')
  const second = await Promise.all(all.map((replica) => replica.ask('refused')))
  expect(new Set(second.map(({ value }) => value))).toEqual(new Set(['token-2']))
  expect(grant.requests).toBe(2)
})

test('the store holds no readable token, and forgets it with its life', async () => {
  await using replica = start()
  grant.statedLife = { ms: 60_000, source: 'expires_in' }
  await replica.ask()
  const text = String(await redis.get(KEY.name))
  expect(text).not.toContain('token-1')
  expect(Buffer.from(text, 'base64').toString('latin1')).not.toContain('token-1')
  expect(await redis.pttl(KEY.name)).toBeGreaterThan(55_000)
  expect(await redis.pttl(KEY.name)).toBeLessThanOrEqual(60_000)
  expect(await redis.keys('*')).toEqual([KEY.name])
})

test('an adopted token has the life that is left of it', async () => {
  await using replica = start()
  const answer = { ...(await grant.request()), statedLife: { ms: 60_000, source: 'jwt' } as const }
  await redis.set(KEY.name, seal({ answer, generation: 1, obtainedAt: Date.now() - 30_000 }, KEY))
  const { statedLife } = await replica.ask()
  expect(statedLife?.source).toBe('jwt')
  expect(statedLife?.ms).toBeLessThanOrEqual(30_000)
  expect(statedLife?.ms).toBeGreaterThan(20_000)
  expect(replica.events).toEqual([expect.objectContaining({ type: 'token-adopted', generation: 1 })])
  expect(grant.requests).toBe(1)
})

test('a token near its end is not adopted, and one from a clock that is ahead is as good as new', async () => {
  await using late = start()
  await using early = start()
  const answer = { ...(await grant.request()), statedLife: { ms: 60_000, source: 'jwt' } as const }
  await redis.set(KEY.name, seal({ answer, generation: 1, obtainedAt: Date.now() + 3_600_000 }, KEY))
  expect(await early.ask()).toEqual(answer)
  await redis.set(KEY.name, seal({ answer, generation: 1, obtainedAt: Date.now() - 50_000 }, KEY))
  expect((await late.ask()).value).toBe('token-2')
})

test('a scheduled refresh adopts what another replica has fetched since, and else fetches for all', async () => {
  await using one = start()
  await using other = start()
  await one.ask()
  await other.ask()
  expect((await one.ask('schedule')).value).toBe('token-2')
  expect((await other.ask('schedule')).value).toBe('token-2')
  expect((await other.ask('schedule')).value).toBe('token-3')
  expect(grant.requests).toBe(3)
})

test('the operator and a new secret get an answer of the endpoint itself', async () => {
  await using one = start()
  await using other = start()
  await one.ask()
  expect((await other.ask('operator')).value).toBe('token-2')
  expect((await other.ask('reload')).value).toBe('token-3')
  expect((await one.ask('schedule')).value).toBe('token-3')
})

test('a refused token is not brought back, by whichever replica it is in the store', async () => {
  await using one = start()
  await using other = start()
  await one.ask()
  await other.ask()
  one.refuse('token-1')
  expect((await one.ask('refused')).value).toBe('token-2')
  // An older entry, put back by whoever can write to the store.
  const answer = { ...(await grant.request()), value: 'token-1' }
  await redis.set(KEY.name, seal({ answer, generation: 1, obtainedAt: Date.now() }, KEY))
  expect((await one.ask('schedule')).value).toBe('token-4')
  expect(await stored()).toMatchObject({ generation: 3, answer: { value: 'token-4' } })
  // The same value under a newer number.
  await redis.set(KEY.name, seal({ answer, generation: 9, obtainedAt: Date.now() }, KEY))
  expect((await one.ask('schedule')).value).toBe('token-5')
})

test('a slow replica does not write over what others have fetched meanwhile', async () => {
  await using slow = start()
  await using fast = start()
  const answered = Promise.withResolvers<undefined>()
  grant.delay = answered.promise
  const late = slow.ask('operator')
  await expect.poll(() => grant.requests).toBe(1)
  grant.delay = Promise.resolve()
  await fast.ask('operator')
  answered.resolve(undefined)
  expect((await late).value).toBe('token-1')
  expect(await stored()).toMatchObject({ answer: { value: 'token-2' } })
})

test('what the endpoint gives out although the API refused it is not passed on', async () => {
  await using replica = start()
  await replica.ask()
  replica.refuse('token-1')
  grant.next = () => 'token-1'
  expect((await replica.ask('refused')).value).toBe('token-1')
  expect(await stored()).toMatchObject({ generation: 1 })
})

test('garbage, the entry of another org and an emptied store are replaced by a token of our own', async () => {
  await using replica = start()
  const other = sealingKey('secret', ['another org'])
  const foreign = seal({ answer: await grant.request(), generation: 99, obtainedAt: Date.now() }, other)
  for (const text of ['garbage', '{}', foreign]) {
    await redis.set(KEY.name, text)
    const { value } = await replica.ask('schedule')
    expect(await stored()).toMatchObject({ answer: { value } })
  }
  await redis.flushall()
  const { value } = await replica.ask('schedule')
  expect(await stored()).toMatchObject({ answer: { value } })
  // A list where a text is expected.
  await redis.del(KEY.name)
  await redis.rpush(KEY.name, 'x')
  await expect(replica.ask('schedule')).resolves.toMatchObject({ value: 'token-6' })
  expect(replica.events).toEqual([{ type: 'store-unavailable', error: 'WRONGTYPE' }])
})

test('a value of 500 MB is not read: the store is reported, and the replica asks for its own token', async () => {
  await redis.setrange(KEY.name, 500_000_000, 'x')
  const sentBytes = async () => Number(/total_net_output_bytes:(\d+)/.exec(await redis.info('stats'))?.[1])
  const before = await sentBytes()
  await using replica = start()
  await expect(replica.ask()).resolves.toMatchObject({ value: 'token-1' })
  expect(replica.events).toEqual([{ type: 'store-unavailable', error: 'VALUE_TOO_LARGE' }])
  expect((await sentBytes()) - before).toBeLessThan(1_000_000)
})

test('replicas of two orgs share a store without a word between them', async () => {
  await using one = start()
  await using other = start(sealingKey('another secret', ['org']))
  expect((await one.ask()).value).toBe('token-1')
  expect((await other.ask()).value).toBe('token-2')
  expect((await one.ask('schedule')).value).toBe('token-3')
})

test('a replica that died with the lease holds the others up for the life of the lease only', async () => {
  await using replica = start()
  const lease = `${KEY.name}:lease`
  await redis.set(lease, 'the dead', 'PX', 700)
  const asked = replica.ask()
  for (;;) {
    const { requests } = grant
    if ((await redis.get(lease)) !== 'the dead') break
    expect(requests).toBe(0)
  }
  expect((await asked).value).toBe('token-1')
  expect(await redis.exists(lease)).toBe(0)
})

test('a failure of the endpoint gives the lease back at once', async () => {
  await using replica = start()
  grant.next = () => {
    throw new Error('no')
  }
  await expect(replica.ask()).rejects.toThrow('no')
  expect(await redis.keys('*')).toEqual([])
})
