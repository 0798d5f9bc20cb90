import { Agent } from 'undici'
import { describe, expect, test } from 'vitest'
import { SessionConfirmation, type ConfirmationEvent } from '../../src/upstream/session-confirmation.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startOriginServer, type Answer } from '../support/origin-server.ts'

const DEAD = JSON.stringify([{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])

function tokenOf(value: string) {
  return {
    value,
    fingerprint: `print-of-${value}`,
    format: 'opaque',
    instanceUrl: undefined,
    identityUrl: undefined,
    obtainedAt: 0,
  } as const
}

const token = tokenOf('00D!1')

/** `gate` holds the org's answers back until it is opened. */
async function setUp(answer: Answer = (_request, response) => void response.end('{}')) {
  const org = await startOriginServer(answer)
  const agent = new Agent()
  const clock = new FakeClock()
  const events: ConfirmationEvent[] = []
  const confirmation = new SessionConfirmation({
    dispatch: agent.dispatch.bind(agent),
    originFor: () => org.url,
    clock,
    onEvent: (event) => events.push(event),
  })
  return {
    org,
    clock,
    events,
    confirmation,
    check: (sentAt = confirmation.tick(), target = 'GET /services/data/v62.0/query/01g', caller?: string) =>
      confirmation.check({ token, sentAt, caller, target }),
    async [Symbol.asyncDispose]() {
      await agent.destroy()
      await org[Symbol.asyncDispose]()
    },
  }
}

const dead: Answer = (_request, response) => void response.writeHead(401).end(DEAD)

describe('a confirmation', () => {
  test('without an answer in ten seconds leaves the token as it is, and is reported', async () => {
    await using parts = await setUp((request) => void request.resume())
    const health = parts.check()
    await parts.org.arrived(1)
    await parts.clock.advance(10_000)
    expect(await health).toBe('unknown')
    expect(parts.events).toEqual([
      { type: 'session-confirmed', health: 'unknown', fingerprint: 'print-of-00D!1', status: undefined },
    ])
  })

  test('that gets no connection in time is ended when it gets one', async () => {
    const aborted: string[] = []
    const clock = new FakeClock()
    const begin: ((controller: { abort(reason: Error): void }) => void)[] = []
    const confirmation = new SessionConfirmation({
      dispatch: (_options, handler) => {
        begin.push((controller) => handler.onRequestStart?.(controller as never, null))
        return true
      },
      originFor: () => 'https://org.invalid',
      clock,
      onEvent: () => undefined,
    })
    const health = confirmation.checkNow(token)
    await clock.advance(10_000)
    expect(await health).toBe('unknown')
    begin[0]?.({ abort: ({ message }) => void aborted.push(message) })
    expect(aborted).toHaveLength(1)
  })

  test('carries the token and nothing of the caller, and is repeated where an idle connection broke', async () => {
    let asked = 0
    await using parts = await setUp((_request, response) => {
      asked += 1
      if (asked === 1) response.socket?.destroy()
      else response.end('{}')
    })
    expect(await parts.check()).toBe('alive')
    expect(asked).toBe(2)
    const [request] = parts.org.requests
    expect(request).toMatchObject({ method: 'GET', target: '/services/data/v62.0/limits' })
    expect(request?.headers).toMatchObject({ authorization: 'Bearer 00D!1' })
  })

  test('is shared by everyone who suspects the same token before it is sent', async () => {
    await using parts = await setUp()
    const all = await Promise.all(Array.from({ length: 50 }, (_, n) => parts.check(0, `GET /${n}`)))
    expect(new Set(all)).toEqual(new Set(['alive']))
    expect(parts.org.requests).toHaveLength(1)
  })

  test('speaks for no refusal that comes after it', async () => {
    await using parts = await setUp()
    const early = parts.confirmation.tick()
    expect(await parts.check()).toBe('alive')
    await parts.clock.advance(100)
    // Sent before the confirmation, but the org may have looked at its session after that.
    expect(await parts.check(early)).toBe('alive')
    expect(parts.org.requests).toHaveLength(2)
  })

  test('under way is waited for by a refusal that comes meanwhile, which then asks once more, unless the token is dead', async () => {
    for (const [answer, requests] of [
      [undefined, 2],
      [dead, 1],
    ] as const) {
      const gate = Promise.withResolvers<undefined>()
      await using parts = await setUp((request, response) => {
        void gate.promise.then(() => {
          if (answer === undefined) response.end('{}')
          else answer(request, response)
        })
      })
      const first = parts.check()
      await parts.org.arrived(1)
      await parts.clock.advance(150)
      const later = [parts.check(), parts.check()]
      gate.resolve(undefined)
      const healths = new Set([await first, ...(await Promise.all(later))])
      expect(healths).toEqual(new Set([answer === undefined ? 'alive' : 'dead']))
      expect(parts.org.requests).toHaveLength(requests)
    }
  })

  test('is not trusted, and neither is a success, where the request was sent before the refusal came', async () => {
    await using parts = await setUp(dead)
    const [first, second] = [parts.confirmation.tick(), parts.confirmation.tick()]
    parts.confirmation.accepted(token, second)
    parts.confirmation.accepted(token, first)
    expect(await parts.check(first)).toBe('dead')
    expect(parts.org.requests).toHaveLength(1)
    expect([parts.confirmation.hasWorked(token), parts.confirmation.hasWorked(tokenOf('other'))]).toEqual([true, false])
  })

  test('that hangs is not waited for where the API accepts the same token meanwhile', async () => {
    await using parts = await setUp((request) => void request.resume())
    const health = parts.check()
    await parts.org.arrived(1)
    parts.confirmation.accepted(token, parts.confirmation.tick())
    expect(await health).toBe('alive')
  })

  test('of a dead token holds for all that was sent before, and is asked again for what is sent after', async () => {
    let isDead = true
    await using parts = await setUp((request, response) => {
      if (isDead) dead(request, response)
      else response.end('{}')
    })
    const [first, second] = [parts.confirmation.tick(), parts.confirmation.tick()]
    expect([await parts.check(second), await parts.check(first)]).toEqual(['dead', 'dead'])
    expect(parts.org.requests).toHaveLength(1)
    isDead = false
    await parts.clock.advance(100)
    expect(await parts.check()).toBe('alive')
  })

  test('remembers a bounded number of tokens', async () => {
    await using parts = await setUp()
    parts.confirmation.accepted(token, 1)
    for (let n = 0; n < 32; n++) parts.confirmation.accepted(tokenOf(`other-${n}`), 1)
    expect(parts.confirmation.hasWorked(token)).toBe(false)
  })
})

describe('a client that keeps asking for what it does not get', () => {
  /** One refused request after the other, each sent after the last confirmation. */
  async function ask(parts: Awaited<ReturnType<typeof setUp>>, times: number, target: string, caller?: string) {
    for (let n = 0; n < times; n++) {
      await parts.clock.advance(100)
      await parts.check(undefined, target, caller)
    }
  }

  test('causes ten confirmations in a row, then one a second, and others are not affected', async () => {
    await using parts = await setUp()
    const { clock, org } = parts
    await ask(parts, 10, 'GET /cursor')
    await ask(parts, 1, 'GET /cursor', 'another caller')
    await ask(parts, 1, 'GET /other')
    expect(org.requests).toHaveLength(12)
    await clock.advance(100)
    // 1.2 of the ten have come back meanwhile.
    await ask(parts, 1, 'GET /cursor')
    expect(org.requests).toHaveLength(13)
    await clock.advance(100)
    const next = parts.check(undefined, 'GET /cursor')
    await clock.advance(500)
    expect(org.requests).toHaveLength(13)
    await clock.advance(300)
    expect([await next, org.requests.length]).toEqual(['alive', 14])
    await clock.advance(100)
    // A later success of anyone's speaks for a request that waits for its turn.
    const last = parts.check(undefined, 'GET /cursor')
    parts.confirmation.accepted(token, parts.confirmation.tick())
    expect([await last, org.requests.length]).toEqual(['alive', 14])
  })

  test('that is refused together with others shares the next confirmation with them', async () => {
    await using parts = await setUp()
    await parts.clock.advance(100)
    expect(await parts.check()).toBe('alive')
    await parts.clock.advance(1)
    const together = Promise.all(Array.from({ length: 20 }, (_, n) => parts.check(undefined, `GET /${n}`)))
    await parts.clock.advance(100)
    expect(new Set(await together)).toEqual(new Set(['alive']))
    expect(parts.org.requests).toHaveLength(2)
  })

  test('is found out at once where the token is really dead: such confirmations do not count', async () => {
    await using parts = await setUp(dead)
    await ask(parts, 30, 'GET /limits')
    expect(parts.org.requests).toHaveLength(30)
  })

  test('is forgotten in the end', async () => {
    await using parts = await setUp((_request, response) => void response.writeHead(503).end())
    await ask(parts, 10, 'GET /cursor')
    for (let n = 0; n < 1000; n++) await ask(parts, 1, `GET /${n}`)
    const requests = parts.org.requests.length
    await ask(parts, 1, 'GET /cursor')
    expect(parts.org.requests).toHaveLength(requests + 1)
  })
})
