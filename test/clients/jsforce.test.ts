import { Connection } from 'jsforce'
import { expect, test } from 'vitest'
import { startDemoOrg, type DemoOrg } from '../support/demo-org.ts'

const INSTANCE = 'CA10__CaAwsInstance__c'
const VOLUME = 'CA10__CaAwsVolume__c'

/** jsforce as its users point it at the proxy: an instance URL and a token that means nothing. */
function through({ app }: DemoOrg): Connection {
  return new Connection({ instanceUrl: app.url.replace('127.0.0.1', 'localhost'), accessToken: 'x', version: '62.0' })
}

test('reads more than five thousand records by following the pages', async () => {
  await using demo = await startDemoOrg()
  const soql = `SELECT Id, Name, CA10__vpcSubnet__r.Name FROM ${INSTANCE} ORDER BY Name`
  const { records, totalSize } = await through(demo).query(soql, { autoFetch: true, maxFetch: 10_000 })
  expect(totalSize).toBeGreaterThan(5000)
  expect(new Set(records.map(({ Id }) => Id)).size).toBe(totalSize)
})

test('reads page by page, unless the session is killed between two pages: then the cursor is lost, and the next query works', async () => {
  await using demo = await startDemoOrg()
  const connection = through(demo)
  const query = () => connection.query(`SELECT Id FROM ${INSTANCE}`)
  const first = await query()
  const second = await connection.queryMore(first.nextRecordsUrl ?? '')
  expect(second.records.length).toBeGreaterThan(0)
  expect(second.records[0]?.Id).not.toBe(first.records[0]?.Id)
  demo.emulator.killSessions()
  // Salesforce binds a cursor to the session that opened it.
  await expect(connection.queryMore(first.nextRecordsUrl ?? '')).rejects.toMatchObject({
    errorCode: 'INVALID_SESSION_ID',
  })
  expect((await query()).records.length).toBeGreaterThan(0)
  expect(demo.emulator.tokenRequests()).toBe(2)
})

test('creates, reads, changes, upserts and deletes', async () => {
  await using demo = await startDemoOrg({ records: 20 })
  const instances = through(demo).sobject(INSTANCE)
  const { id = '' } = await instances.create({ Name: 'made-here', CA10__instanceId__c: 'i-1' })
  await instances.update({ Id: id, CA10__cpuCount__c: 4 })
  expect(await instances.retrieve(id)).toMatchObject({ Name: 'made-here', CA10__cpuCount__c: 4 })
  const upserted = await instances.upsert({ CA10__instanceId__c: 'i-1', Name: 'renamed' }, 'CA10__instanceId__c')
  expect(upserted).toMatchObject({ id, success: true, created: false })
  await instances.destroy(id)
  await expect(instances.retrieve(id)).rejects.toMatchObject({ errorCode: 'NOT_FOUND' })
})

test('describes the org and an object, and searches', async () => {
  await using demo = await startDemoOrg()
  const connection = through(demo)
  const all = await connection.describeGlobal()
  expect(all.sobjects.map(({ name }) => name)).toContain(INSTANCE)
  const one = await connection.describe(INSTANCE)
  expect(one.fields.find(({ name }) => name === 'CA10__vpcSubnet__c')).toMatchObject({ type: 'reference' })
  const found = await connection.search(`FIND {bastion} IN NAME FIELDS RETURNING ${INSTANCE}(Id, Name LIMIT 3)`)
  expect(found.searchRecords).toHaveLength(3)
})

test('runs a composite request whose parts build on each other', async () => {
  await using demo = await startDemoOrg({ records: 20 })
  const base = '/services/data/v62.0'
  const answer: unknown = await through(demo).requestPost(`${base}/composite`, {
    compositeRequest: [
      { method: 'POST', url: `${base}/sobjects/${INSTANCE}`, referenceId: 'host', body: { Name: 'parent' } },
      {
        method: 'POST',
        url: `${base}/sobjects/${VOLUME}`,
        referenceId: 'disk',
        body: { Name: 'c', CA10__instance__c: '@{host.id}' },
      },
      {
        method: 'GET',
        url: `${base}/sobjects/${VOLUME}/@{disk.id}?fields=CA10__instance__r.Name`,
        referenceId: 'read',
      },
    ],
  })
  expect(answer).toMatchObject({
    compositeResponse: [
      { httpStatusCode: 201 },
      { httpStatusCode: 201 },
      { httpStatusCode: 200, body: { CA10__instance__r: { Name: 'parent' } } },
    ],
  })
})

test('queries by Bulk 2.0', async () => {
  await using demo = await startDemoOrg()
  const connection = through(demo)
  connection.bulk2.pollInterval = 5
  const stream = await connection.bulk2.query(`SELECT Id, Name FROM ${INSTANCE}`)
  expect((await stream.toArray()).length).toBeGreaterThan(5000)
})

test('ingests by Bulk 2.0 and learns what became of each record', async () => {
  await using demo = await startDemoOrg({ records: 20 })
  const connection = through(demo)
  connection.bulk2.pollInterval = 5
  const tags = 'comma, "quote"\nand a new line'
  const results = await connection.bulk2.loadAndWaitForResults({
    object: INSTANCE,
    operation: 'insert',
    input: [
      { Name: 'bulk-1', CA10__tags__c: tags, CA10__cpuCount__c: '2' },
      { Name: 'bulk-2', CA10__tags__c: '', CA10__cpuCount__c: 'many' },
    ],
  })
  expect(results.successfulResults).toMatchObject([{ Name: 'bulk-1', CA10__tags__c: tags }])
  expect(results.failedResults).toMatchObject([{ Name: 'bulk-2' }])
})
