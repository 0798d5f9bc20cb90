import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { explainListenError } from '../../src/cli/listen-error.ts'
import { tokenLine } from '../../src/cli/demo.ts'
import { freePort } from '../../src/cli/free-port.ts'
import { run } from '../../src/cli/run.ts'
import { loadSettings } from '../../src/config.ts'
import { FakeCli } from '../support/fake-cli.ts'

const ORG = {
  CLOUDAWARE_URL: 'https://acme.my.salesforce.com',
  CLOUDAWARE_CLIENT_ID: 'key',
  CLOUDAWARE_CLIENT_SECRET: 'do-not-print-me',
}

test('--version prints the version of package.json, before or after a command', async () => {
  for (const argv of [['--version'], ['serve', '--version']]) {
    const cli = new FakeCli(argv)
    expect(await run(cli)).toBe(0)
    expect(cli.printed).toBe(`${manifest.version}\n`)
  }
})

test.each([[['--help']], [['-h']], [['help']], [['serve', '--help']]])(
  '%j explains commands and settings',
  async (argv) => {
    const cli = new FakeCli(argv)
    expect(await run(cli)).toBe(0)
    expect(cli.printed).toMatch(/^cloudaware-proxy: /)
    expect(cli.printed).toContain('--proxy-port, PROXY_PORT')
    expect(cli.complained).toBe('')
  },
)

test.each(['status', 'wait', 'quit', 'demo', 'emulator'])('%s --help is about that command', async (command) => {
  const cli = new FakeCli([command, '--help'])
  expect(await run(cli)).toBe(0)
  expect(cli.printed).toMatch(new RegExp(`^Usage: cloudaware-proxy ${command} `))
})

test('an unknown command is refused with the list of commands', async () => {
  const cli = new FakeCli(['frobnicate'])
  expect(await run(cli)).toBe(2)
  expect(cli.complained).toBe(
    'There is no such command. The commands are serve, check, status, wait, quit, exec, demo, emulator; --help tells more.\n',
  )
})

test('--print-config shows what would be used, in the form of config.env and without credentials', async () => {
  const cli = new FakeCli(['--print-config', '--proxy-port', '81'], { env: { ...ORG, PROXY_ALLOWED_HOSTS: 'a,b' } })
  expect(await run(cli)).toBe(0)
  expect(cli.printed).toContain('PROXY_PORT=81\n')
  expect(cli.printed).toContain('PROXY_ALLOWED_HOSTS=a,b\n')
  expect(cli.printed).toContain('CLOUDAWARE_CLIENT_SECRET=<set>\n')
  expect(cli.printed).not.toContain('do-not-print-me')
})

test.each([[[]], [['serve']], [['--print-config']]])('%j with nothing configured names every problem', async (argv) => {
  const cli = new FakeCli(argv)
  expect(await run(cli)).toBe(2)
  expect(cli.printed).toBe('')
  expect(cli.complained).toMatch(/CLOUDAWARE_URL is required.*\n- CLOUDAWARE_CLIENT_ID .*\n- CLOUDAWARE_CLIENT_SECRET /)
})

test.each([
  [['--port', '70000', '--session-timeout-seconds', '0'], /--port must be .*\n- --session-timeout-seconds must be/],
  [
    ['--token-format', 'xml', '--kill-sessions-every-seconds', '1.5', '--logins-per-hour', '0'],
    /--token-format must be opaque or jwt.*\n- --kill-sessions-every-seconds must be .*\n- --logins-per-hour must be/,
  ],
  [['--prot', '1'], /The flags of emulator are --port, --host, /],
])('emulator %j is refused', async (flags, problem) => {
  const cli = new FakeCli(['emulator', ...flags])
  expect(await run(cli)).toBe(2)
  expect(cli.complained).toMatch(problem)
})

test('a preferred port is taken when free, and any other when not', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listener on a TCP port has an AddressInfo, not a path.
  const { port } = server.address() as AddressInfo
  expect(await freePort(port)).toBe(0)
  server.close()
  await once(server, 'close')
  expect(await freePort(port)).toBe(port)
})

test.each([
  [
    'EADDRINUSE',
    8080,
    'PROXY_PORT: port 8080 on localhost is already in use. Choose another port, or 0 for any free one.',
  ],
  ['EACCES', 8080, /^PROXY_PORT: port 8080 on localhost may not be used by this user/],
  ['EADDRNOTAVAIL', 9090, /^ADMIN_PORT: port 9090 on 127\.0\.0\.1 cannot be used/],
])('%s on port %d is explained by the setting behind it', (code, port, line) => {
  const error = Object.assign(new Error('listen'), { code, port })
  expect(explainListenError(error, loadSettings({ env: ORG }))).toMatch(line)
})

test.each([
  new Error('no code'),
  Object.assign(new Error('other port'), { code: 'EADDRINUSE', port: 1 }),
  Object.assign(new Error('other code'), { code: 'EMFILE', port: 8080 }),
  'no error',
])('%s is not explained as a matter of listening', (error) => {
  expect(explainListenError(error, loadSettings({ env: ORG }))).toBeUndefined()
})

test('the demo tells of new tokens and of unchanged ones, and not of the asking', () => {
  const fresh = { type: 'obtained', fingerprint: 'abcd0123', format: 'opaque', lifeSeconds: 60 } as const
  const obtained = { ...fresh, lifeSource: 'configured', afterFailures: 0 } as const
  expect(tokenLine({ ...obtained, reason: 'start' })).toBe('first token obtained: abcd0123, good for 60 s')
  expect(tokenLine({ ...obtained, reason: 'schedule' })).toBe(
    'token refreshed in the background: abcd0123, good for 60 s',
  )
  expect(
    tokenLine({ type: 'unchanged', reason: 'schedule', fingerprint: 'abcd0123', nextInSeconds: 30, afterFailures: 0 }),
  ).toBe('token still the same: abcd0123; asking again in 30 s')
  expect(tokenLine({ type: 'requested', reason: 'schedule' })).toBeUndefined()
})
