import { expect, test } from 'vitest'
import { startEmulator, type Emulator } from '../../src/emulator/emulator.ts'

async function mint(emulator: Emulator, form: Record<string, string> = {}): Promise<Response> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: emulator.clientId,
    client_secret: emulator.clientSecret,
    ...form,
  })
  return fetch(`${emulator.url}/services/oauth2/token`, { method: 'POST', body })
}

async function bearer(emulator: Emulator): Promise<Record<string, string>> {
  const answer: unknown = await (await mint(emulator)).json()
  expect(answer).toMatchObject({ token_type: 'Bearer' })
  // Checked just above.
  return { authorization: `Bearer ${(answer as { access_token: string }).access_token}` }
}

// vitest types its matchers as any.
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern)

test('the token answer has the fields of the real one, and the same token comes back while it lives', async () => {
  await using emulator = await startEmulator()
  const first: unknown = await (await mint(emulator)).json()
  const second: unknown = await (await mint(emulator)).json()
  expect(first).toEqual({
    access_token: matching(/^00D\w{12}![.\w]+$/),
    signature: matching(/^[A-Za-z0-9+/]{43}=$/),
    scope: 'api',
    instance_url: emulator.url,
    id: `https://login.salesforce.com/id/${emulator.org.orgId}/${emulator.org.userId}`,
    token_type: 'Bearer',
    issued_at: matching(/^\d{13}$/),
    api_instance_url: 'https://api.salesforce.com',
  })
  expect(second).toHaveProperty('access_token', (first as { access_token: string }).access_token) // parsed above
  expect(emulator.tokenRequests()).toBe(2)
})

test('the list of versions is open, everything else asks for a live session', async () => {
  await using emulator = await startEmulator()
  const versions: unknown = await (await fetch(`${emulator.url}//services/data`)).json()
  expect(versions).toHaveLength(37)
  expect(versions).toContainEqual({ label: "Summer '26", url: '/services/data/v67.0', version: '67.0' })

  const refused = await fetch(`${emulator.url}/services/data/v62.0/limits`)
  expect(refused.status).toBe(401)
  expect(await refused.json()).toEqual([{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])

  const headers = await bearer(emulator)
  const answer = await fetch(`${emulator.url}/services/data/v62.0/limits`, { headers })
  expect(answer.headers.get('sforce-limit-info')).toBe('api-usage=1/100000')
  expect(await answer.json()).toMatchObject({ DailyApiRequests: { Max: 100_000, Remaining: 99_999 } })

  emulator.killSessions()
  expect((await fetch(`${emulator.url}/services/data/v62.0/limits`, { headers })).status).toBe(401)
})

test('a record is made, read, changed and deleted', async () => {
  await using emulator = await startEmulator({ records: 10 })
  const headers = { ...(await bearer(emulator)), 'content-type': 'application/json' }
  const objects = `${emulator.url}/services/data/v62.0/sobjects/CA10__CaAwsInstance__c`
  const created = await fetch(objects, { method: 'POST', headers, body: JSON.stringify({ Name: 'web-1' }) })
  expect(created.status).toBe(201)
  const location = created.headers.get('location') ?? ''
  expect(location).toMatch(/^\/services\/data\/v62.0\/sobjects\/CA10__CaAwsInstance__c\/a03\w{15}$/)

  const record = emulator.url + location
  const change = { method: 'PATCH', headers, body: JSON.stringify({ CA10__stateName__c: 'stopped' }) }
  expect((await fetch(record, change)).status).toBe(204)
  const read = await fetch(`${record}?fields=Name,CA10__stateName__c`, { headers })
  expect(await read.json()).toEqual({
    attributes: { type: 'CA10__CaAwsInstance__c', url: location },
    Name: 'web-1',
    CA10__stateName__c: 'stopped',
  })

  expect((await fetch(record, { method: 'DELETE', headers })).status).toBe(204)
  const gone = await fetch(record, { method: 'DELETE', headers })
  expect(gone.status).toBe(404)
  expect(await gone.json()).toEqual([{ message: 'entity is deleted', errorCode: 'ENTITY_IS_DELETED', fields: [] }])
})
