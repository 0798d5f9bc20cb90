import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { passPatiently } from '../support/patient-time.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const LIMITS = '/services/data/v62.0/limits'
const HOUR = 3_600_000
const FIRST = generateKeyPairSync('rsa', { modulusLength: 2048 })
const SECOND = generateKeyPairSync('rsa', { modulusLength: 2048 })

type Pair = typeof FIRST

const pem = ({ privateKey }: Pair, type: 'pkcs1' | 'pkcs8' = 'pkcs8') => privateKey.export({ type, format: 'pem' })
const certificateOf = ({ publicKey }: Pair) => publicKey.export({ type: 'spki', format: 'pem' })

/** The proxy with a key file of its own, in front of an org that knows the first key. */
async function setUp(keyFileContent = pem(FIRST), { skewMs = 0 } = {}) {
  const directory = await temporaryDirectory()
  const path = directory.file('key.pem')
  await writeFile(path, keyFileContent)
  const clock = new FakeClock()
  const orgClock = new FakeClock(clock.now() + skewMs)
  const stack = await startDemoOrg(
    { clock: orgClock, records: 10, jwtPublicKey: certificateOf(FIRST) },
    {
      clock,
      env: {
        CLOUDAWARE_GRANT_TYPE: 'jwt_bearer',
        CLOUDAWARE_JWT_KEY_FILE: path,
        CLOUDAWARE_JWT_USERNAME: 'integration@cloudaware.example',
      },
    },
  )
  const { app, emulator } = stack
  return {
    app,
    path,
    emulator,
    status: async () => (await ask(app.port, LIMITS)).status,
    pass: (ms: number) => passPatiently(app, ms, [clock, orgClock]),
    /** Replaces the key and waits until it has been tried. */
    async rotate(content: string) {
      await passPatiently(app, 5000, [clock, orgClock])
      const before = app.tokenEvents.filter(({ type }) => type === 'secret-changed').length
      await writeFile(path, content)
      await clock.until(app.tokenEvent('secret-changed', before + 1))
      await passPatiently(app, 5000, [clock, orgClock])
    },
    async [Symbol.asyncDispose]() {
      await stack[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

test.each(['pkcs1', 'pkcs8'] as const)('a %s key opens the org, without a secret', async (type) => {
  await using stack = await setUp(pem(FIRST, type))
  expect(await stack.status()).toBe(200)
  const [request] = stack.emulator.requests.filter(({ target }) => target === '/services/oauth2/token')
  expect(request?.body).toMatch(/^grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=eyJ/)
  expect(request?.body).not.toContain('client_secret')
})

test('a new key is tried at once; one that is refused or no key at all leaves the old token serving, and is named', async () => {
  await using stack = await setUp()
  expect(await stack.status()).toBe(200)

  for (const [content, error, code] of [
    [pem(SECOND), 'invalid_grant', 'assertion-refused'],
    [
      '-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n',
      'unreadable_private_key',
      'private-key-unreadable',
    ],
  ] as const) {
    await stack.rotate(content)
    const { token } = (await (await fetch(`${stack.app.adminUrl}/status`)).json()) as { token: unknown } // our own /status
    expect(token).toMatchObject({
      state: 'degraded',
      failure: { error, diagnosis: { code }, secret: { name: `CLOUDAWARE_JWT_KEY_FILE (${stack.path})` } },
    })
    expect(await stack.status()).toBe(200)
  }

  stack.emulator.org.jwtPublicKey = certificateOf(SECOND)
  stack.emulator.killSessions()
  await stack.rotate(pem(SECOND, 'pkcs1'))
  expect(await stack.status()).toBe(200)
  for (const line of pem(SECOND).split('\n').slice(1, -2)) expect(stack.app.log()).not.toContain(line)
})

test.each([-5 * HOUR, 5 * HOUR])(
  'where the clock here is wrong by %i ms the second assertion goes by the clock of the login host',
  async (skewMs) => {
    await using stack = await setUp(pem(FIRST), { skewMs })
    expect(await stack.app.tokenEvent('failed')).toMatchObject({ kind: 'permanent' })
    expect(await stack.status()).toBe(503)
    await stack.pass(60_000)
    expect(await stack.status()).toBe(200)
    expect(stack.emulator.tokenRequests()).toBe(2)
  },
)
