import { expect, test } from 'vitest'
import type { EmulatorOptions } from '../../src/emulator/emulator.ts'
import { startDemoOrg } from '../support/demo-org.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { passPatiently } from '../support/patient-time.ts'

const MINUTE = 60_000
const LIMITS = '/services/data/v62.0/limits'

async function setUp(org: EmulatorOptions = {}) {
  const clock = new FakeClock()
  const stack = await startDemoOrg(
    { clock, records: 10, sessionTimeoutMs: 15 * MINUTE, ...org },
    { clock, env: { TOKEN_INTROSPECT: 'true' } },
  )
  const { app, emulator } = stack
  return {
    app,
    org: emulator.org,
    introspections: () => emulator.requests.filter(({ target }) => target === '/services/oauth2/introspect').length,
    status: async () => (await ask(app.port, LIMITS)).status,
    token: async () => ((await (await fetch(`${app.adminUrl}/status`)).json()) as { token: unknown }).token, // our own /status
    pass: (ms: number) => passPatiently(app, ms, [clock]),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

test('the org says how long the token really lives, once a refresh, and it is asked again in time', async () => {
  await using stack = await setUp()
  await stack.app.tokenEvent('life-introspected')
  expect(await stack.token()).toMatchObject({ token: { lifeSource: 'introspection', lifeLeftSeconds: 15 * 60 } })
  // Use in the second half of its time has made it live longer, which only the org knows.
  await stack.pass(10 * MINUTE)
  expect(await stack.status()).toBe(200)
  await stack.pass(2 * MINUTE)
  await stack.app.tokenEvent('life-introspected', 2)
  expect(stack.introspections()).toBe(2)
  expect(stack.org.tokenRequests).toBe(2)
  expect(await stack.token()).toMatchObject({ token: { lifeLeftSeconds: expect.closeTo(13 * 60, -2) as number } })
})

test('where the app may not introspect, the assumption stands, which is said once', async () => {
  await using stack = await setUp()
  await stack.app.tokenEvent('life-introspected')
  stack.org.fail('introspect-not-allowed')
  stack.org.killSessions()
  expect(await stack.status()).toBe(200)
  await stack.app.tokenEvent('introspection-failed')
  expect(await stack.token()).toMatchObject({ state: 'ready', token: { lifeSource: 'configured' } })
  expect(stack.app.log().match(/the token could not be introspected/g)).toHaveLength(1)
})

test('a life that the answer states, or the token itself, is not asked for', async () => {
  await using stated = await setUp({ expiresIn: true })
  await using jwt = await setUp({ tokenFormat: 'jwt' })
  for (const stack of [stated, jwt]) {
    expect(await stack.status()).toBe(200)
    expect(stack.introspections()).toBe(0)
  }
  expect(await stated.token()).toMatchObject({ token: { lifeSource: 'expires_in', lifeLeftSeconds: 900 } })
  expect(await jwt.token()).toMatchObject({ token: { lifeSource: 'jwt', format: 'jwt', lifeLeftSeconds: 900 } })
})
