import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { COMPILE_CACHE } from '../support/child-cli.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeCli } from '../support/fake-cli.ts'
import { ask } from '../support/http-client.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const LIMITS = '/services/data/v62.0/limits'

type Directory = Awaited<ReturnType<typeof temporaryDirectory>>

/** A file reached by a link that leads out of its directory, so that no event tells of its changes: only a look does. */
async function hiddenFile(directory: Directory, name: string, content: string) {
  const hidden = directory.file(`behind/${name}`)
  await mkdir(directory.file('behind'), { recursive: true })
  await writeFile(hidden, content)
  await symlink(hidden, directory.file(name))
  return { path: directory.file(name), write: (text: string) => writeFile(hidden, text) }
}

test('SIGHUP reads the secret again, and the process lives on until it is told to end', async () => {
  await using directory = await temporaryDirectory()
  await using org = await startEmulator({ records: 10 })
  const secret = await hiddenFile(directory, 'secret', 'not-the-secret\n')
  const child = spawn(process.execPath, [MAIN, 'serve', '--proxy-port=0', '--admin-port=off', '--log-format=json'], {
    cwd: directory.path,
    env: {
      ...COMPILE_CACHE,
      CLOUDAWARE_URL: org.url,
      CLOUDAWARE_CLIENT_ID: org.clientId,
      CLOUDAWARE_CLIENT_SECRET_FILE: secret.path,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await using ended = {
    withCode: once(child, 'close'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended.withCode
    },
  }
  let printed = ''
  for await (const line of createInterface({ input: child.stdout })) {
    printed += `${line}\n`
    if (line.includes('"token request failed"')) {
      await secret.write(`${org.clientSecret}\n`)
      child.kill('SIGHUP')
    }
    if (line.includes('"token obtained"')) child.kill('SIGTERM')
  }
  expect(await ended.withCode).toEqual([0, null])
  expect(printed).toMatch(/SIGHUP: reading files[^]*secret changed: trying it[^]*token obtained[^]*stopped/)
  expect(printed).not.toContain(org.clientSecret)
  expect(org.tokenRequests()).toBe(2)
})

test('serve tells its process how to reload, and the emulator has nothing to reload', async () => {
  await using org = await startEmulator({ records: 10 })
  const env = { CLOUDAWARE_URL: org.url, CLOUDAWARE_CLIENT_ID: 'id', CLOUDAWARE_CLIENT_SECRET: 'secret' }
  await using serve = new FakeCli(['serve', '--proxy-port=0', '--admin-port=off'], { env })
  await run(serve)
  serve.stops[0]?.reload?.()
  expect(serve.printed).toContain('SIGHUP: reading files')
  await using emulator = new FakeCli(['emulator'])
  await run(emulator)
  expect(emulator.stops.map(({ reload }) => reload)).toEqual([undefined])
})

test('a reload reads secrets and API keys again, tries the new secret once, and leaves the old token in use meanwhile', async () => {
  await using directory = await temporaryDirectory()
  await using org = await startEmulator({ records: 10 })
  const secret = await hiddenFile(directory, 'secret', org.clientSecret)
  const keys = await hiddenFile(directory, 'keys', 'etl:the-first-key')
  const clock = new FakeClock()
  await using app = await startStack(org, {
    clock,
    env: { CLOUDAWARE_CLIENT_SECRET_FILE: secret.path, PROXY_API_KEY_FILE: keys.path },
  })
  const status = async (key: string) => (await ask(app.port, LIMITS, { headers: { 'x-api-key': key } })).status
  const reload = () => clock.until(app.reload())
  expect(await status('the-first-key')).toBe(200)
  await clock.advance(60_000)

  org.org.rotateSecret('the-secret-of-tomorrow')
  await secret.write('the-secret-of-tomorow')
  await keys.write('etl:the-second-key')
  await reload()
  expect(await app.tokenEvent('failed')).toMatchObject({
    reason: 'reload',
    diagnosis: { code: 'consumer-secret-refused' },
  })
  expect(await status('the-first-key')).toBe(403)
  expect(await status('the-second-key')).toBe(200)

  await secret.write('the-secret-of-tomorrow')
  await clock.advance(5_000)
  await reload()
  expect(await app.tokenEvent('unchanged')).toMatchObject({ reason: 'reload', afterFailures: 1 })
  expect(org.tokenRequests()).toBe(3)

  // Nothing changed but what the org allows: a token is asked for all the same.
  await clock.advance(5_000)
  await reload()
  await app.tokenEvent('unchanged', 2)
  expect(org.tokenRequests()).toBe(4)
})
