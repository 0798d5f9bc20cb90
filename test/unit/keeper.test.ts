import { expect, test } from 'vitest'
import { createTokenKeeper } from '../../src/token/keeper.ts'
import { OAuthError } from '../../src/token/oauth-error.ts'
import type { AccessToken } from '../../src/token/token-source.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { answer, failing, hanging, HOUR, KeeperBench, MINUTE, SECOND } from '../support/keeper-bench.ts'

/** The token that `get` gives at once: a promise would mean that the caller waits. */
function getNow({ keeper }: KeeperBench): AccessToken {
  const token = keeper.get()
  if (token instanceof Promise) throw new Error('the caller has to wait')
  return token
}

test('a caller that comes before the first token waits for it', async () => {
  await using bench = new KeeperBench()
  expect(bench.keeper.get()).toBeInstanceOf(Promise)
  expect((await bench.keeper.get()).value).toBe('token-1')
  expect(getNow(bench).value).toBe('token-1')
})

test('callers that wait share one token request', async () => {
  await using bench = new KeeperBench()
  const tokens = await Promise.all(Array.from({ length: 100 }, () => Promise.resolve(bench.keeper.get())))
  expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(['token-1']))
  expect(bench.requests).toBe(1)
})

test('starting twice keeps one loop', async () => {
  await using bench = new KeeperBench()
  bench.keeper.start()
  await bench.keeper.get()
  await bench.clock.advance(6000 * SECOND)
  expect(bench.requests).toBe(2)
})

test('a token is replaced at 80 % of its life while callers are served at once', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  await bench.clock.advance(5759 * SECOND)
  expect(bench.requests).toBe(1)
  bench.answering = hanging
  await bench.clock.advance(SECOND)
  expect(bench.requests).toBe(2)
  expect(getNow(bench).value).toBe('token-1')
})

test('lives of a minute work', async () => {
  await using bench = new KeeperBench({
    requestsPerHour: 100,
    answering: (_, count) => answer(`token-${count}`, { statedLife: { ms: MINUTE, source: 'expires_in' } }),
  })
  await bench.keeper.get()
  await bench.clock.advance(HOUR)
  expect(bench.requests).toBe(76)
  expect(getNow(bench).value).toBe('token-76')
})

test('a life of a second makes no hot loop', async () => {
  await using bench = new KeeperBench({
    requestsPerHour: 1000,
    answering: (_, count) => answer(`token-${count}`, { statedLife: { ms: SECOND, source: 'expires_in' } }),
  })
  await bench.keeper.get()
  await bench.clock.advance(HOUR)
  expect(bench.requests).toBe(361)
})

test('an answer with the token already held is no failure, serves on, and spaces the next attempts out', async () => {
  await using bench = new KeeperBench({ answering: () => answer('the-same') })
  await bench.keeper.get()
  await bench.clock.advance(5760 * SECOND + 32 * MINUTE)
  const gaps = bench.requestedAt.slice(1).map((at, index) => (at - (bench.requestedAt[index] ?? 0)) / MINUTE)
  expect(gaps).toEqual([96, 1, 2, 4, 8, 15])
  expect(getNow(bench).value).toBe('the-same')
  expect(bench.eventsOf('failed')).toEqual([])
  expect(bench.eventsOf('unchanged')).toHaveLength(6)
})

test('a token past its assumed life serves without a wait for as long as the endpoint confirms it', async () => {
  await using bench = new KeeperBench({ answering: () => answer('the-same') })
  await bench.keeper.get()
  for (let quarter = 0; quarter < 96; quarter++) {
    await bench.clock.advance(15 * MINUTE)
    expect(getNow(bench).value).toBe('the-same')
  }
  expect(bench.keeper.status().token?.lifeLeftSeconds).toBeLessThan(0)
})

test('concurrent and staggered refusals of one token cost one token request', async () => {
  await using bench = new KeeperBench()
  const dead = await bench.keeper.get()
  for (let caller = 0; caller < 10; caller++) bench.keeper.retire(dead)
  expect((await bench.keeper.get()).value).toBe('token-2')
  for (let caller = 0; caller < 10; caller++) {
    bench.keeper.retire(dead)
    await bench.clock.advance(SECOND)
  }
  expect(getNow(bench).value).toBe('token-2')
  expect(bench.requests).toBe(2)
  expect(bench.eventsOf('refused')).toHaveLength(1)
})

test('a token that dies is replaced at once, even the tenth in ten minutes', async () => {
  await using bench = new KeeperBench()
  for (let death = 1; death <= 10; death++) {
    bench.keeper.retire(await bench.keeper.get())
    const before = bench.clock.monotonic()
    expect((await bench.keeper.get()).value).toBe(`token-${death + 1}`)
    expect(bench.clock.monotonic()).toBe(before)
    await bench.clock.advance(MINUTE)
  }
  expect(bench.requests).toBe(11)
  expect(bench.eventsOf('failed')).toEqual([])
})

test('sessions of seconds are replaced as fast as they end, for as long as the budget lasts', async () => {
  await using bench = new KeeperBench({ requestsPerHour: 200 })
  for (let second = 0; second < 180; second++) {
    bench.keeper.retire(await bench.keeper.get())
    await bench.clock.advance(2 * SECOND)
  }
  expect(bench.requests).toBe(181)
})

test('tokens that serve before they die are replaced at once, however short they live', async () => {
  await using bench = new KeeperBench({ requestsPerHour: 1000 })
  bench.hasWorked = true
  for (let death = 0; death < 200; death++) {
    bench.keeper.retire(await bench.keeper.get())
    await bench.clock.advance(100)
  }
  expect(bench.requests).toBe(201)
})

test('more than ten tokens in a row that die at birth are replaced ever more slowly, and callers read why', async () => {
  await using bench = new KeeperBench({ requestsPerHour: 1000 })
  for (let round = 0; round < 600; round++) {
    const token = bench.keeper.get()
    if (token instanceof Promise) token.then(bench.keeper.retire.bind(bench.keeper), () => undefined)
    else bench.keeper.retire(token)
    await bench.clock.advance(100)
  }
  expect(bench.requests).toBeGreaterThanOrEqual(11)
  expect(bench.requests).toBeLessThan(20)
  expect(bench.keeper.status().pause?.reason).toMatch(
    /^The last \d+ sessions ended as soon as they had begun, before they served any request\.$/,
  )
})

test('an early death is worth a warning, the natural end of short sessions is not', async () => {
  await using bench = new KeeperBench()
  for (let death = 0; death < 6; death++) {
    const token = await bench.keeper.get()
    await bench.clock.advance(death === 4 ? SECOND * 2 : SECOND * 20)
    bench.keeper.retire(token)
  }
  expect(bench.eventsOf('refused').map(({ isEarly }) => isEarly)).toEqual([true, false, false, false, true, false])
})

test('a death ends the pause after a failure', async () => {
  for (const kind of ['permanent', 'rate-limited'] as const) {
    await using bench = new KeeperBench()
    const token = await bench.keeper.get()
    bench.answering = failing(kind, 'invalid_client')
    await bench.clock.advance(5760 * SECOND)
    expect(bench.keeper.status().state).toBe('degraded')
    bench.keeper.retire(token)
    await bench.clock.advance(0)
    expect(bench.requests).toBe(3)
  }
})

test('a token that comes back after its refusal is a failure with a message of its own', async () => {
  await using bench = new KeeperBench({ answering: () => answer('the-same') })
  bench.keeper.retire(await bench.keeper.get())
  const refusal = bench.keeper.get()
  const outcome = expect(refusal).rejects.toMatchObject({
    name: 'TokenUnavailableError',
    reason: expect.stringMatching(
      /^The login host keeps returning a token that Cloudaware itself reports as ended\. Waiting since .+Z for .+, until .+Z\. End the session/,
    ) as string,
  })
  await bench.clock.advance(10 * SECOND)
  await outcome
  expect(bench.eventsOf('failed')[0]?.diagnosis.code).toBe('refused-token-reissued')
})

test('a refused token is not served when the endpoint gives it again much later', async () => {
  await using bench = new KeeperBench({ answering: (_, count) => answer(count === 3 ? 'token-1' : `token-${count}`) })
  bench.keeper.retire(await bench.keeper.get())
  expect((await bench.keeper.get()).value).toBe('token-2')
  await bench.clock.advance(5760 * SECOND)
  expect(getNow(bench).value).toBe('token-2')
  expect(bench.eventsOf('failed')).toHaveLength(1)
})

test('the memory of refused tokens has an end', async () => {
  await using bench = new KeeperBench({ requestsPerHour: 1000 })
  const first = await bench.keeper.get()
  for (let round = 0; round < 40; round++) {
    bench.keeper.retire({ ...first, value: `foreign-${round}` })
  }
  bench.keeper.retire(first)
  bench.answering = () => answer('foreign-0')
  expect((await bench.keeper.get()).value).toBe('foreign-0')
})

test('a token refused before its assumed end shortens what is assumed of the next ones, for a day', async () => {
  await using bench = new KeeperBench()
  const first = await bench.keeper.get()
  await bench.clock.advance(30 * MINUTE)
  bench.keeper.retire(first)
  expect(bench.eventsOf('life-learned')).toEqual([{ type: 'life-learned', lifeSeconds: 1800 }])
  await bench.keeper.get()
  expect(bench.keeper.status().token).toMatchObject({ lifeSource: 'learned', lifeLeftSeconds: 1800 })
  await bench.clock.advance(25 * HOUR)
  expect(bench.keeper.status().token?.lifeSource).toBe('configured')
})

test('transient failures are retried while the old token serves on', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  bench.answering = failing('transient')
  await bench.clock.advance(3 * HOUR)
  expect(getNow(bench).value).toBe('token-1')
  expect(bench.keeper.status()).toMatchObject({
    state: 'degraded',
    failure: { kind: 'transient', error: 'server_error' },
  })
  expect(bench.eventsOf('failed').filter(({ loud }) => loud)).toHaveLength(1)
  bench.answering = () => answer('new')
  await bench.clock.advance(HOUR)
  expect(getNow(bench).value).toBe('new')
  expect(bench.keeper.status()).toMatchObject({ state: 'ready', failure: null })
})

test('a start that fails for good stays up, says why at once, and mends itself', async () => {
  await using bench = new KeeperBench({
    answering: failing('permanent', 'invalid_grant', 'no client credentials user enabled'),
  })
  await expect(bench.keeper.get()).rejects.toMatchObject({
    reason: expect.stringMatching(
      /^The app has no Run As user\. Waiting since .+Z for the next token request, until .+Z\. Steps 13 to 15/,
    ) as string,
    retryAfterSeconds: 60,
  })
  expect(bench.keeper.status()).toMatchObject({
    state: 'unavailable',
    token: null,
    nextRefreshInSeconds: 60,
    failure: { error: 'invalid_grant', diagnosis: { code: 'run-as-user-missing' } },
  })
  bench.answering = () => answer('at last')
  await bench.clock.advance(MINUTE)
  expect(getNow(bench).value).toBe('at last')
  expect(bench.eventsOf('obtained')[0]?.afterFailures).toBe(1)
})

test('a rate limit is waited out for an hour, unless the operator asks', async () => {
  await using bench = new KeeperBench({ answering: failing('rate-limited', 'rate_limit_exceeded') })
  await expect(bench.keeper.get()).rejects.toMatchObject({ retryAfterSeconds: 3600 })
  await bench.clock.advance(59 * MINUTE)
  expect(bench.requests).toBe(1)
  bench.answering = () => answer('at last')
  await bench.keeper.refresh()
  expect(getNow(bench).value).toBe('at last')
})

test('a caller waits no longer than it may, and hears that the token is still being obtained', async () => {
  await using bench = new KeeperBench({ answering: hanging })
  const waiting = expect(bench.keeper.get()).rejects.toMatchObject({
    reason: expect.stringMatching(
      /^The first access token is still being obtained\. Waiting since .+Z for the login host's answer, until .+Z\./,
    ) as string,
    retryAfterSeconds: 1,
  })
  await bench.clock.advance(10 * SECOND)
  await waiting
})

test('a token request that hangs is ended after thirty seconds', async () => {
  await using bench = new KeeperBench({ answering: hanging })
  await bench.clock.advance(30 * SECOND)
  expect(bench.eventsOf('failed')).toMatchObject([{ error: 'timeout', kind: 'transient' }])
})

test('a grant that fails in an unforeseen way is a transient failure', async () => {
  await using bench = new KeeperBench({
    answering: () => {
      throw new TypeError('what a surprise')
    },
  })
  await bench.clock.advance(0)
  expect(bench.eventsOf('failed')).toMatchObject([{ error: 'TypeError', description: '', kind: 'transient' }])
})

test('a network failure has no HTTP status to show', async () => {
  await using bench = new KeeperBench({
    answering: () => {
      throw new OAuthError({ kind: 'transient', error: 'ENOTFOUND' })
    },
  })
  await bench.clock.advance(0)
  expect(bench.keeper.status().failure).toMatchObject({ status: null, diagnosis: { code: 'host-unknown' } })
})

test('a keeper does without a listener, and has its own dice', async () => {
  const clock = new FakeClock()
  const request = () => Promise.resolve(answer('token'))
  const grant = { name: 'jwt_bearer', request } as const
  const confirm = () => Promise.resolve('dead' as const)
  const keeper = createTokenKeeper({
    grant,
    clock,
    confirm,
    hasWorked: () => false,
    waitMs: 1,
    lifetimeSeconds: 7200,
    requestsPerHour: 60,
  })
  keeper.start()
  expect((await keeper.get()).value).toBe('token')
  expect(keeper.status().nextRefreshInSeconds).toBeGreaterThanOrEqual(5400)
  expect(keeper.status().nextRefreshInSeconds).toBeLessThanOrEqual(5760)
  await keeper.close()
})

test('a machine that slept all night replaces the token on the first request', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  bench.clock.set(bench.clock.now() + 8 * HOUR)
  expect((await bench.keeper.get()).value).toBe('token-2')
})

test('after a night without network the old token is tried, since nobody has proved it dead', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  bench.clock.set(bench.clock.now() + 8 * HOUR)
  bench.answering = failing('transient', 'ENOTFOUND')
  expect((await bench.keeper.get()).value).toBe('token-1')
  expect(getNow(bench).value).toBe('token-1')
})

test('while an overdue token request hangs, the first caller waits its time and the next ones do not', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  bench.clock.set(bench.clock.now() + 8 * HOUR)
  bench.answering = hanging
  const first = bench.keeper.get()
  await bench.clock.advance(10 * SECOND)
  expect((await first).value).toBe('token-1')
  expect(getNow(bench).value).toBe('token-1')
})

test('ten seconds before the end callers begin to wait for the replacement', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  const obtainedAt = bench.clock.now()
  bench.clock.set(obtainedAt + 7189 * SECOND)
  expect(getNow(bench).value).toBe('token-1')
  bench.clock.set(obtainedAt + 7190 * SECOND)
  expect((await bench.keeper.get()).value).toBe('token-2')
})

test('a clock set back by hours does not stretch a token', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  bench.clock.set(bench.clock.now() - 8 * HOUR)
  expect(getNow(bench).value).toBe('token-1')
  await bench.clock.advance(5760 * SECOND)
  expect(getNow(bench).value).toBe('token-2')
})

test('a clock set forward costs one token request and nothing more', async () => {
  await using bench = new KeeperBench({ answering: () => answer('the-same') })
  await bench.keeper.get()
  bench.clock.set(bench.clock.now() + 8 * HOUR)
  expect((await bench.keeper.get()).value).toBe('the-same')
  expect(getNow(bench).value).toBe('the-same')
  expect(bench.requests).toBe(2)
})

test('the budget holds a request back and says so, whatever the wall clock does', async () => {
  await using bench = new KeeperBench({ requestsPerHour: 1 })
  bench.keeper.retire(await bench.keeper.get())
  await expect(bench.keeper.get()).rejects.toMatchObject({
    reason: expect.stringMatching(
      /^All 1 token requests that TOKEN_REQUESTS_PER_HOUR allows were made within the last hour\. Waiting since .+Z for the hourly budget .+, until .+Z\. Find out/,
    ) as string,
    retryAfterSeconds: 3600,
  })
  expect(bench.eventsOf('held-back')).toMatchObject([{ reason: 'refused', requestsPerHour: 1, resumesInSeconds: 3600 }])
  expect(bench.keeper.status()).toMatchObject({ state: 'unavailable', budget: { limit: 1, used: 1, isHeldBack: true } })
  bench.clock.set(bench.clock.now() + 8 * HOUR)
  await expect(bench.keeper.get()).rejects.toThrow()
  expect(bench.requests).toBe(1)
  await bench.clock.advance(HOUR)
  expect(getNow(bench).value).toBe('token-2')
  expect(bench.keeper.status().budget.isHeldBack).toBe(false)
})

test('the operator gets a new token, or the reason why there is none', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  await bench.clock.advance(MINUTE)
  await bench.keeper.refresh()
  expect(getNow(bench).value).toBe('token-2')
  bench.answering = failing('permanent', 'invalid_client')
  await bench.clock.advance(MINUTE)
  await expect(bench.keeper.refresh()).rejects.toMatchObject({
    reason: expect.stringMatching(/^The org refuses the Consumer Secret\. Waiting since/) as string,
  })
  expect(getNow(bench).value).toBe('token-2')
})

test('an operator in a loop costs one token request in five seconds', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  for (let second = 0; second < 20; second++) {
    void bench.keeper.refresh().catch(() => undefined)
    await bench.clock.advance(SECOND)
  }
  expect(bench.requests).toBeLessThanOrEqual(5)
})

test('a demand during a token request is met by the next one', async () => {
  await using bench = new KeeperBench({ answering: hanging })
  bench.keeper.reload()
  const refreshed = bench.keeper.refresh()
  await bench.clock.advance(0)
  bench.keeper.reload()
  bench.answering = () => answer('of the new secret')
  const outcome = expect(refreshed).rejects.toMatchObject({ name: 'TokenUnavailableError' })
  await bench.clock.advance(30 * SECOND)
  await outcome
  expect(getNow(bench).value).toBe('of the new secret')
  expect(bench.requests).toBe(2)
})

test('a new secret is tried at once while the old token serves, and status names the one that is refused', async () => {
  await using bench = new KeeperBench()
  await bench.keeper.get()
  await bench.clock.advance(MINUTE)
  bench.answering = () => {
    throw new OAuthError({
      kind: 'permanent',
      error: 'invalid_client',
      status: 400,
      secret: { name: 'CLOUDAWARE_CLIENT_SECRET_FILE (/run/secret)', fingerprint: '0badcafe' },
    })
  }
  bench.keeper.reload()
  await bench.clock.advance(0)
  expect(getNow(bench).value).toBe('token-1')
  expect(bench.eventsOf('requested').at(-1)?.reason).toBe('reload')
  expect(bench.keeper.status()).toMatchObject({
    state: 'degraded',
    failure: {
      secret: { name: 'CLOUDAWARE_CLIENT_SECRET_FILE (/run/secret)', fingerprint: '0badcafe' },
      diagnosis: { code: 'consumer-secret-refused' },
    },
  })
  bench.answering = () => answer('of the right secret')
  bench.keeper.reload()
  await bench.clock.advance(5 * SECOND)
  expect(getNow(bench).value).toBe('of the right secret')
})

test('an instance_url that is not trusted is reported once, and the token is used on the configured host', async () => {
  await using bench = new KeeperBench({
    answering: (_, count) => answer(`token-${count}`, { refusedInstanceUrl: 'https://evil.example' }),
  })
  await bench.keeper.get()
  await bench.clock.advance(2 * HOUR)
  expect(bench.requests).toBe(2)
  expect(getNow(bench).instanceUrl).toBeUndefined()
  expect(bench.eventsOf('instance-url-refused')).toEqual([
    { type: 'instance-url-refused', instanceUrl: 'https://evil.example' },
  ])
  expect(bench.keeper.status().refusedInstanceUrl).toBe('https://evil.example')
})

test('the same token is used where the last answer says, if it says', async () => {
  await using bench = new KeeperBench({
    answering: (_, count) =>
      answer(
        'the-same',
        count === 3 ? {} : { instanceUrl: `https://host-${count}`, identityUrl: `https://id-${count}` },
      ),
  })
  expect(await bench.keeper.get()).toMatchObject({ instanceUrl: 'https://host-1', identityUrl: 'https://id-1' })
  for (let refresh = 0; refresh < 2; refresh++) {
    await bench.clock.advance(5 * SECOND)
    await bench.keeper.refresh()
    expect(bench.keeper.get()).toMatchObject({ instanceUrl: 'https://host-2', identityUrl: 'https://id-2' })
  }
  expect(bench.requests).toBe(3)
})

test('closing ends the loop, the request and every wait, and what is held can still be had', async () => {
  const bench = new KeeperBench({ answering: hanging })
  const waiting = expect(bench.keeper.get()).rejects.toMatchObject({ name: 'TokenUnavailableError' })
  await bench.clock.advance(SECOND)
  await bench.keeper.close()
  await waiting
  expect(bench.clock.sleepers).toBe(0)
  expect(bench.events.map(({ type }) => type)).toEqual(['requested'])

  const second = new KeeperBench()
  await second.keeper.get()
  await second.keeper.close()
  expect(getNow(second).value).toBe('token-1')
  expect(second.clock.sleepers).toBe(0)
})

test('a keeper that was never started turns callers away in time, and closes', async () => {
  await using bench = new KeeperBench({ isStarted: false })
  expect(bench.keeper.status()).toMatchObject({ state: 'starting', token: null, failure: null })
  const waiting = expect(bench.keeper.get()).rejects.toMatchObject({ name: 'TokenUnavailableError' })
  await bench.clock.advance(10 * SECOND)
  await waiting
})

test('status and events show fingerprints, never a token', async () => {
  await using bench = new KeeperBench({ answering: (_, count) => answer(`00Dsecret!value-${count}`) })
  const token = await bench.keeper.get()
  bench.keeper.retire(token)
  await bench.keeper.get()
  const shown = JSON.stringify([bench.events, bench.keeper.status()])
  expect(shown).not.toContain('00Dsecret')
  expect(shown).toContain(token.fingerprint)
})
