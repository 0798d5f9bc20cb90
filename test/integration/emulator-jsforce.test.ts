import { Connection } from 'jsforce'
import { expect, test } from 'vitest'
import { objectType } from '../../src/emulator/cmdb-schema.ts'
import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'

const INSTANCE = 'CA10__CaAwsInstance__c'

function type(name: string) {
  const found = objectType(name)
  if (found === undefined) throw new Error(name)
  return found
}

interface Connected extends AsyncDisposable {
  emulator: Emulator
  connection: Connection
}

/** jsforce as its users set it up: client credentials against the org's own address. */
async function connect(options: EmulatorOptions = {}): Promise<Connected> {
  const emulator = await startEmulator(options)
  const { url, clientId, clientSecret } = emulator
  const connection = new Connection({
    oauth2: { loginUrl: url, clientId, clientSecret },
    instanceUrl: url,
    version: '62.0',
  })
  await connection.authorize({ grant_type: 'client_credentials' })
  return { emulator, connection, [Symbol.asyncDispose]: () => emulator.close() }
}

test('jsforce reads more than five thousand records through further pages', async () => {
  await using org = await connect()
  const soql = `SELECT Id, Name, CA10__vpcSubnet__r.Name FROM ${INSTANCE} ORDER BY Name`
  const records = await org.connection.query(soql, { autoFetch: true, maxFetch: 10_000 })
  expect(records.totalSize).toBe(6400)
  expect(new Set(records.records.map((record) => record.Id)).size).toBe(6400)
  expect(org.emulator.requests.filter(({ target }) => target.includes('/query')).length).toBe(4)
})

test('jsforce makes, reads, changes, upserts and deletes a record', async () => {
  await using org = await connect({ records: 20 })
  const instances = org.connection.sobject(INSTANCE)
  const created = await instances.create({ Name: 'made-here', CA10__instanceId__c: 'i-1' })
  expect(created).toMatchObject({ success: true })
  const id = created.id ?? ''
  await instances.update({ Id: id, CA10__cpuCount__c: 4 })
  expect(await instances.retrieve(id)).toMatchObject({ Name: 'made-here', CA10__cpuCount__c: 4 })
  const upserted = await instances.upsert({ CA10__instanceId__c: 'i-1', Name: 'renamed' }, 'CA10__instanceId__c')
  expect(upserted).toMatchObject({ id, success: true, created: false })
  const many = await instances.create([{ Name: 'a' }, { CA10__cpuCount__c: 1 }])
  expect(many).toMatchObject([
    { success: true },
    { success: false, errors: [{ statusCode: 'REQUIRED_FIELD_MISSING' }] },
  ])
  const kept = await instances.retrieve([id, many[0]?.id ?? ''], { fields: ['Name'] })
  expect(kept.map((record): unknown => record.Name)).toEqual(['renamed', 'a'])
  expect(await instances.destroy([id])).toMatchObject([{ id, success: true }])
  await expect(instances.retrieve(id)).rejects.toMatchObject({ errorCode: 'NOT_FOUND' })
})

test('jsforce describes the org, an object, and the user it runs as', async () => {
  await using org = await connect()
  const all = await org.connection.describeGlobal()
  expect(all.sobjects.map((object) => object.name)).toContain(INSTANCE)
  const one = await org.connection.describe(INSTANCE)
  const subnet = one.fields.find((field) => field.name === 'CA10__vpcSubnet__c')
  expect(subnet).toMatchObject({
    type: 'reference',
    referenceTo: ['CA10__CaAwsSubnet__c'],
    relationshipName: 'CA10__vpcSubnet__r',
  })
  expect(await org.connection.limits()).toHaveProperty('DailyApiRequests')
  expect(org.connection.userInfo).toMatchObject({ organizationId: org.emulator.org.orgId, id: org.emulator.org.userId })
  const search = await org.connection.search(`FIND {bastion} IN NAME FIELDS RETURNING ${INSTANCE}(Id, Name LIMIT 3)`)
  expect(search.searchRecords).toHaveLength(3)
})

test('jsforce runs a composite request whose parts build on each other', async () => {
  await using org = await connect({ records: 20 })
  const base = '/services/data/v62.0'
  const answer: unknown = await org.connection.requestPost(`${base}/composite`, {
    compositeRequest: [
      { method: 'POST', url: `${base}/sobjects/${INSTANCE}`, referenceId: 'host', body: { Name: 'parent' } },
      {
        method: 'POST',
        url: `${base}/sobjects/CA10__CaAwsVolume__c`,
        referenceId: 'disk',
        body: { Name: 'child', CA10__instance__c: '@{host.id}' },
      },
      {
        method: 'GET',
        url: `${base}/sobjects/CA10__CaAwsVolume__c/@{disk.id}?fields=Name,CA10__instance__r.Name`,
        referenceId: 'read',
      },
    ],
  })
  expect(answer).toMatchObject({
    compositeResponse: [
      { httpStatusCode: 201, referenceId: 'host' },
      { httpStatusCode: 201, referenceId: 'disk' },
      { httpStatusCode: 200, body: { Name: 'child', CA10__instance__r: { Name: 'parent' } } },
    ],
  })
})

test('jsforce runs a Bulk 2.0 query', async () => {
  await using org = await connect()
  org.connection.bulk2.pollInterval = 1
  const stream = await org.connection.bulk2.query(`SELECT Id, Name, CA10__vpcSubnet__r.Name FROM ${INSTANCE}`)
  const records = await stream.toArray()
  expect(records).toHaveLength(6400)
  const first = org.emulator.store.find(type(INSTANCE), 'a035f0000000000AAA')
  expect(records[0]).toMatchObject({ Id: first?.Id, Name: first?.Name })
})

test('jsforce ingests by Bulk 2.0 and learns what became of each record', async () => {
  await using org = await connect({ records: 20 })
  org.connection.bulk2.pollInterval = 1
  const tricky = 'comma, "quote"\nand a new line'
  const input = [
    { Name: 'bulk-1', CA10__tags__c: tricky, CA10__cpuCount__c: '2' },
    { Name: 'bulk-2', CA10__cpuCount__c: 'many' },
  ]
  const results = await org.connection.bulk2.loadAndWaitForResults({ object: INSTANCE, operation: 'insert', input })
  expect(results.successfulResults).toMatchObject([{ sf__Created: 'true', Name: 'bulk-1', CA10__tags__c: tricky }])
  expect(results.failedResults).toMatchObject([{ Name: 'bulk-2' }])
  expect(results.unprocessedRecords).toEqual([])
  const [stored] = await org.connection.sobject(INSTANCE).find({ Name: 'bulk-1' }, 'CA10__tags__c')
  expect(stored).toMatchObject({ CA10__tags__c: tricky })
})

test('jsforce takes the answer to a dead session for one that a new token mends', async () => {
  await using org = await connect({ records: 20 })
  const { connection, emulator } = org
  const renewing = new Connection({
    instanceUrl: emulator.url,
    accessToken: connection.accessToken ?? '',
    version: '62.0',
    refreshFn: (_connection, callback) => {
      callback(null, emulator.org.sessions.open().token)
    },
  })
  emulator.killSessions()
  expect(await renewing.limits()).toHaveProperty('DailyApiRequests')
  const sent = emulator.requests.filter(({ target }) => target.endsWith('/limits'))
  expect(sent).toHaveLength(2)
})
