import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { startEmulator, type Emulator } from '../../src/emulator/emulator.ts'
import { FakeCli } from '../support/fake-cli.ts'

const ANY_PORTS = { PROXY_PORT: '0', ADMIN_PORT: '0', LOG_LEVEL: 'warn' }

function envFor(org: Emulator): Record<string, string> {
  return {
    ...ANY_PORTS,
    CLOUDAWARE_URL: org.url,
    CLOUDAWARE_CLIENT_ID: org.clientId,
    CLOUDAWARE_CLIENT_SECRET: org.clientSecret,
  }
}

async function busyPort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listener on a TCP port has an AddressInfo, not a path.
  const { port } = server.address() as AddressInfo
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(resolve)).then(() => undefined) }
}

test('serve says where it listens, answers without a login, and stops with everything finished', async () => {
  await using org = await startEmulator()
  await using cli = new FakeCli(['serve', '--log-format', 'pretty'], {
    env: { ...envFor(org), LOG_LEVEL: 'info' },
  })
  expect(await run(cli)).toBeUndefined()
  const [, proxy = '', admin = ''] = /Proxy {5}(\S+)[^]*Admin {5}(\S+)\//.exec(cli.printed) ?? []
  expect(cli.printed).toContain(`Upstream  ${org.url}`)
  const limits = await fetch(`${proxy}/services/data/v67.0/limits`)
  expect(limits.status).toBe(200)
  expect(await limits.json()).toHaveProperty('DailyApiRequests')
  expect((await fetch(`${admin}/livez`)).status).toBe(200)
  expect(await cli.stop()).toBe(true)
  await expect(fetch(proxy)).rejects.toThrow()
})

test('elsewhere than on a terminal the addresses are the fields of a log line, and so is a crash', async () => {
  await using org = await startEmulator()
  await using cli = new FakeCli(['--log-level=info'], { env: envFor(org) })
  await run(cli)
  const [first = ''] = cli.printed.split('\n').filter((line) => line.includes('"listening"'))
  expect(JSON.parse(first)).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
    url: expect.stringMatching(/^http:\/\/localhost:\d+$/) as string,
    adminUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
    upstream: org.url,
  })
  cli.stops[0]?.onCrash(new Error('a mistake'))
  expect(cli.printed).toMatch(/"level":60.*a mistake.*"msg":"crashed"/)
})

test('a warning tells of a setting that seems misspelt', async () => {
  await using org = await startEmulator()
  await using cli = new FakeCli([], { env: { ...envFor(org), PROXY_READONLY: 'true' } })
  await run(cli)
  expect(cli.printed).toContain('PROXY_READONLY is no setting: did you mean PROXY_READ_ONLY?')
})

test('with the admin listener off that is said, and below level info nothing is', async () => {
  await using org = await startEmulator()
  const env = { ...envFor(org), ADMIN_PORT: 'off' }
  await using spoken = new FakeCli(['--log-format=pretty', '--log-level=info'], { env })
  await run(spoken)
  expect(spoken.printed).toMatch(/Admin {5}off\n/)
  await using silent = new FakeCli(['--log-format=pretty'], { env })
  await run(silent)
  expect(silent.printed).toBe('')
})

test.each(['PROXY_PORT', 'ADMIN_PORT'])('a %s in use is one line that names it', async (name) => {
  await using org = await startEmulator()
  await using busy = await busyPort()
  await using cli = new FakeCli([], {
    env: { ...envFor(org), PROXY_HOST: '127.0.0.1', [name]: String(busy.port) },
  })
  expect(await run(cli)).toBe(1)
  expect(cli.complained).toBe(
    `${name}: port ${busy.port} on 127.0.0.1 is already in use. Choose another port, or 0 for any free one.\n`,
  )
  expect(cli.stops).toEqual([])
})

test('quitting by the admin listener asks for the same end as a signal', async () => {
  await using org = await startEmulator()
  await using cli = new FakeCli(['--log-format=pretty', '--log-level=info', '--admin-allow-quit'], { env: envFor(org) })
  const stopped = new Promise<void>((resolve) => {
    const { onStop } = cli
    Object.assign(cli, { onStop: (...stop: Parameters<typeof onStop>) => (onStop(...stop), resolve) })
  })
  await run(cli)
  const [, admin = ''] = /Admin {5}(\S+)\//.exec(cli.printed) ?? []
  expect((await fetch(`${admin}/quitquitquit`, { method: 'POST' })).ok).toBe(true)
  await stopped
})

test('demo is an org and a proxy that answers the printed lines, and both end together', async () => {
  await using cli = new FakeCli(['demo', '--proxy-port=0', '--admin-port=0'], {
    env: { CLOUDAWARE_URL: 'https://not-used.my.salesforce.com', PROXY_READ_ONLY: 'true' },
  })
  expect(await run(cli)).toBeUndefined()
  const [limits, query] = Array.from(cli.printed.matchAll(/curl '?(http:\/\/localhost:[^\s']+)/g), ([, url]) => url)
  expect(await (await fetch(String(limits))).json()).toHaveProperty('DailyApiRequests')
  expect(await (await fetch(String(query))).json()).toMatchObject({ totalSize: 3, done: true })
  expect(cli.printed).toMatch(/first token obtained: [0-9a-f]{8}, good for \d+ s/)
  const [, org = ''] = /org \((\S+)\)/.exec(cli.printed) ?? []
  expect(await cli.stop()).toBe(true)
  await expect(fetch(org)).rejects.toThrow()
  await expect(fetch(String(limits))).rejects.toThrow()
})

test('demo with a wrong flag leaves nothing running', async () => {
  const cli = new FakeCli(['demo', '--proxy-prot=1'])
  expect(await run(cli)).toBe(2)
  expect(cli.complained).toContain('did you mean --proxy-port?')
  expect(cli.stops).toEqual([])
})
