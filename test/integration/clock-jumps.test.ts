import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { passPatiently } from '../support/patient-time.ts'

const LIMITS = '/services/data/v62.0/limits'
const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** The proxy and the org, each with a clock of its own, after a first answered request. */
async function setUp() {
  const clock = new FakeClock()
  const orgClock = new FakeClock()
  const stack = await startDemoOrg({ clock: orgClock, records: 10 }, { clock })
  const { app, emulator } = stack
  const get = () => ask(app.port, LIMITS)
  expect((await get()).status).toBe(200)
  return {
    clock,
    orgClock,
    app,
    org: emulator.org,
    get,
    /** Time that both see pass. */
    async pass(ms: number) {
      await passPatiently(app, ms, [clock, orgClock])
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

test('after eight hours of sleep the first request is answered, for one token request and none refused', async () => {
  await using stack = await setUp()
  // The machine stood still, timers and all; the world did not.
  stack.clock.set(stack.clock.now() + 8 * HOUR)
  await stack.orgClock.advance(8 * HOUR)
  expect((await stack.get()).status).toBe(200)
  expect(stack.org.tokenRequests).toBe(2)
  expect(stack.app.tokenEvents.map(({ type }) => type)).toEqual(['requested', 'obtained', 'requested', 'obtained'])
})

test('after a sleep shorter than the assumed life, but longer than the session, the first request is answered', async () => {
  await using stack = await setUp()
  stack.org.killSessions()
  stack.clock.set(stack.clock.now() + HOUR)
  expect((await stack.get()).status).toBe(200)
  expect(stack.org.tokenRequests).toBe(2)
  expect(stack.app.tokenEvents.map(({ type }) => type)).toContain('refused')
})

test('a laptop that wakes before its network does is told why, and served once the network is there', async () => {
  await using stack = await setUp()
  stack.clock.set(stack.clock.now() + 8 * HOUR)
  await stack.orgClock.advance(8 * HOUR)
  stack.org.fail('html-503')
  const first = await stack.clock.until(stack.get(), MINUTE)
  expect(first.status).toBe(503)
  expect(first.text).toContain('PROXY_TOKEN_UNAVAILABLE')
  expect(Number(first.headers['retry-after'])).toBeGreaterThan(0)
  stack.org.heal()
  await stack.pass(MINUTE)
  expect((await stack.get()).status).toBe(200)
})

test.each([2, 5, 12])(
  'a clock set back by %i hours changes nothing, not even when the token is replaced',
  async (hours) => {
    await using stack = await setUp()
    await stack.pass(10 * MINUTE)
    stack.clock.set(stack.clock.now() - hours * HOUR)
    expect((await stack.get()).status).toBe(200)
    expect(stack.org.tokenRequests).toBe(1)
    // Between 75 and 80 % of two hours, by whatever clock that nobody sets.
    await stack.pass(79 * MINUTE)
    expect(stack.org.tokenRequests).toBe(1)
    await stack.pass(8 * MINUTE)
    expect(stack.app.tokenEvents.map(({ type }) => type)).toContain('unchanged')
    expect((await stack.get()).status).toBe(200)
  },
)

test.each([2, 5, 12])(
  'a clock set forward by %i hours costs one token request, and the first request is answered',
  async (hours) => {
    await using stack = await setUp()
    await stack.pass(10 * MINUTE)
    stack.clock.set(stack.clock.now() + hours * HOUR)
    expect((await stack.get()).status).toBe(200)
    expect(stack.org.tokenRequests).toBe(2)
    expect((await stack.get()).status).toBe(200)
    expect(stack.org.tokenRequests).toBe(2)
  },
)

test('a clock that is set to and fro fails nothing, and costs few token requests', async () => {
  await using stack = await setUp()
  for (const hours of [3, -3, 3, -9, 4, -1]) {
    await stack.pass(10 * MINUTE)
    stack.clock.set(stack.clock.now() + hours * HOUR)
    expect((await stack.get()).status).toBe(200)
  }
  expect(stack.org.tokenRequests).toBeLessThanOrEqual(1 + 6 * 4)
})
