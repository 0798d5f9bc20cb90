import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { freePort, startRedis } from '../support/redis.ts'
import { CountingGrant, startReplica } from '../support/replica.ts'
import { startStack } from '../support/stack.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { writeFile } from 'node:fs/promises'

const LIMITS = '/services/data/v67.0/limits'

test('two proxies share one token, and serve on without an error when the store is killed under load and comes back', async () => {
  await using org = await startEmulator()
  const port = await freePort()
  const env = { TOKEN_STORE_URL: `redis://127.0.0.1:${port}` }
  await using redis = await startRedis({ port })
  await using one = await startStack(org, { env })
  await one.tokenEvent('obtained')
  await using other = await startStack(org, { env })
  await other.tokenEvent('obtained')
  expect(org.tokenRequests()).toBe(1)
  expect(other.log()).toContain("another replica's token adopted")

  const done = new AbortController()
  const statuses: number[] = []
  const lane = async (url: string) => {
    while (!done.signal.aborted) {
      const answer = await fetch(`${url}${LIMITS}`)
      await answer.arrayBuffer()
      statuses.push(answer.status)
    }
  }
  const lanes = [one, other, one, other].map(({ url }) => lane(url))
  await expect.poll(() => statuses.length).toBeGreaterThan(50)
  await redis.kill()
  org.killSessions()
  await Promise.all([one.tokenEvent('obtained', 2), other.tokenEvent('obtained', 2)])
  const killed = statuses.length
  await expect.poll(() => statuses.length).toBeGreaterThan(killed + 50)
  expect(one.log()).toContain('the token store (TOKEN_STORE_URL) is of no use')

  await using back = await startRedis({ port })
  // The store is left alone for some seconds after a failure.
  await expect
    .poll(
      async () => {
        await fetch(`${String(one.adminUrl)}/refresh`, { method: 'POST' })
        return one.log()
      },
      { interval: 1000 },
    )
    .toContain('the token store answers again')
  expect(back.port).toBe(port)
  done.abort()
  await Promise.all(lanes)
  expect(new Set(statuses)).toEqual(new Set([200]))
})

test('a store that takes connections and answers nothing delays a replica for two seconds', async () => {
  await using redis = await startRedis()
  const grant = new CountingGrant()
  await using replica = startReplica(redis.url, grant)
  await replica.ask()
  redis.freeze()
  expect((await replica.ask('schedule')).value).toBe('token-2')
  expect(replica.events).toEqual([{ type: 'store-unavailable', error: expect.any(String) as unknown }])
  redis.thaw()
})

test('a proxy whose store never was there starts all the same', async () => {
  const env = { TOKEN_STORE_URL: `redis://127.0.0.1:${await freePort()}` }
  await using demo = await startDemoOrg({}, { env })
  expect((await fetch(`${demo.app.url}${LIMITS}`)).status).toBe(200)
  expect(demo.app.log()).toContain('the token store (TOKEN_STORE_URL) is of no use')
})

test('a password and TLS are spoken, and a wrong password or an unknown authority is a store that is of no use', async () => {
  await using folder = await temporaryDirectory()
  const { key, cert } = await selfSignedCertificate()
  await writeFile(folder.file('key.pem'), key)
  await writeFile(folder.file('cert.pem'), cert)
  const tlsPort = await freePort()
  const files = ['--tls-cert-file', folder.file('cert.pem'), '--tls-key-file', folder.file('key.pem')]
  await using redis = await startRedis({
    more: ['--requirepass', 'pass word', '--tls-port', String(tlsPort), ...files, '--tls-auth-clients', 'no'],
  })
  const grant = new CountingGrant()
  await using plain = startReplica(`redis://:pass%20word@127.0.0.1:${redis.port}`, grant)
  expect((await plain.ask()).value).toBe('token-1')
  await using secure = startReplica(`rediss://default:pass%20word@localhost:${tlsPort}/0`, grant, { ca: cert })
  expect((await secure.ask()).value).toBe('token-1')
  expect(plain.events.filter(({ type }) => type === 'store-unavailable')).toEqual([])

  await using wrong = startReplica(`redis://:wrong@127.0.0.1:${redis.port}`, grant)
  await using stranger = startReplica(`rediss://:pass%20word@localhost:${tlsPort}`, grant)
  expect((await wrong.ask()).value).toBe('token-2')
  expect((await stranger.ask()).value).toBe('token-3')
  for (const { events } of [wrong, stranger]) expect(events.map(({ type }) => type)).toEqual(['store-unavailable'])
  expect(JSON.stringify([wrong.events, stranger.events])).not.toContain('wrong')
})
