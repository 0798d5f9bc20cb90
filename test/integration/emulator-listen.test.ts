import { request } from 'node:https'
import { expect, test } from 'vitest'
import { objectType } from '../../src/emulator/cmdb-schema.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { selfSignedCertificate } from '../support/certificates.ts'

test('the same seed makes the same records, another seed others', async () => {
  const type = objectType('CA10__CaAwsInstance__c')
  if (type === undefined) throw new Error('no such object')
  const rows = []
  for (const seed of [7, 7, 8]) {
    await using emulator = await startEmulator({ seed, records: 50 })
    rows.push(emulator.store.rows(type))
  }
  expect(rows[0]).toEqual(rows[1])
  expect(rows[2]).not.toEqual(rows[0])
})

test('every lookup of the invented records leads somewhere', async () => {
  await using emulator = await startEmulator({ records: 300 })
  for (const name of ['CA10__CaAwsInstance__c', 'CA10__CaAwsVolume__c', 'CA10__CaAwsSubnet__c', 'CA10__CaAwsVpc__c']) {
    const type = objectType(name)
    if (type === undefined) throw new Error('no such object')
    expect(emulator.store.count(name)).toBeGreaterThan(0)
    for (const row of emulator.store.rows(type)) {
      for (const { name: field, reference } of type.fields) {
        const [id, to] = [row[field], objectType(reference?.to ?? '')]
        if (to !== undefined && typeof id === 'string') expect(emulator.store.find(to, id)).toBeDefined()
      }
    }
  }
  expect(emulator.store.count('Nothing__c')).toBe(0)
})

test('a port that is taken is an error, not a crash', async () => {
  await using emulator = await startEmulator()
  await expect(startEmulator({ port: emulator.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('closing twice is no mistake', async () => {
  const emulator = await startEmulator()
  await emulator.close()
  await emulator.close()
  await expect(fetch(`${emulator.url}/services/data`)).rejects.toThrow('fetch failed')
})

test('it listens on IPv6 too, and says so in its address', async () => {
  await using emulator = await startEmulator({ host: '::1' })
  expect(emulator.url).toBe(`http://[::1]:${emulator.port}`)
  expect((await fetch(`${emulator.url}/services/data`)).status).toBe(200)
})

test('with a key and a certificate it speaks https, and says so in its URLs', async () => {
  const { key, cert } = await selfSignedCertificate()
  await using emulator = await startEmulator({ tls: { key, cert }, records: 1 })
  expect(emulator.url).toMatch(/^https:/)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: emulator.clientId,
    client_secret: emulator.clientSecret,
  })
  const options = { method: 'POST', ca: cert, headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  request(`${emulator.url}/services/oauth2/token`, options, (response) => {
    response.toArray().then((chunks) => {
      resolve(chunks.join(''))
    }, reject)
  })
    .on('error', reject)
    .end(form.toString())
  expect(JSON.parse(await promise)).toMatchObject({ instance_url: emulator.url })
})
