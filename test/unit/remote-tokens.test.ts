import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { OAuthError } from '../../src/token/oauth-error.ts'
import { TokenUnavailableError, type AccessToken } from '../../src/token/token-source.ts'
import { readFromWorker, readToWorker, type FromWorker, type ToWorker } from '../../src/workers/messages.ts'
import { RemoteTokens } from '../../src/workers/remote-tokens.ts'
import { TokenDesk } from '../../src/workers/token-desk.ts'
import type { FakeClock } from '../support/fake-clock.ts'
import { answer, failing, hanging, HOUR, KeeperBench, MINUTE, SECOND } from '../support/keeper-bench.ts'

type TokenNews = Extract<ToWorker, { type: 'standing' | 'got' | 'none' }>
type TokenWish = Extract<FromWorker, { type: 'get' | 'reject' }>

/** A worker's tokens, and the way to the keeper: JSON that arrives in order, when the test lets it. */
class Line {
  readonly tokens: RemoteTokens
  readonly asked: TokenWish[] = []
  /** While it is true nothing arrives at the worker. */
  isHeldUp = false
  readonly #late: TokenNews[] = []

  constructor(desk: TokenDesk | undefined, clock: FakeClock) {
    this.tokens = new RemoteTokens({
      clock,
      waitMs: 10 * SECOND,
      send: (wish) => {
        const arrived = readFromWorker(JSON.parse(JSON.stringify(wish)))
        if (arrived?.type !== 'get' && arrived?.type !== 'reject') throw new Error('not understood')
        this.asked.push(arrived)
        desk?.asked(arrived, (news) => {
          this.tell(news)
        })
      },
    })
  }

  tell(news: TokenNews): void {
    this.#late.push(news)
    if (!this.isHeldUp) this.deliver()
  }

  deliver(): void {
    for (const news of this.#late.splice(0)) {
      const arrived = readToWorker(JSON.parse(JSON.stringify(news)))
      if (arrived?.type !== 'standing' && arrived?.type !== 'got' && arrived?.type !== 'none')
        throw new Error('not understood')
      this.tokens.told(arrived)
    }
  }
}

/** A keeper with two workers' tokens on its line, told of each event as the program does. */
function crewOf(options: ConstructorParameters<typeof KeeperBench>[0] = {}) {
  const lines: Line[] = []
  const bench: KeeperBench = new KeeperBench({
    ...options,
    onEvent: (event) => {
      bench.events.push(event)
      for (const line of lines) line.tell({ type: 'standing', standing: desk.standing() })
    },
    isStarted: false,
  })
  const desk = new TokenDesk(bench.keeper)
  const one = new Line(desk, bench.clock)
  const two = new Line(desk, bench.clock)
  lines.push(one, two)
  bench.keeper.start()
  return { bench, desk, one, two, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() }
}

/** The token that is given at once. */
function now(line: Line): AccessToken {
  const token = line.tokens.get()
  if (token instanceof Promise) throw new Error('the caller has to wait')
  return token
}

/** Until the keeper closes, which is nobody's concern. */
function expectToWait(line: Line): void {
  const token = line.tokens.get()
  expect(token).toBeInstanceOf(Promise)
  void Promise.resolve(token).catch(() => undefined)
}

async function failureOf(token: AccessToken | Promise<AccessToken>): Promise<TokenUnavailableError> {
  const error: unknown = await Promise.resolve(token).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof TokenUnavailableError)) throw new Error('no such failure')
  return error
}

describe('with the keeper at the other end', () => {
  test('a caller that comes before the first token waits for it; then it is given at once, in every worker', async () => {
    await using crew = crewOf({
      answering: (_, count) => answer(`token-${count}`, { instanceUrl: 'https://a.example' }),
    })
    const first = await crew.one.tokens.get()
    expect(first).toEqual({
      value: 'token-1',
      fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
      format: 'opaque',
      instanceUrl: 'https://a.example',
      identityUrl: undefined,
      obtainedAt: expect.any(Number) as number,
    })
    expect([now(crew.one), now(crew.two)]).toEqual([first, first])
    expect(crew.two.asked).toEqual([])
    expect(crew.one.tokens.current).toEqual(first)
  })

  test('the death of a session that a thousand callers of two workers report costs one token request, and one question a worker', async () => {
    await using crew = crewOf()
    const dead = await crew.one.tokens.get()
    await crew.bench.clock.advance(10 * MINUTE)
    crew.one.asked.length = 0
    const callers = Array.from({ length: 1000 }, (_, at) => (at % 2 === 0 ? crew.one : crew.two))
    for (const { tokens } of callers) tokens.retire(dead)
    const fresh = await Promise.all(callers.map(({ tokens }) => Promise.resolve(tokens.get())))
    expect(new Set(fresh.map(({ value }) => value))).toEqual(new Set(['token-2']))
    expect(crew.bench.requests).toBe(2)
    expect([crew.one, crew.two].map(({ asked }) => asked.filter(({ type }) => type === 'get').length)).toEqual([1, 1])
    expect(crew.bench.eventsOf('refused')).toHaveLength(1)
  })

  test('what one worker reports, the others no longer send', async () => {
    await using crew = crewOf()
    const dead = await crew.one.tokens.get()
    await crew.bench.clock.advance(MINUTE)
    crew.bench.answering = hanging
    crew.one.tokens.retire(dead)
    expectToWait(crew.two)
    expect(crew.two.tokens.current).toBeUndefined()
  })

  test('a token near its end is asked about first, by the keeper’s rules: it serves where its replacement hangs', async () => {
    await using crew = crewOf()
    const old = await crew.one.tokens.get()
    crew.bench.answering = hanging
    // A suspended machine's night.
    crew.bench.clock.set(crew.bench.clock.now() + 8 * HOUR)
    const waiting = crew.one.tokens.get()
    expect(waiting).toBeInstanceOf(Promise)
    expect(await crew.bench.clock.until(Promise.resolve(waiting), 10 * SECOND)).toEqual(old)
    // The keeper waits no second time while that attempt hangs, and neither do the worker's callers.
    expect(now(crew.one)).toEqual(old)
  })

  test('why there is no token is told in the very words, with the cause', async () => {
    await using crew = crewOf({ answering: failing('permanent', 'invalid_client', 'invalid client credentials') })
    await crew.bench.clock.advance(0)
    const direct = await failureOf(crew.bench.keeper.get())
    const remote = await failureOf(crew.one.tokens.get())
    expect(remote.reason).toBe(direct.reason)
    expect(remote.retryAfterSeconds).toBe(direct.retryAfterSeconds)
    expect(remote.cause).toEqual(direct.cause)
    expect(remote.cause).toBeInstanceOf(OAuthError)
  })

  test('TOKEN_WAIT_MS holds: who waits for an endpoint that hangs is told so when it is over', async () => {
    await using crew = crewOf({ answering: hanging })
    await crew.bench.clock.advance(0)
    const began = crew.bench.clock.monotonic()
    const failure = failureOf(crew.one.tokens.get())
    await crew.bench.clock.until(failure, 10 * SECOND)
    expect((await failure).reason).toMatch(/^The first access token is still being obtained\./)
    expect(crew.bench.clock.monotonic() - began).toBe(10 * SECOND)
    expect((await failure).cause).toBeUndefined()
  })

  test('a refresh reaches the workers though nobody asks', async () => {
    await using crew = crewOf()
    await crew.one.tokens.get()
    await crew.bench.clock.advance(6000 * SECOND)
    expect(crew.bench.requests).toBe(2)
    expect([now(crew.one).value, now(crew.two).value]).toEqual(['token-2', 'token-2'])
  })

  test('a token that comes back after a refusal is held again once the keeper vouches for it', async () => {
    await using crew = crewOf({ answering: () => answer('the-same') })
    const same = await crew.one.tokens.get()
    await crew.bench.clock.advance(10 * MINUTE)
    crew.one.tokens.retire(same)
    crew.bench.health = 'alive'
    await crew.bench.clock.advance(10 * MINUTE)
    expect(now(crew.one).value).toBe('the-same')
  })
})

describe('on a slow line', () => {
  test('a token that was reported is not held again by news from before the report', async () => {
    await using crew = crewOf()
    const dead = await crew.one.tokens.get()
    await crew.bench.clock.advance(MINUTE)
    crew.one.isHeldUp = true
    // On its way when the worker learns that it is dead.
    crew.one.tell({ type: 'standing', standing: crew.desk.standing() })
    crew.bench.answering = hanging
    crew.one.tokens.retire(dead)
    crew.one.deliver()
    expectToWait(crew.one)
  })

  test('a caller after a report is not given what was asked for before it', async () => {
    await using crew = crewOf()
    const dead = await crew.one.tokens.get()
    crew.bench.clock.set(crew.bench.clock.now() + 8 * HOUR)
    crew.one.isHeldUp = true
    const early = Promise.resolve(crew.one.tokens.get())
    crew.one.tokens.retire(dead)
    const late = Promise.resolve(crew.one.tokens.get())
    expect(crew.one.asked.map(({ type }) => type)).toEqual(['get', 'get', 'reject', 'get'])
    await crew.bench.clock.advance(0)
    crew.one.deliver()
    expect(await late).not.toEqual(dead)
    await early
  })

  test('callers that come a while after each other each have their own wait', async () => {
    await using crew = crewOf({ answering: hanging })
    await crew.bench.clock.advance(0)
    const failures = [failureOf(crew.one.tokens.get())]
    await crew.bench.clock.advance(5)
    failures.push(failureOf(crew.one.tokens.get()))
    await crew.bench.clock.advance(5)
    failures.push(failureOf(crew.one.tokens.get()))
    expect(crew.one.asked).toEqual([
      { type: 'get', id: 1 },
      { type: 'get', id: 2 },
    ])
    await crew.bench.clock.advance(20 * SECOND)
    await Promise.all(failures)
  })
})

describe('with nobody at the other end', () => {
  test('a primary that hangs holds nobody up for much longer than TOKEN_WAIT_MS', async () => {
    await using bench = new KeeperBench()
    const line = new Line(undefined, bench.clock)
    const failure = failureOf(line.tokens.get())
    await bench.clock.until(failure, 15 * SECOND)
    expect(bench.clock.monotonic()).toBe(15 * SECOND)
    // Too late is not heard.
    line.tell({ type: 'none', id: 1, reason: 'late', retryAfterSeconds: 1 })
    expect((await failure).reason).not.toBe('late')
  })

  test('closing ends every wait, and there is none after it', async () => {
    await using bench = new KeeperBench()
    const line = new Line(undefined, bench.clock)
    const waiting = failureOf(line.tokens.get())
    line.tokens.close()
    expect((await waiting).retryAfterSeconds).toBe(1)
    await bench.clock.advance(SECOND)
    expect((await failureOf(line.tokens.get())).retryAfterSeconds).toBe(1)
  })

  test('a mistake of the keeper’s is no answer: it ends the process', async () => {
    const mistakes: unknown[] = []
    const desk = new TokenDesk({
      get: () => Promise.reject(new TypeError('a mistake')),
      retire: () => undefined,
      standing: () => undefined,
    })
    const listener = (error: unknown) => mistakes.push(error)
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', listener)
    try {
      desk.asked({ type: 'get', id: 1 }, () => undefined)
      while (mistakes.length === 0) await setImmediate()
    } finally {
      process.removeAllListeners('unhandledRejection')
      for (const other of others) process.on('unhandledRejection', other)
    }
    expect(mistakes).toEqual([new TypeError('a mistake')])
  })
})

describe('what is no message is not read', () => {
  test.each([
    ['nothing', undefined],
    ['a text', 'hello'],
    ['no type', {}],
    ['another type', { type: 'toString' }],
    ['a type that is no text', { type: 1 }],
    ['a hello without a version', { type: 'hello' }],
    ['a question without a number', { type: 'get', id: -1 }],
    ['a token without a value', { type: 'reject', token: { value: '' } }],
  ])('%s', (_, message) => {
    expect(readFromWorker(message)).toBeUndefined()
    expect(readToWorker(message)).toBeUndefined()
  })
})
