import { expect, test } from 'vitest'
import { TOKEN_FAILURES, type TokenFailure } from '../../src/emulator/oauth-errors.ts'
import { startDemoOrg, type DemoOrg } from '../support/demo-org.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { startStack } from '../support/stack.ts'

const LIMITS = '/services/data/v67.0/limits'
const HOUR_MS = 3_600_000
/** Longer than what is kept between two token requests, shorter than TOKEN_WAIT_MS. */
const FLOOR_MS = 6000

/** What the three probes say: status and reason. */
async function probes({ app }: Pick<DemoOrg, 'app'>): Promise<Record<'livez' | 'readyz' | 'startupz', string>> {
  const said = async (path: string) => {
    const reply = await fetch(`${String(app.adminUrl)}/${path}`)
    expect(reply.headers.get('content-type')).toMatch(/^application\/json/)
    const { ok, reason } = (await reply.json()) as { ok: boolean; reason: string } // as Health says
    expect(ok).toBe(reply.status === 200)
    return `${reply.status} ${reason}`
  }
  return { livez: await said('livez'), readyz: await said('readyz'), startupz: await said('startupz') }
}

/** Asks for a new token; the clock is moved past what the proxy keeps between two requests. */
async function refresh({ app }: DemoOrg, clock: FakeClock): Promise<number> {
  const reply = fetch(`${String(app.adminUrl)}/refresh`, { method: 'POST' })
  return (await clock.until(reply, FLOOR_MS)).status
}

const ALIVE = '200 the process answers'
const STARTED = '200 a first token was obtained'

test('before the first token the proxy lives, and says why it is neither started nor ready', async () => {
  await using org = await startDemoOrg({}, { env: { CLOUDAWARE_CLIENT_SECRET: 'wrong' } })
  await org.app.tokenEvent('failed')
  const reason = '503 The org refuses the Consumer Secret.'
  expect(await probes(org)).toEqual({ livez: ALIVE, readyz: reason, startupz: reason })
})

test('an address where nobody listens makes it no less alive', async () => {
  await using app = await startStack({ url: 'http://127.0.0.1:1' })
  await app.tokenEvent('failed')
  const reason = '503 The login host refuses the connection.'
  expect(await probes({ app })).toEqual({ livez: ALIVE, readyz: reason, startupz: reason })
})

// `hang` is an endpoint without an answer: its own test, since the wait for it is long.
test.each(Object.keys(TOKEN_FAILURES).filter((name) => name !== 'hang') as TokenFailure[])(
  'while a usable token is held it stays ready, though the token endpoint says %s',
  async (failure) => {
    const clock = new FakeClock()
    await using org = await startDemoOrg({}, { clock })
    await org.app.tokenEvent('obtained')
    org.emulator.org.fail(failure)
    expect(await refresh(org, clock)).toBe(503)
    expect(await probes(org)).toEqual({
      livez: ALIVE,
      readyz: '200 a token is held; its replacement fails',
      startupz: STARTED,
    })
    expect((await ask(org.app.port, LIMITS)).status).toBe(200)
  },
)

test('it stays ready while the token endpoint gives no answer at all, and when the assumed life of the token is over', async () => {
  const clock = new FakeClock()
  // The org's own clock is another, so its session lives on.
  await using org = await startDemoOrg({}, { clock, env: { TOKEN_LIFETIME_SECONDS: '60' } })
  await org.app.tokenEvent('obtained')
  org.emulator.org.fail('hang')
  for (let count = 1; count <= 4; count++) await clock.until(org.app.tokenEvent('failed', count), HOUR_MS)
  const status = await fetch(`${String(org.app.adminUrl)}/status`)
  // As /status answers.
  const { token } = (await status.json()) as { token: { token: { lifeLeftSeconds: number } } }
  expect(token.token.lifeLeftSeconds).toBeLessThan(0)
  expect(await probes(org)).toMatchObject({ livez: ALIVE, readyz: '200 a token is held; its replacement fails' })
  expect((await ask(org.app.port, LIMITS)).status).toBe(200)
})

test('a token that the API refuses, and that cannot be replaced, ends readiness only; a new one brings it back', async () => {
  const clock = new FakeClock()
  await using org = await startDemoOrg({}, { clock })
  await org.app.tokenEvent('obtained')
  org.emulator.killSessions()
  org.emulator.org.fail('no-run-as-user')
  expect((await clock.until(ask(org.app.port, LIMITS), FLOOR_MS)).status).toBe(503)
  expect(await probes(org)).toEqual({ livez: ALIVE, readyz: '503 The app has no Run As user.', startupz: STARTED })
  org.emulator.org.heal()
  expect(await refresh(org, clock)).toBe(200)
  expect(await probes(org)).toEqual({ livez: ALIVE, readyz: '200 a token is held', startupz: STARTED })
})

test('it stays ready whatever the API answers: that is for the callers', async () => {
  await using org = await startDemoOrg()
  await org.app.tokenEvent('obtained')
  for (const failure of ['api-html-503', 'request-limit', 'api-disabled', 'api-socket-reset'] as const) {
    org.emulator.org.heal()
    org.emulator.org.fail(failure)
    expect((await ask(org.app.port, LIMITS)).status).toBeGreaterThan(400)
    expect(await probes(org)).toMatchObject({ livez: ALIVE, readyz: '200 a token is held' })
  }
})

test('while it drains it lives and has started, and is not ready', async () => {
  const clock = new FakeClock()
  await using org = await startDemoOrg({}, { clock, env: { DRAIN_DELAY_MS: '1500' } })
  await org.app.tokenEvent('obtained')
  const closing = org.app.close()
  expect(await probes(org)).toEqual({ livez: ALIVE, readyz: '503 draining', startupz: STARTED })
  await clock.advance(1500)
  await closing
})
