import { chmod, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { settingsOf } from '../support/doctor.ts'
import { FakeCli } from '../support/fake-cli.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const EXIT_0 = ['--', process.execPath, '--eval', '0']

async function outcome(argv: readonly string[], env: Readonly<Record<string, string>>) {
  const cli = new FakeCli(['exec', ...argv], { env })
  const code = await run(cli)
  return { code, out: cli.printed, err: cli.complained.replaceAll(/\s+/g, ' '), started: cli.started.length, cli }
}

test('where a person has to mend something the command is not started, and the cause is told at once', async () => {
  await using org = await startEmulator()
  org.org.fail('no-run-as-user')
  const { code, out, err, started } = await outcome(['--max=1h', ...EXIT_0], settingsOf(org))
  expect({ code, out, started }).toEqual({ code: 125, out: '', started: 0 })
  expect(err).toMatch(/^cloudaware-proxy exec: no token, so the command was not started\. The app has no Run As user\./)
  expect(err).toContain('Answered invalid_grant: no client credentials user enabled')
  expect(err).toContain('To do Steps 13 to 15')
  expect(org.tokenRequests()).toBe(1)
})

test('what may pass is waited for', async () => {
  await using org = await startEmulator()
  org.org.fail('server-error', 1)
  expect(await outcome(EXIT_0, settingsOf(org))).toMatchObject({ code: 0, err: '', started: 1 })
})

test('but no longer than --max', async () => {
  await using org = await startEmulator()
  org.org.fail('html-503')
  // Long enough for the answer on a busy machine.
  const down = await outcome(['--max=2s', ...EXIT_0], settingsOf(org))
  expect(down).toMatchObject({ code: 125, started: 0 })
  expect(down.err).toContain('it is down for maintenance')
  org.org.heal()
  org.org.fail('hang')
  const silent = await outcome(['--max=300ms', ...EXIT_0], settingsOf(org))
  expect(silent).toMatchObject({ code: 125, started: 0 })
  expect(silent.err).toContain('There was no answer to the token request')
})

test('a port in use is one line, and 125', async () => {
  await using org = await startEmulator()
  await using busy = await startOriginServer(() => undefined)
  const flags = ['--proxy-host=127.0.0.1', `--proxy-port=${busy.port}`, ...EXIT_0]
  const { code, err, started } = await outcome(flags, settingsOf(org))
  expect({ code, started }).toEqual({ code: 125, started: 0 })
  expect(err).toMatch(/^PROXY_PORT: port \d+ on 127\.0\.0\.1 is already in use\./)
})

test('a command that is not there is 127, one that cannot be run 126', async () => {
  await using org = await startEmulator()
  await using directory = await temporaryDirectory()
  await writeFile(directory.file('text'), 'no program')
  await chmod(directory.file('text'), 0o600)
  const missing = await outcome(['--', directory.file('missing')], settingsOf(org))
  expect(missing).toMatchObject({ code: 127, err: 'cloudaware-proxy exec: the command cannot be run (ENOENT). ' })
  const text = await outcome(['--', directory.file('text')], settingsOf(org))
  expect(text).toMatchObject({ code: 126, err: 'cloudaware-proxy exec: the command cannot be run (EACCES). ' })
})

test.each([[[]], [['--']], [['curl']], [['--max=soon', '--', 'curl']], [['--proxy-prot=1', '--', 'curl']]])(
  '%j is refused before anything starts',
  async (argv) => {
    await using org = await startEmulator()
    expect(await outcome(argv, settingsOf(org))).toMatchObject({ code: 2, started: 0 })
    expect(org.tokenRequests()).toBe(0)
  },
)

test('flags of the command are its own', async () => {
  await using org = await startEmulator()
  const { code, out } = await outcome(['--', process.execPath, '--version'], settingsOf(org))
  expect({ code, out }).toEqual({ code: 0, out: '' })
})

test('what the terminal has sent to all is not sent to the command once more', async () => {
  await using org = await startEmulator()
  const cli = new FakeCli(['exec', '--', process.execPath, '--eval', 'setInterval(() => 0, 60_000)'], {
    env: settingsOf(org),
  })
  const running = run(cli)
  await expect.poll(() => cli.started.length).toBe(1)
  cli.send('SIGINT', true)
  cli.send('SIGTERM')
  expect(await running).toBe(143)
})

test('the log goes to the standard error, at the level that is asked for', async () => {
  await using org = await startEmulator()
  const { err, out } = await outcome(EXIT_0, { ...settingsOf(org), LOG_LEVEL: 'info' })
  expect(out).toBe('')
  expect(err).toContain('"msg":"token obtained"')
})

test('a company proxy is kept off the loopback address', async () => {
  await using org = await startEmulator()
  const check =
    'process.exitCode = process.env.NO_PROXY === "intra.example,localhost,127.0.0.1,::1" && process.env.no_proxy === process.env.NO_PROXY ? 0 : 1'
  const env = { ...settingsOf(org), http_proxy: 'http://proxy.example:3128', NO_PROXY: 'intra.example' }
  expect(await outcome(['--', process.execPath, '--eval', check], env)).toMatchObject({ code: 0 })
  const bare = 'process.exitCode = process.env.NO_PROXY === "localhost,127.0.0.1,::1" ? 0 : 1'
  const others = { ...settingsOf(org), ALL_PROXY: 'http://proxy.example:3128' }
  expect(await outcome(['--', process.execPath, '--eval', bare], others)).toMatchObject({ code: 0 })
})
