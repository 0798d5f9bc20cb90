import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { startChild } from '../support/child-cli.ts'
import { settingsOf } from '../support/doctor.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { unusedPort } from '../support/unused-port.ts'

const LIMITS = '/services/data/v67.0/limits'

test('the log of each instance says which of its ports others listen on already; the last one serves on', async () => {
  await using org = await startEmulator()
  await using directory = await temporaryDirectory()
  const env = {
    PROXY_PORT: String(await unusedPort()),
    PROXY_TLS_PORT: String(await unusedPort()),
    PROXY_REUSE_PORT: 'true',
  }
  const options = { env, stateDirectory: directory.path }
  const first = await startStack(org, options)
  await first.logged('"sharedPorts":[]')
  await using second = await startStack(org, options)
  await second.logged(`"sharedPorts":[${env.PROXY_PORT},${env.PROXY_TLS_PORT}]`)
  expect(second.tls?.fingerprint).toBe(first.tls?.fingerprint)
  // Being looked for is no request, and nothing is wrong with it.
  expect(first.log()).not.toMatch(/"level":(?:40|50)|"msg":"request"/)
  await first.close()
  expect((await fetch(`http://127.0.0.1:${env.PROXY_PORT}${LIMITS}`)).status).toBe(200)
})

test('alone, nothing is said of sharing', async () => {
  await using org = await startEmulator()
  await using app = await startStack(org)
  expect(app.log()).not.toContain('sharedPorts')
})

test('exec has a port of its own, whatever the environment says of the standing proxy', async () => {
  await using org = await startEmulator()
  const env = { ...settingsOf(org), PROXY_PORT: '8080', PROXY_REUSE_PORT: 'true', WORKERS: '4' }
  await using run = startChild(['exec', '--', process.execPath, '--eval', 'console.log("ran")'], { env })
  expect(await run.ended).toEqual({ code: 0, stdout: 'ran', stderr: '' })
})
