import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { startEmulator, type Emulator } from '../../src/emulator/emulator.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeCli } from '../support/fake-cli.ts'
import { startDemoOrg } from '../support/demo-org.ts'
import { startStack } from '../support/stack.ts'

/** Runs a command against the admin listener of this proxy, with no other setting. */
async function ask(app: { adminUrl: string | undefined }, argv: readonly string[], isTTY = false) {
  const { hostname, port } = new URL(app.adminUrl ?? '')
  const cli = new FakeCli(argv, { env: { ADMIN_HOST: hostname, ADMIN_PORT: port }, isTTY })
  return { code: await run(cli), out: cli.printed, err: cli.complained }
}

async function portOfNobody(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listener on a TCP port has an AddressInfo, not a path.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('status tells at a glance that the proxy serves, and how long its token lasts', async () => {
  await using org = await startDemoOrg()
  await org.app.tokenEvent('obtained')
  const { code, out, err } = await ask(org.app, ['status'])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^● cloudaware-proxy 0\.0\.0-test: ready\n/)
  expect(out).toContain(`Proxy      ${org.app.url}\n`)
  expect(out).toContain(`Upstream   ${org.emulator.url}\n`)
  expect(out).toMatch(/Up {9}\d+ s, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\n/)
  expect(out).toMatch(/Token {6}[0-9a-f]{8} \(opaque\), obtained \d+ s ago\n/)
  expect(out).toMatch(
    /Life {7}(2 h|1 h 59 min) left \(assumed: TOKEN_LIFETIME_SECONDS\); next refresh in 1 h \d+\s+min/,
  )
  expect(out).toContain('Budget     1 of 360 token requests used in the last hour\n')
  expect(out).not.toContain('\x1b')
  expect((await ask(org.app, ['status'], true)).out).toContain('\x1b[32mready')
})

test('status names the secret that is refused, by its setting and fingerprint', async () => {
  await using emulator = await startEmulator({ records: 10 })
  await using app = await startStack({ url: emulator.url, clientId: emulator.clientId, clientSecret: 'mistyped' })
  await app.tokenEvent('failed')
  const { out } = await ask(app, ['status'])
  expect(out).toMatch(/Refused {2,}CLOUDAWARE_CLIENT_SECRET, fingerprint [0-9a-f]{8}\n/)
  expect(out).not.toContain('mistyped')
})

test('status names what is wrong and both places that mend it, and ends with 1 where no request can be served', async () => {
  await using emulator = await startEmulator({ records: 10 })
  emulator.org.fail('no-run-as-user')
  await using app = await startStack(emulator)
  await app.tokenEvent('failed')
  const { code, out } = await ask(app, ['status'])
  expect(code).toBe(1)
  expect(out).toMatch(/: not ready: it holds no token\n/)
  expect(out).toMatch(/Token {6}none; next attempt in (1 min|\d+ s)/)
  expect(out).toContain('The app has no Run As user.\n')
  expect(out).toMatch(/Answered .*no client credentials user enabled \(1 in a row\)/)
  expect(out).toMatch(/To do .*Steps 13 to 15/)
  expect(out).toMatch(/External Client App .*Policies > OAuth/)
})

test('a token that cannot be replaced serves on: degraded, and still 0', async () => {
  const clock = new FakeClock()
  await using org = await startDemoOrg({}, { clock, env: { TOKEN_REQUESTS_PER_HOUR: '1' } })
  await org.app.tokenEvent('obtained')
  const refreshed = fetch(`${org.app.adminUrl}/refresh`, { method: 'POST' })
  // The wait for the answer has begun; a wish is heard five seconds after the last attempt.
  await clock.waitForSleep(10_000)
  await clock.advance(5000)
  expect((await refreshed).status).toBe(503)
  const { code, out } = await ask(org.app, ['status'])
  expect(code).toBe(0)
  expect(out).toContain('ready, but its token cannot be replaced')
  expect(out).toContain('1 of 1 token requests used in the last hour: the next one is held back')
})

test('status --json is what the admin listener says, without a secret', async () => {
  await using org = await startDemoOrg()
  await org.app.tokenEvent('obtained')
  const { code, out } = await ask(org.app, ['status', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ url: org.app.url, token: { state: 'ready' } })
  expect(out).not.toContain(org.emulator.clientSecret)
})

test('a draining proxy is called that', async () => {
  const clock = new FakeClock()
  await using org = await startDemoOrg({}, { clock, env: { DRAIN_DELAY_MS: '600000' } })
  const closed = org.app.close()
  const { code, out } = await ask(org.app, ['status'])
  expect(code).toBe(1)
  expect(out).toContain('not ready: it is draining, to stop')
  expect((await ask(org.app, ['wait', '--max=0s'])).err).toContain('Not ready after 0 s. draining')
  await clock.advance(600_000)
  expect(await closed).toEqual({ drained: true })
})

test('wait ends with 0 as soon as a token is held', async () => {
  await using emulator = await startEmulator({ records: 10 })
  emulator.org.fail('server-error', 1)
  await using app = await startStack(emulator)
  expect(await ask(app, ['wait', '--max', '25s'])).toEqual({ code: 0, out: '', err: '' })
})

test('wait that was in vain ends with 1 and says what to mend', async () => {
  await using emulator = await startEmulator({ records: 10 })
  emulator.org.fail('flow-not-enabled')
  await using app = await startStack(emulator)
  await app.tokenEvent('failed')
  const { code, err } = await ask(app, ['wait', '--max=2s'])
  expect(code).toBe(1)
  expect(err).toMatch(/^Not ready after \d s\. The client credentials flow is not enabled on the app\.\n/)
  expect(err).toMatch(/To do .*Step 8/)
})

test.each([['status'], ['wait', '--max', '1ms'], ['quit']])('%s with nobody there ends with 3', async (...argv) => {
  const port = await portOfNobody()
  const { code, err } = await ask({ adminUrl: `http://127.0.0.1:${port}` }, argv)
  expect(code).toBe(3)
  expect(err).toContain(`No cloudaware-proxy answers at 127.0.0.1:${port} (ADMIN_HOST, ADMIN_PORT).`)
})

test('another program at that address is not taken for the proxy', async () => {
  await using stranger = await startEmulator({ records: 10 })
  expect((await ask({ adminUrl: stranger.url }, ['status'])).code).toBe(3)
})

test('quit ends the proxy where that is allowed, and says so where it is not', async () => {
  await using org = await startEmulator({ records: 10 })
  await using proxy = await serving(org, { ADMIN_ALLOW_QUIT: 'true' })
  const { code, out } = await ask(proxy, ['quit'])
  expect(code).toBe(0)
  expect(out).toMatch(/^The proxy at 127\.0\.0\.1:\d+ is draining/)
  expect(await proxy.stopped).toBe(true)

  await using stubborn = await serving(org, {})
  expect(await ask(stubborn, ['quit'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('ADMIN_ALLOW_QUIT=true') as string,
  })
})

/** `serve` in this process; `stopped` resolves when it was asked to end and has drained. */
async function serving(org: Emulator, env: Record<string, string>) {
  const { url: CLOUDAWARE_URL, clientId: CLOUDAWARE_CLIENT_ID, clientSecret: CLOUDAWARE_CLIENT_SECRET } = org
  const ports = { PROXY_PORT: '0', ADMIN_PORT: '0', LOG_FORMAT: 'pretty' }
  const cli = new FakeCli(['serve'], {
    env: { ...ports, CLOUDAWARE_URL, CLOUDAWARE_CLIENT_ID, CLOUDAWARE_CLIENT_SECRET, ...env },
  })
  const { promise: stopped, resolve } = Promise.withResolvers<boolean>()
  Object.assign(cli, {
    onStop: (stop: Parameters<typeof cli.onStop>[0]) => {
      cli.stops.push(stop)
      return () => void cli.stop().then(resolve)
    },
  })
  await run(cli)
  const adminUrl = /Admin {5}(\S+)\//.exec(cli.printed)?.[1]
  return { adminUrl, stopped, [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose]() }
}

test.each([
  ['off', 'ADMIN_PORT is off'],
  ['0', 'ADMIN_PORT is 0'],
  ['many', 'ADMIN_PORT must be a port number'],
])('ADMIN_PORT=%s leaves nobody to ask', async (port, problem) => {
  const cli = new FakeCli(['status'], { env: { ADMIN_PORT: port } })
  expect(await run(cli)).toBe(2)
  expect(cli.complained).toContain(problem)
})

test('wildcard addresses are asked on loopback, an IPv6 one in brackets', async () => {
  const port = String(await portOfNobody())
  for (const [host, shown] of [
    ['0.0.0.0', `127.0.0.1:${port}`],
    ['::', `[::1]:${port}`],
  ]) {
    const cli = new FakeCli(['status'], { env: { ADMIN_HOST: host, ADMIN_PORT: port } })
    expect(await run(cli)).toBe(3)
    expect(cli.complained).toContain(`answers at ${shown} `)
  }
})

test.each([[['wait', '--max', 'soon']], [['wait', '--max']], [['status', '--colour']]])(
  '%j is refused',
  async (argv) => {
    expect(await run(new FakeCli(argv))).toBe(2)
  },
)
