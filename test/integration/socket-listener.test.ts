import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { readdir, stat, writeFile, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { FakeCli } from '../support/fake-cli.ts'
import { readReply } from '../support/http-client.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const LIMITS = '/services/data/v62.0/limits'

async function setUp(name = 'proxy.sock') {
  const directory = await temporaryDirectory()
  const emulator = await startEmulator({ records: 10 })
  const path = directory.file(name)
  return {
    directory,
    emulator,
    path,
    start: (env: Record<string, string> = {}) => startStack(emulator, { env: { PROXY_SOCKET: path, ...env } }),
    async [Symbol.asyncDispose]() {
      await emulator.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

async function askSocket(socketPath: string, headers: Record<string, string> = {}) {
  const asked = request({ socketPath, path: LIMITS, headers: { host: 'localhost', ...headers }, agent: false }).end()
  // The 'response' event carries one IncomingMessage.
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return readReply(response)
}

test('PROXY_SOCKET answers beside the port, is its owner’s alone whatever the umask, and is gone at the end', async () => {
  await using place = await setUp()
  const before = process.umask(0)
  try {
    await using app = await place.start()
    expect((await stat(place.path)).mode & 0o777).toBe(0o600)
    expect(await readdir(place.directory.path)).toEqual(['proxy.sock'])
    expect((await askSocket(place.path)).status).toBe(200)
    expect((await fetch(app.url + LIMITS)).status).toBe(200)
  } finally {
    process.umask(before)
  }
  expect(await readdir(place.directory.path)).toEqual([])
})

test('over the socket the same rules hold: Host, Origin, key', async () => {
  await using place = await setUp()
  await using app = await place.start({ PROXY_API_KEY: 'etl:first-key' })
  const key = { 'x-api-key': 'first-key' }
  expect((await askSocket(place.path, key)).status).toBe(200)
  await app.logged('"caller":"etl"')
  expect((await askSocket(place.path)).text).toContain('PROXY_KEY_REQUIRED')
  expect((await askSocket(place.path, { ...key, host: 'evil.example' })).text).toContain('PROXY_HOST_REFUSED')
  expect((await askSocket(place.path, { ...key, origin: 'https://evil.example' })).status).toBe(403)
})

test.each([
  ['another file', 'no socket', (path: string) => writeFile(path, 'precious')],
  ['a directory that is not there', 'ENOENT', () => Promise.resolve()],
  ['a path too long', 'too long', () => Promise.resolve()],
])('%s in its place is one line with the setting, and nothing stays open', async (what, reason, prepare) => {
  const names: Record<string, string> = {
    'a directory that is not there': 'nowhere/proxy.sock',
    'a path too long': 'x'.repeat(100),
  }
  await using place = await setUp(names[what])
  await prepare(place.path)
  const before = await readdir(place.directory.path)
  await using cli = new FakeCli([], {
    env: {
      CLOUDAWARE_URL: place.emulator.url,
      CLOUDAWARE_CLIENT_ID: place.emulator.clientId,
      CLOUDAWARE_CLIENT_SECRET: place.emulator.clientSecret,
      PROXY_PORT: '0',
      ADMIN_PORT: '0',
      PROXY_SOCKET: place.path,
    },
  })
  expect(await run(cli)).toBe(1)
  expect(cli.complained).toMatch(/^PROXY_SOCKET: .*\n$/)
  expect(cli.complained).toContain(reason)
  expect(await readdir(place.directory.path)).toEqual(before)
  if (before.length > 0) expect(await readFile(place.path, 'utf8')).toBe('precious')
  expect(cli.stops).toEqual([])
})

test('a second daemon on the same socket does not start, and the first goes on', async () => {
  await using place = await setUp()
  await using app = await place.start()
  await expect(place.start()).rejects.toThrow('PROXY_SOCKET: another process is listening')
  expect((await askSocket(place.path)).status).toBe(200)
  expect((await fetch(app.url + LIMITS)).status).toBe(200)
  expect(await readdir(place.directory.path)).toEqual(['proxy.sock'])
})
