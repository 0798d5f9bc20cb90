import { request as httpRequest } from 'node:http'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { startEmulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { sendRaw, statuses } from '../support/raw-bytes.ts'
import { startStack, type StackOptions } from '../support/stack.ts'

/** What the proxy keeps between two token requests that are asked for. */
const SPACING_MS = 5000

async function setUp(
  options: StackOptions = {},
  prepare: (org: Awaited<ReturnType<typeof startEmulator>>['org']) => void = () => undefined,
  orgOptions: EmulatorOptions = {},
) {
  const emulator = await startEmulator({ records: 10, ...orgOptions })
  prepare(emulator.org)
  const app = await startStack(emulator, options)
  const adminPort = Number(new URL(app.adminUrl ?? '').port)
  return {
    app,
    emulator,
    adminPort,
    admin: (path: string, question: Parameters<typeof ask>[2] = {}) => ask(adminPort, path, question),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await emulator.close()
    },
  }
}

describe('probes', () => {
  test('with a token: alive, started and ready', async () => {
    await using stack = await setUp()
    await stack.app.tokenEvent('obtained')
    for (const path of ['/livez', '/startupz', '/readyz']) {
      const reply = await stack.admin(path)
      expect([path, reply.status, reply.json()]).toMatchObject([path, 200, { ok: true }])
    }
  })

  test('without one: alive, but neither started nor ready, and the reason names the setup step', async () => {
    await using stack = await setUp({}, (org) => {
      org.fail('no-run-as-user')
    })
    await stack.app.tokenEvent('failed')
    expect((await stack.admin('/livez')).status).toBe(200)
    for (const path of ['/startupz', '/readyz']) {
      const reply = await stack.admin(path)
      expect(reply.status).toBe(503)
      expect(reply.json()).toMatchObject({ ok: false, error: 'invalid_grant' })
      expect(reply.text).toContain('Run As')
    }
  })

  test('ready while a token is held, whatever the token endpoint does; started stays started', async () => {
    const clock = new FakeClock()
    await using stack = await setUp({ clock })
    await stack.app.tokenEvent('obtained')
    stack.emulator.org.fail('server-error')
    await clock.advance(SPACING_MS)
    expect((await stack.admin('/refresh', { method: 'POST' })).status).toBe(503)
    const ready = await stack.admin('/readyz')
    expect([ready.status, ready.json()]).toMatchObject([200, { ok: true }])
    expect(ready.text).toContain('its replacement fails')
    expect((await stack.admin('/startupz')).status).toBe(200)
  })

  test.each(['/livez', '/readyz', '/startupz', '/metrics'])(
    '%s may be asked by the address of a pod, and by no name that is not listed',
    async (path) => {
      await using stack = await setUp({ env: { ADMIN_ALLOWED_HOSTS: 'proxy.monitored.svc' } })
      await stack.app.tokenEvent('obtained')
      for (const host of ['10.1.2.3:9090', '10.1.2.3', '[fd00::1]:9090', 'proxy.monitored.svc:9090']) {
        expect((await stack.admin(path, { headers: { host } })).status).toBe(200)
      }
      expect(statuses(await sendRaw({ port: stack.adminPort }, `GET ${path} HTTP/1.0\r\n\r\n`))).toEqual([200])
      // A rebound page reads the answers of its own name; it would learn who calls and how much.
      for (const headers of [
        { host: 'rebound.example:9090' },
        { host: '10.1.2.3.rebound.example' },
        { host: '10.1.2.3', origin: 'https://evil.example' },
      ]) {
        const refused = await stack.admin(path, { headers })
        expect([refused.status, refused.text]).toEqual([403, expect.stringMatching(/ADMIN_ALLOWED_HOSTS|ORIGIN/)])
      }
    },
  )
})

describe('status', () => {
  test('tells of the token and the settings, and shows no secret', async () => {
    await using stack = await setUp()
    await stack.app.tokenEvent('obtained')
    const reply = await stack.admin('/status')
    expect(reply.json()).toMatchObject({
      version: '0.0.0-test',
      upstream: stack.emulator.url,
      token: { state: 'ready', grant: 'client_credentials' },
      settings: { CLOUDAWARE_CLIENT_SECRET: '<set>' },
    })
    expect(reply.text).not.toContain(stack.emulator.clientSecret)
    expect(reply.text).not.toMatch(/00D\w{12,15}!/)
  })

  test('is not for strangers: a foreign Host or Origin is refused', async () => {
    await using stack = await setUp()
    for (const headers of [{ host: 'evil.example' }, { origin: 'https://evil.example' }]) {
      expect((await stack.admin('/status', { headers })).status).toBe(403)
      expect((await stack.admin('/refresh', { method: 'POST', headers })).status).toBe(403)
    }
  })
})

describe('controls', () => {
  test('POST /refresh asks for a token now and answers with the status', async () => {
    const clock = new FakeClock()
    await using stack = await setUp({ clock })
    await stack.app.tokenEvent('obtained')
    await clock.advance(SPACING_MS)
    const before = stack.emulator.tokenRequests()
    const reply = await stack.admin('/refresh', { method: 'POST', headers: { 'content-type': 'x/y' }, body: '' })
    expect([reply.status, reply.json()]).toMatchObject([200, { token: { state: 'ready' } }])
    expect(stack.emulator.tokenRequests()).toBe(before + 1)
  })

  test('POST /quitquitquit is refused unless allowed', async () => {
    await using stack = await setUp()
    expect((await stack.admin('/quitquitquit', { method: 'POST' })).status).toBe(405)
  })

  test('an unknown path is 404 and names the known ones', async () => {
    await using stack = await setUp()
    const reply = await stack.admin('/nothing')
    expect(reply.status).toBe(404)
    expect(reply.text).toContain('/readyz')
  })

  test('ADMIN_PORT=off opens no admin listener', async () => {
    await using emulator = await startEmulator({ records: 10 })
    await using app = await startStack(emulator, { env: { ADMIN_PORT: 'off' } })
    expect(app.adminUrl).toBeUndefined()
    expect((await ask(app.port, '/services/data')).status).toBe(200)
  })
})

describe('the end', () => {
  test('not ready at once; the request under way is finished; drained', async () => {
    const orgClock = new FakeClock()
    await using stack = await setUp({}, undefined, { clock: orgClock })
    stack.emulator.org.apiDelayMs = 300
    const request = httpRequest({ host: '127.0.0.1', port: stack.app.port, path: '/services/data/v62.0/limits' }).end()
    const answered = once(request, 'response')
    await orgClock.waitForSleep(300)
    const closed = stack.app.close()
    const ready = await stack.admin('/readyz')
    expect([ready.status, ready.json()]).toMatchObject([503, { reason: 'draining' }])
    await orgClock.advance(300)
    const [response] = (await answered) as [unknown] // as the event is documented
    expect(response).toMatchObject({ statusCode: 200, headers: { connection: 'close' } })
    expect(await closed).toEqual({ drained: true })
  })

  test('past DRAIN_TIMEOUT_MS what is left is cut', async () => {
    await using stack = await setUp({ env: { DRAIN_TIMEOUT_MS: '50' } })
    stack.emulator.org.apiDelayMs = 60_000
    const request = httpRequest({ host: '127.0.0.1', port: stack.app.port, path: '/services/data/v62.0/limits' }).end()
    while (!stack.emulator.requests.some(({ target }) => target.includes('limits'))) await new Promise(setImmediate)
    const failed = once(request, 'error')
    expect(await stack.app.close()).toEqual({ drained: false })
    expect((await failed)[0]).toBeInstanceOf(Error)
  })
})
