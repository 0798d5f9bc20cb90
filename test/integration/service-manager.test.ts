import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { serviceManager } from '../../src/cli/service-manager.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { startChild } from '../support/child-cli.ts'
import { settingsOf } from '../support/doctor.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A directory whose `systemd-notify` writes down what it is told, one line a call, with the socket that it would send to. */
async function listener() {
  const directory = await temporaryDirectory()
  const log = directory.file('heard')
  await writeFile(log, '')
  await writeFile(
    directory.file('systemd-notify'),
    `#!/bin/sh\nprintf '%s: %s\\n' "$NOTIFY_SOCKET" "$*" >> '${log}'\n`,
    {
      mode: 0o755,
    },
  )
  return {
    env: { PATH: `${directory.path}:${process.env.PATH ?? ''}`, NOTIFY_SOCKET: '/run/systemd/notify' },
    heard: async () => {
      const lines = (await readFile(log, 'utf8')).trimEnd().split('\n')
      return lines.map((line) => line.replace('/run/systemd/notify: ', ''))
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

test('systemd hears when serve listens, how it is, that it lives, and when it ends', async () => {
  await using org = await startEmulator()
  await using systemd = await listener()
  const ports = { PROXY_PORT: '0', ADMIN_PORT: '0' }
  const env = { ...settingsOf(org), ...ports, ...systemd.env, WATCHDOG_USEC: '400000' }
  await using run = startChild(['serve', '--drain-timeout-ms=10000'], { env })
  await run.line('"listening"')
  await expect.poll(systemd.heard).toContain('READY=1')
  await expect.poll(systemd.heard).toContainEqual(expect.stringMatching(/^STATUS=Ready, with token [0-9a-f]{8}$/))
  const signs = async () => (await systemd.heard()).filter((line) => line === 'WATCHDOG=1').length
  await expect.poll(signs).toBeGreaterThan(2)
  run.child.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
  const stopping = 'STOPPING=1 EXTEND_TIMEOUT_USEC=15000000'
  expect(await systemd.heard()).toContain(stopping)
  expect((await systemd.heard()).filter((line) => /READY|STOPPING/.test(line))).toEqual(['READY=1', stopping])
})

test('it hears why the proxy is not ready', async () => {
  await using org = await startEmulator()
  org.org.fail('no-run-as-user')
  await using systemd = await listener()
  const env = { ...settingsOf(org), PROXY_PORT: '0', ADMIN_PORT: '0', ...systemd.env }
  await using run = startChild(['serve'], { env })
  await expect.poll(systemd.heard).toContain('STATUS=Not ready: The app has no Run As user.')
  await expect.poll(systemd.heard).toContain('READY=1')
  expect(await systemd.heard()).not.toContain('WATCHDOG=1')
  run.child.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ code: 0 })
})

test('without systemd-notify the proxy serves all the same, and says so once', async () => {
  await using org = await startEmulator()
  const env = { ...settingsOf(org), PROXY_PORT: '0', ADMIN_PORT: '0', NOTIFY_SOCKET: '/run/systemd/notify', PATH: '' }
  await using run = startChild(['serve'], { env })
  await run.line('hears nothing')
  run.child.kill('SIGTERM')
  const { code, stdout } = await run.ended
  expect(code).toBe(0)
  expect(stdout.match(/hears nothing/g)).toHaveLength(1)
})

const clock = () => new FakeClock()
const silent = () => undefined

test('signs of life come twice in the time in which one is expected, to the end', async () => {
  await using systemd = await listener()
  const time = clock()
  const env = { ...systemd.env, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '4711' }
  const manager = serviceManager({ env, pid: 4711, clock: time, onTrouble: silent })
  await expect.poll(async () => (await systemd.heard()).length).toBe(1)
  await time.advance(14_999)
  await time.advance(1)
  await time.advance(15_000)
  await manager.close()
  expect(await systemd.heard()).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  await time.advance(60_000)
  expect(await systemd.heard()).toHaveLength(3)
})

test.each([
  ['meant for another process', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }],
  ['not asked for', {}],
  ['zero', { WATCHDOG_USEC: '0' }],
  ['no number', { WATCHDOG_USEC: 'often' }],
])('no signs of life where they are %s', async (_kind, watchdog) => {
  await using systemd = await listener()
  const manager = serviceManager({ env: { ...systemd.env, ...watchdog }, pid: 4711, clock: clock(), onTrouble: silent })
  manager.ready()
  await manager.close()
  expect(await systemd.heard()).toEqual(['READY=1'])
})

test('what is said arrives in order, each status once and on one line', async () => {
  await using systemd = await listener()
  const manager = serviceManager({ env: systemd.env, pid: 1, clock: clock(), onTrouble: silent })
  manager.status('one')
  manager.status('one')
  manager.ready()
  manager.status('two\nREADY=1')
  manager.stopping(1500)
  await manager.close()
  expect(await systemd.heard()).toEqual([
    'STATUS=one',
    'READY=1',
    'STATUS=two READY=1',
    'STOPPING=1 EXTEND_TIMEOUT_USEC=1500000',
  ])
})

test('without NOTIFY_SOCKET nobody is told anything', async () => {
  const trouble: string[] = []
  const manager = serviceManager({ env: { PATH: '' }, pid: 1, clock: clock(), onTrouble: (code) => trouble.push(code) })
  manager.ready()
  manager.status('fine')
  manager.stopping(1)
  await manager.close()
  expect(trouble).toEqual([])
})

test('a manager that refuses what it is told is one trouble', async () => {
  await using directory = await temporaryDirectory()
  await writeFile(directory.file('systemd-notify'), '#!/bin/sh\nexit 3\n', { mode: 0o755 })
  const trouble: string[] = []
  const env = { PATH: directory.path, NOTIFY_SOCKET: '/nowhere' }
  const manager = serviceManager({ env, pid: 1, clock: clock(), onTrouble: (code) => trouble.push(code) })
  manager.ready()
  manager.status('fine')
  await manager.close()
  expect(trouble).toEqual(['Error: systemd-notify ended with 3'])
})
