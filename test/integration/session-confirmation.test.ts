import { Agent } from 'undici'
import { describe, expect, test } from 'vitest'
import { SessionConfirmation } from '../../src/upstream/session-confirmation.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startOriginServer, type Answer } from '../support/origin-server.ts'

describe('a confirmation', () => {
  const token = {
    value: '00D!1',
    fingerprint: '',
    format: 'opaque',
    instanceUrl: undefined,
    identityUrl: undefined,
    obtainedAt: 0,
  } as const

  async function setUp(answer: Answer) {
    const org = await startOriginServer(answer)
    const agent = new Agent()
    const clock = new FakeClock()
    const dispatch = agent.dispatch.bind(agent)
    const confirmation = new SessionConfirmation({ dispatch, originFor: () => org.url, clock })
    return {
      org,
      clock,
      confirmation,
      async [Symbol.asyncDispose]() {
        await agent.destroy()
        await org[Symbol.asyncDispose]()
      },
    }
  }

  test('without an answer in ten seconds is given up', async () => {
    await using parts = await setUp((request) => void request.resume())
    const isDead = parts.confirmation.isDead(token)
    await parts.org.arrived(1)
    await parts.clock.advance(10_000)
    expect(await isDead).toBe(false)
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
    })
    const isDead = confirmation.isDead(token)
    await clock.advance(10_000)
    expect(await isDead).toBe(false)
    begin[0]?.({ abort: ({ message }) => void aborted.push(message) })
    expect(aborted).toEqual(["the proxy's own question is over"])
  })

  test('is trusted for five seconds', async () => {
    await using parts = await setUp((_request, response) => void response.end('{}'))
    for (const [ms, asked] of [
      [0, 1],
      [4999, 1],
      [1, 2],
    ] as const) {
      await parts.clock.advance(ms)
      expect(await parts.confirmation.isDead(token)).toBe(false)
      expect(parts.org.requests).toHaveLength(asked)
    }
  })
})
