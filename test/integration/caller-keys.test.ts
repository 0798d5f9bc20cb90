import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { ask } from '../support/http-client.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const LIMITS = '/services/data/v62.0/limits'

async function setUp() {
  const directory = await temporaryDirectory()
  const file = directory.file('keys')
  await writeFile(file, 'etl:first-key\nbi:second-key\n')
  const emulator = await startEmulator({ records: 10 })
  const secrets: string[] = []
  const app = await startStack(emulator, {
    env: { PROXY_API_KEY_FILE: file },
    onSecret: (secret) => secrets.push(secret),
  })
  return {
    app,
    file,
    secrets,
    emulator,
    status: async (key?: string) =>
      (await ask(app.port, LIMITS, { headers: key === undefined ? {} : { 'x-api-key': key } })).status,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await emulator.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

test('each caller is known to the log by its name, and no key goes on or is printed', async () => {
  await using stack = await setUp()
  expect(await stack.status('first-key')).toBe(200)
  expect(await stack.status('second-key')).toBe(200)
  expect(await stack.status('third-key')).toBe(403)
  expect(await stack.status()).toBe(403)
  await stack.app.logged('PROXY_KEY_REQUIRED')
  expect(Array.from(stack.app.log().matchAll(/"caller":"(\w+)"/g), ([, name]) => name)).toEqual(['etl', 'bi'])
  expect(stack.app.log()).not.toMatch(/(first|second|third)-key/)
  expect(JSON.stringify(stack.emulator.requests)).not.toMatch(/(first|second|third)-key/)
})

test('a changed file counts without a restart: new keys are good, old ones no longer', async () => {
  await using stack = await setUp()
  expect(await stack.status('first-key')).toBe(200)
  await writeFile(stack.file, 'etl:fourth-key\n')
  await stack.app.logged('API keys read again')
  expect(await stack.status('first-key')).toBe(403)
  expect(await stack.status('fourth-key')).toBe(200)
  expect(stack.secrets).toContain('fourth-key')
  expect(stack.app.log()).not.toContain('fourth-key')
})

test.each(['', ' ,\n', 'etl:short', 'etl:fourth-key\netl:fifth-key'])(
  'a file that becomes %j opens no door and closes none',
  async (content) => {
    await using stack = await setUp()
    await writeFile(stack.file, content)
    await stack.app.logged(content === '' ? 'secret file cannot be read' : 'the new API keys are malformed')
    expect(await stack.status()).toBe(403)
    expect(await stack.status('first-key')).toBe(200)
    expect(stack.app.log()).not.toMatch(/(fourth|fifth)-key|short/)
  },
)
