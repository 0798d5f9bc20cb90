import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { startChild } from '../support/child-cli.ts'
import { startDemoOrg } from '../support/demo-org.ts'
import { settingsOf } from '../support/doctor.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeCli } from '../support/fake-cli.ts'
import { ask } from '../support/http-client.ts'

const LIMITS = '/services/data/v67.0/limits'
const PORTS = { PROXY_PORT: '0', ADMIN_PORT: '0' }

test('POST /log-level changes what is logged from now on, and GET tells it', async () => {
  const clock = new FakeClock()
  await using org = await startDemoOrg({}, { clock, env: { LOG_LEVEL: 'warn' } })
  await org.app.tokenEvent('obtained')
  // A token is not asked for again at once.
  await clock.advance(5000)
  const url = `${String(org.app.adminUrl)}/log-level`
  expect(await (await fetch(url)).json()).toEqual({ level: 'warn', configured: 'warn' })
  await ask(org.app.port, LIMITS, { headers: { 'x-request-id': 'unheard' } })
  const changed = await fetch(`${url}?level=debug`, { method: 'POST' })
  expect(await changed.json()).toEqual({ level: 'debug', configured: 'warn' })
  await ask(org.app.port, LIMITS, { headers: { 'x-request-id': 'heard' } })
  await org.app.accessLine('heard')
  await fetch(`${String(org.app.adminUrl)}/refresh`, { method: 'POST' })
  expect(org.app.log()).toContain('"msg":"token request"')
  expect(org.app.log()).not.toContain('unheard')
  expect(org.app.log()).toContain('"level":"debug","previous":"warn","msg":"log level changed"')
  for (const level of ['trace', 'info', 'error', 'fatal', 'silent', 'warn']) {
    const { status } = await fetch(`${url}?level=${level}`, { method: 'POST' })
    expect([level, status, await (await fetch(url)).json()]).toEqual([level, 200, { level, configured: 'warn' }])
  }
})

test.each(['', '?level=', '?level=loud', '?level=debug&level=info', '?level=__proto__'])(
  'POST /log-level%s is refused, and changes nothing',
  async (query) => {
    await using org = await startDemoOrg({}, { env: { LOG_LEVEL: 'warn' } })
    const url = `${String(org.app.adminUrl)}/log-level`
    const refused = await fetch(url + query, { method: 'POST' })
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('one of trace, debug, info, warn, error, fatal, silent')
    expect(await (await fetch(url)).json()).toEqual({ level: 'warn', configured: 'warn' })
  },
)

test('a web page may not change it', async () => {
  await using org = await startDemoOrg()
  const url = `${String(org.app.adminUrl)}/log-level?level=silent`
  const { status } = await fetch(url, { method: 'POST', headers: { origin: 'https://evil.example' } })
  expect(status).toBe(403)
})

test('SIGUSR2 turns debug on, and off again', async () => {
  await using org = await startEmulator()
  // Tried again and again, a second or two after the first failure.
  org.org.fail('server-error')
  await using proxy = startChild(['serve'], { env: { ...settingsOf(org), ...PORTS } })
  // What serve logs as JSON.
  const { adminUrl } = JSON.parse(await proxy.line('"listening"')) as { adminUrl: string }
  const level = async () => (await fetch(`${adminUrl}/log-level`)).json()
  proxy.child.kill('SIGUSR2')
  await expect.poll(level).toEqual({ level: 'debug', configured: 'info' })
  await proxy.line('"msg":"token request"')
  proxy.child.kill('SIGUSR2')
  await expect.poll(level).toEqual({ level: 'info', configured: 'info' })
  proxy.child.kill('SIGTERM')
  expect(await proxy.ended).toMatchObject({ code: 0, stderr: '' })
})

test('where debug is configured SIGUSR2 turns trace on', async () => {
  await using org = await startDemoOrg({}, { env: { LOG_LEVEL: 'debug' } })
  const { logLevel } = org.app
  logLevel.toggleDebug()
  expect(logLevel.current).toBe('trace')
  logLevel.toggleDebug()
  expect(logLevel.current).toBe('debug')
})

test.each([
  ['all', ['good', 'bad', 'refused']],
  ['failures', ['bad', 'refused']],
  ['none', []],
])('LOG_REQUESTS=%s', async (lines, expected) => {
  await using org = await startDemoOrg({}, { env: { LOG_REQUESTS: lines } })
  await ask(org.app.port, LIMITS, { headers: { 'x-request-id': 'good' } })
  await ask(org.app.port, '/services/data/v67.0/nothing', { headers: { 'x-request-id': 'bad' } })
  await ask(org.app.port, '/setup/page', { headers: { 'x-request-id': 'refused' } })
  await org.app.close()
  const requests = org.app
    .log()
    .split('\n')
    .filter((line) => line.includes('"msg":"request"'))
  expect(requests.map((line) => (JSON.parse(line) as { reqId: string }).reqId)).toEqual(expected) // pino writes objects
  expect(org.app.log()).toContain('"msg":"token obtained"')
})

test.each([['--quiet'], ['-q']])('%s leaves warnings and errors, and no banner', async (flag) => {
  await using org = await startEmulator()
  await using cli = new FakeCli(['serve', flag, '--log-format=pretty'], { env: { ...settingsOf(org), ...PORTS } })
  await run(cli)
  await expect.poll(() => org.tokenRequests()).toBe(1)
  await cli.stop()
  expect(cli.printed).toBe('')
  await using warned = new FakeCli([flag], { env: { ...settingsOf(org), ...PORTS, PROXY_READONLY: 'true' } })
  await run(warned)
  expect(warned.printed).toContain('perhaps a misspelt setting')
  expect(warned.printed).not.toContain('"msg":"listening"')
})

test('--quiet is shown by --print-config as what it is', async () => {
  await using org = await startEmulator()
  const cli = new FakeCli(['serve', '--quiet', '--print-config'], { env: settingsOf(org) })
  expect(await run(cli)).toBe(0)
  expect(cli.printed).toContain('LOG_LEVEL=warn\n')
})
