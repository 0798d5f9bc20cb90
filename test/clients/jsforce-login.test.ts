import { Connection } from 'jsforce'
import { describe, expect, test } from 'vitest'
import { startDemoOrg, type DemoOrg } from '../support/demo-org.ts'
import { finished, streamingOn } from '../support/jsforce-client.ts'

/*
 * jsforce as its users log in with it. Every operation is done under a session that has just been killed on the org's side:
 * the caller notices nothing.
 */

const INSTANCE = 'CA10__CaAwsInstance__c'
const KEY = 'key-of-the-tool'
const WITH_KEY = { PROXY_API_KEY: `tool:${KEY}` }

interface Way {
  readonly way: string
  readonly env: Record<string, string>
  readonly oauth2: { clientId?: string; clientSecret?: string }
  readonly password: string
}

const CLIENT = { clientId: 'any-client', clientSecret: 'any-secret' }
const WAYS: readonly Way[] = [
  { way: 'SOAP', env: {}, oauth2: {}, password: 'any-password' },
  { way: 'OAuth', env: {}, oauth2: CLIENT, password: 'any-password' },
  { way: 'SOAP with the key', env: WITH_KEY, oauth2: {}, password: `any-password${KEY}` },
  { way: 'OAuth with the key', env: WITH_KEY, oauth2: CLIENT, password: KEY },
]

interface LoggedIn extends DemoOrg {
  readonly connection: Connection
}

async function logIn({ env, oauth2, password }: Way, records = 20): Promise<LoggedIn> {
  const demo = await startDemoOrg({ records }, { env })
  const loginUrl = demo.app.url.replace('127.0.0.1', 'localhost')
  const connection = new Connection({ loginUrl, oauth2: { loginUrl, ...oauth2 }, version: '62.0' })
  connection.bulk.pollInterval = connection.bulk2.pollInterval = 1
  const user = await connection.login('anybody', password)
  const { orgId, userId } = demo.emulator.org
  expect(user).toMatchObject({ id: userId, organizationId: orgId })
  expect(connection.instanceUrl).toBe(loginUrl)
  return { ...demo, connection, [Symbol.asyncDispose]: () => demo[Symbol.asyncDispose]() }
}

type Operation = (loggedIn: LoggedIn) => Promise<void>

const OPERATIONS: Readonly<Record<string, Operation>> = {
  async 'reads, and reads on'({ connection }) {
    const first = await connection.query(`SELECT Id FROM ${INSTANCE}`, {
      headers: { 'Sforce-Query-Options': 'batchSize=200' },
    })
    const next = await connection.queryMore(first.nextRecordsUrl ?? '')
    expect(first.records.length + next.records.length).toBe(first.totalSize)
  },
  async 'creates, reads, changes and deletes'({ connection }) {
    const instances = connection.sobject(INSTANCE)
    const { id = '' } = await instances.create({ Name: 'made-here' })
    await instances.update({ Id: id, CA10__cpuCount__c: 4 })
    expect(await instances.retrieve(id)).toMatchObject({ Name: 'made-here', CA10__cpuCount__c: 4 })
    await instances.destroy(id)
    await expect(instances.retrieve(id)).rejects.toMatchObject({ errorCode: 'NOT_FOUND' })
  },
  async 'describes the org, then an object'({ connection }) {
    expect((await connection.describeGlobal()).sobjects.map(({ name }) => name)).toContain(INSTANCE)
    expect((await connection.describe(INSTANCE)).name).toBe(INSTANCE)
  },
  async 'loads by Bulk 1.0'({ connection }) {
    const loaded = await finished(connection.bulk.load(INSTANCE, 'insert', {}, [{ Name: 'one' }, { Name: 'two' }]))
    expect(loaded).toMatchObject([{ success: true }, { success: true }])
  },
  async 'loads and queries by Bulk 2.0'({ connection }) {
    const input = [{ Name: 'one' }]
    const results = await connection.bulk2.loadAndWaitForResults({ object: INSTANCE, operation: 'insert', input })
    expect(results.successfulResults).toHaveLength(1)
    const stream = await connection.bulk2.query(`SELECT Id FROM ${INSTANCE} WHERE Name = 'one'`)
    expect(await stream.toArray()).toHaveLength(1)
  },
  async 'reads metadata by SOAP'({ connection }) {
    expect((await connection.metadata.describe('62.0')).metadataObjects.length).toBeGreaterThan(0)
    const listed = await connection.metadata.list({ type: 'CustomObject' }, '62.0')
    expect(listed.map(({ fullName }) => fullName)).toContain(INSTANCE)
  },
  async 'hears of events'({ connection, emulator }) {
    const client = streamingOn(connection)
    const heard = Promise.withResolvers<unknown>()
    await client.subscribe('/topic/Hosts', heard.resolve)
    emulator.publish('/topic/Hosts', { sobject: { Name: 'web-1' } })
    expect(await heard.promise).toMatchObject({ sobject: { Name: 'web-1' } })
    await client.disconnect()
  },
  async 'asks who it is'({ connection, emulator }) {
    const identity = await connection.identity()
    expect(identity).toMatchObject({ user_id: emulator.org.userId, organization_id: emulator.org.orgId })
    expect(identity.urls).toMatchObject({ custom_domain: connection.instanceUrl })
  },
  async 'logs out, and ends nobody’s session'({ connection, app, emulator }) {
    const [session] = emulator.requests.flatMap(({ rawHeaders }) => rawHeaders.filter((text) => text.includes('00D')))
    await connection.logout()
    expect(connection.accessToken).toBeNull()
    const paths = emulator.requests.map(({ target }) => target)
    expect(paths.filter((path) => /revoke|logout/.test(path))).toEqual([])
    const again = new Connection({ instanceUrl: app.url, accessToken: KEY, version: '62.0' })
    expect(await again.limits()).toHaveProperty('DailyApiRequests')
    expect(session).not.toContain('PROXY')
  },
}

describe.each([...WAYS])('logged in by $way', (way) => {
  test.each(Object.entries(OPERATIONS))('%s', async (name, operate) => {
    await using loggedIn = await logIn(way, name.startsWith('reads, ') ? 300 : 20)
    const { connection, emulator, app } = loggedIn
    await connection.limits()
    emulator.killSessions()
    await operate(loggedIn)
    const sent = emulator.requests.flatMap(({ rawHeaders, body, target }) => [...rawHeaders, body, target]).join('\n')
    for (const secret of ['any-password', KEY, 'any-secret', connection.accessToken ?? '!PROXY'])
      expect(sent).not.toContain(secret)
    expect(app.log()).not.toContain('any-password')
  })
})

test.each(['SOAP with the key', 'OAuth with the key'])('%s: a wrong one is refused, in words', async (name) => {
  const way = WAYS.find(({ way }) => way === name) ?? WAYS[0]
  if (way === undefined) throw new Error(name)
  await expect(logIn({ ...way, password: 'a guess' })).rejects.toThrow(/PROXY_API_KEY/)
})
