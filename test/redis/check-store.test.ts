import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startEmulator, type Emulator } from '../../src/emulator/emulator.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { examine, settingsOf } from '../support/doctor.ts'
import { freePort, startRedis, type RedisServer } from '../support/redis.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const resources = new AsyncDisposableStack()
let org: Emulator
let redis: RedisServer
let tlsPort: number
let caFile: string

beforeAll(async () => {
  org = resources.use(await startEmulator())
  const folder = resources.use(await temporaryDirectory())
  const { key, cert } = await selfSignedCertificate()
  caFile = folder.file('cert.pem')
  await writeFile(folder.file('key.pem'), key)
  await writeFile(caFile, cert)
  tlsPort = await freePort()
  const tls = ['--tls-port', String(tlsPort), '--tls-cert-file', caFile, '--tls-key-file', folder.file('key.pem')]
  // What the advice for NOPERM says, and less.
  const users = [
    ...['--user', 'right', 'on', '>pass', '+getrange', '+get', '+set', '+del', '+eval', '~cloudaware-proxy:*'],
    ...['--user', 'less', 'on', '>pass', '+getrange', '~*'],
  ]
  redis = resources.use(
    await startRedis({ more: ['--requirepass', 'pass', ...tls, '--tls-auth-clients', 'no', ...users] }),
  )
})
afterAll(() => resources.disposeAsync())

const checked = async (url: string, env: Record<string, string> = {}) => {
  const { code, out, statuses } = await examine({ ...settingsOf(org), TOKEN_STORE_URL: url, ...env })
  expect(out).not.toContain('pass@')
  return { code, store: statuses.Store, out: out.replaceAll(/\s+/g, ' ') }
}

test('a store that can be used has its tick, also with no more rights than the advice gives', async () => {
  const warned = vi.spyOn(console, 'warn')
  expect(await checked(`redis://:pass@127.0.0.1:${redis.port}`)).toMatchObject({ code: 0, store: 'ok' })
  expect(await checked(`redis://right:pass@127.0.0.1:${redis.port}`)).toMatchObject({ code: 0, store: 'ok' })
  expect(await checked(`redis://:pass@127.0.0.1:${redis.port}/3`)).toMatchObject({ code: 0, store: 'ok' })
  const trusted = await checked(`rediss://:pass@localhost:${tlsPort}`, { CLOUDAWARE_CA_FILE: caFile })
  expect(trusted).toMatchObject({ code: 0, store: 'ok' })
  expect(warned).not.toHaveBeenCalled()
})

test.each([
  [
    'a wrong password',
    () => `redis://:wrong@127.0.0.1:${redis.port}`,
    'WRONGPASS',
    'Correct the user and the password',
  ],
  ['no password', () => `redis://127.0.0.1:${redis.port}`, 'NOAUTH', 'The store wants a password'],
  ['a database that there is not', () => `redis://:pass@127.0.0.1:${redis.port}/99`, 'ERR', 'number of the database'],
  ['too few rights', () => `redis://less:pass@127.0.0.1:${redis.port}`, 'NOPERM', 'ACL SETUSER'],
  [
    'an unknown authority',
    () => `rediss://:pass@localhost:${tlsPort}`,
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'CLOUDAWARE_CA_FILE',
  ],
])('%s is a note that says what mends it, and the proxy does without', async (_name, url, reason, fix) => {
  const { code, store, out } = await checked(url())
  expect({ code, store }).toEqual({ code: 0, store: 'note' })
  expect(out).toContain(`is of no use (${reason}), so each replica asks for tokens of its own`)
  expect(out).toContain(fix)
})

test('a store that is full says so', async () => {
  await using full = await startRedis({ more: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] })
  const { code, store, out } = await checked(full.url)
  expect({ code, store }).toEqual({ code: 0, store: 'note' })
  expect(out).toContain('(OOM)')
  expect(out).toContain('The store is full')
})

test('nobody there, and a port that speaks something else, are told apart', async () => {
  expect((await checked(`redis://127.0.0.1:${await freePort()}`)).out).toContain('(ECONNREFUSED)')
  const plain = await checked(`rediss://:pass@127.0.0.1:${redis.port}`)
  expect(plain).toMatchObject({ code: 0, store: 'note' })
  expect(plain.out).toContain('rediss:// is for a store that speaks TLS')
})
