import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { examine, settingsOf } from '../support/doctor.ts'
import { FakeCli } from '../support/fake-cli.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

test('an org in good health has a tick at each step, from settings to CMDB objects', async () => {
  await using org = await startEmulator()
  const { code, out, statuses } = await examine(settingsOf(org))
  expect(code).toBe(0)
  expect(statuses).toEqual({
    Settings: 'ok',
    DNS: 'ok',
    TCP: 'ok',
    TLS: 'skipped',
    Host: 'ok',
    Token: 'ok',
    Introspection: 'ok',
    Store: 'skipped',
    API: 'ok',
    'Run As user': 'ok',
    CMDB: 'ok',
  })
  expect(Object.keys(statuses).at(-1)).toBe('CMDB')
  expect(out).toContain('1 of 100,000 requests of the last 24 hours used')
  expect(out).toContain(org.org.username)
  expect(out).toMatch(/7 CMDB objects are visible, such as CA10__\w+__c/)
  expect(out).toContain('Everything that a request needs is there.')
})

test('--json tells machines the same, untried steps included', async () => {
  await using org = await startEmulator()
  const good = await examine(settingsOf(org), '--json')
  expect(JSON.parse(good.out)).toMatchObject({
    ok: true,
    exitCode: 0,
    steps: expect.arrayContaining([
      expect.objectContaining({ name: 'api', status: 'ok', facts: { used: 1, total: 100_000, remaining: 99_999 } }),
    ]) as unknown[],
  })
  org.org.fail('no-run-as-user')
  const bad = await examine(settingsOf(org), '--json')
  // What check prints.
  const { steps, ...report } = JSON.parse(bad.out) as { steps: { name: string; status: string }[] }
  expect(report).toMatchObject({ ok: false, exitCode: 5 })
  expect(steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'settings ok',
    'dns ok',
    'tcp ok',
    'tls skipped',
    'host ok',
    'token failed',
    'introspection not-tried',
    'store not-tried',
    'api not-tried',
    'user not-tried',
    'cmdb not-tried',
  ])
  expect(steps[5]).toMatchObject({
    trouble: 'credentials',
    summary: 'The app has no Run As user.',
    advice: {
      fix: expect.stringContaining('Steps 13 to 15') as string,
      externalClientApp: expect.stringContaining('External Client App Manager') as string,
      answered: 'invalid_grant: no client credentials user enabled (HTTP 400)',
    },
    facts: { diagnosis: 'run-as-user-missing', httpStatus: 400 },
  })
})

test('the jwt_bearer grant is checked alike, over TLS with a CA of its own', async () => {
  await using directory = await temporaryDirectory()
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const tls = await selfSignedCertificate()
  await writeFile(directory.file('key.pem'), privateKey)
  await writeFile(directory.file('ca.pem'), tls.cert)
  await using org = await startEmulator({ host: 'localhost', tls, jwtPublicKey: publicKey })
  const env = {
    CLOUDAWARE_URL: org.url,
    CLOUDAWARE_CLIENT_ID: org.clientId,
    CLOUDAWARE_GRANT_TYPE: 'jwt_bearer',
    CLOUDAWARE_JWT_KEY_FILE: directory.file('key.pem'),
    CLOUDAWARE_JWT_USERNAME: org.org.username,
    CLOUDAWARE_CA_FILE: directory.file('ca.pem'),
  }
  const { code, out, statuses } = await examine(env)
  expect({ code, statuses }).toMatchObject({
    code: 0,
    statuses: { TLS: 'ok', Token: 'ok', Introspection: 'skipped', CMDB: 'ok' },
  })
  expect(out).toMatch(/localhost: TLSv1\.3, certificate by localhost, \d+ days left/)
  const stranger = await examine({ ...env, CLOUDAWARE_JWT_USERNAME: 'nobody@cloudaware.example' })
  expect(stranger).toMatchObject({ code: 5, failed: 'Token' })
  await writeFile(directory.file('key.pem'), 'not a key')
  const keyless = await examine(env)
  expect(keyless).toMatchObject({ code: 5, failed: 'Token' })
  expect(keyless.out).toContain('CLOUDAWARE_JWT_KEY_FILE')
})

test('wrong settings are the first cross, all at once, with exit code 2', async () => {
  const { code, out, failed } = await examine({ CLOUDAWARE_URL: 'https://login.salesforce.com', PROXY_PORT: 'many' })
  expect({ code, failed }).toEqual({ code: 2, failed: 'Settings' })
  expect(out.match(/^ {6}Wrong/gm)).toHaveLength(4)
  expect(out.replaceAll(/\s+/g, ' ')).toContain('CLOUDAWARE_URL names a common login host')
  const machine = await examine({}, '--json')
  expect(JSON.parse(machine.out)).toMatchObject({
    exitCode: 2,
    steps: [{ name: 'settings', status: 'failed' }, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}],
  })
})

test('a setting that seems misspelt is a note, and the rest is checked', async () => {
  await using org = await startEmulator()
  const { code, out, statuses } = await examine({ ...settingsOf(org), PROXY_READONLY: 'true' })
  expect({ code, settings: statuses.Settings }).toEqual({ code: 0, settings: 'note' })
  expect(out.replaceAll(/\s+/g, ' ')).toContain('PROXY_READONLY is no setting: did you mean PROXY_READ_ONLY?')
})

test.each([[['check', '--timeout', 'soon']], [['check', '--timeout=0']], [['check', '--timeout']]])(
  '%j is refused',
  async (argv) => {
    const cli = new FakeCli(argv)
    expect(await run(cli)).toBe(2)
    expect(cli.complained).toContain('--timeout')
  },
)

test('nothing printed holds a secret or a token, whatever is echoed', async () => {
  const secret = 'Consumer+Secret/with "odd" bytes'
  const token = 'a-token-of-no-known-shape'
  await using org = await startOriginServer((request, response) => {
    request.resume()
    const { url = '', headers } = request
    response.setHeader('content-type', 'application/json')
    if (url === '/services/data') response.end('[{"version":"67.0"}]')
    else if (url === '/services/oauth2/token') response.end(JSON.stringify({ access_token: token }))
    else {
      const message = `you sent ${String(headers.authorization)}, and know ${secret}`
      response.writeHead(403).end(JSON.stringify([{ errorCode: 'FORBIDDEN', message }]))
    }
  })
  const env = { CLOUDAWARE_URL: org.url, CLOUDAWARE_CLIENT_ID: 'key', CLOUDAWARE_CLIENT_SECRET: secret }
  for (const flags of [[], ['--json']]) {
    const { code, out } = await examine(env, ...flags)
    expect(code).toBe(6)
    expect(out).toContain('FORBIDDEN')
    for (const hidden of [secret, JSON.stringify(secret).slice(1, -1), token]) expect(out).not.toContain(hidden)
  }
  expect(org.requests.filter(({ target }) => target === '/services/oauth2/token')).toHaveLength(2)
})
