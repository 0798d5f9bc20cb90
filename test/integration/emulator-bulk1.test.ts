import { once } from 'node:events'
import { expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { emulatedOrg, type EmulatedOrg } from '../support/emulated-org.ts'
import { finished, jsforceOn } from '../support/jsforce-client.ts'

const INSTANCE = 'CA10__CaAwsInstance__c'
const JOBS = '/services/async/62.0/job'
const JSON_TYPE = 'application/json'

/** Calls Bulk API 1.0 with a live session; a body that is no text goes as JSON. */
function bulk(org: EmulatedOrg, path: string, body?: string | object, type = 'application/xml') {
  const isJson = typeof body === 'object'
  const headers = {
    'x-sfdc-session': org.emulator.org.sessions.open().token,
    'content-type': isJson ? JSON_TYPE : type,
  }
  if (body === undefined) return org.bare(JOBS + path, { headers })
  return org.bare(JOBS + path, { method: 'POST', headers, body: isJson ? JSON.stringify(body) : body })
}

const job = (content: string) =>
  `<?xml version="1.0"?><jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload">${content}</jobInfo>`
const element = (xml: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]

test('jsforce loads records by Bulk 1.0, and learns what became of each', async () => {
  await using org = await emulatedOrg()
  const connection = jsforceOn(org.emulator)
  const load = (operation: 'insert' | 'update' | 'upsert' | 'delete', records: Record<string, string | null>[]) =>
    finished(connection.bulk.load(INSTANCE, operation, { extIdField: 'CA10__instanceId__c' }, records))
  const tricky = 'comma, "quote"\nand a new line'
  const results = await load('insert', [
    { Name: 'one', CA10__cpuCount__c: '1', CA10__tags__c: tricky },
    { Name: 'two', CA10__cpuCount__c: 'many', CA10__tags__c: null },
    { Name: 'three', CA10__cpuCount__c: '3', CA10__tags__c: null },
  ])
  expect(results).toMatchObject([{ success: true, created: true }, { success: false, id: null }, { success: true }])
  expect(results[1]?.errors[0]).toContain('JSON_PARSER_ERROR')
  const id = String(results[0]?.id)
  expect(await connection.sobject(INSTANCE).retrieve(id)).toMatchObject({ CA10__tags__c: tricky })
  expect(await load('update', [{ Id: id, CA10__tags__c: null }])).toMatchObject([{ id, success: true, created: false }])
  expect(await connection.sobject(INSTANCE).retrieve(id)).toMatchObject({ CA10__tags__c: null })
  const upserted = await load('upsert', [{ Name: 'four', CA10__instanceId__c: 'i-bulk' }])
  expect(upserted).toMatchObject([{ success: true, created: true }])
  expect(await load('delete', [{ Id: id }])).toMatchObject([{ id, success: true, created: false }])
  await expect(connection.sobject(INSTANCE).retrieve(id)).rejects.toMatchObject({ errorCode: 'NOT_FOUND' })
})

const NO_RESULT = { id: '', batchId: '', jobId: '' }

test('jsforce runs a Bulk 1.0 query, and is told what is wrong with one', async () => {
  await using org = await emulatedOrg({ records: 300 })
  const { bulk } = jsforceOn(org.emulator)
  const soql = `SELECT Id, CA10__vpcSubnet__r.Name FROM ${INSTANCE}`
  const [{ id, batchId, jobId } = NO_RESULT] = await finished(bulk.load(INSTANCE, 'query', soql))
  const records = await bulk.job(jobId).batch(batchId).result(id).toArray()
  expect(records).toHaveLength(300)
  expect(records[0]).toMatchObject({
    Id: 'a035f0000000000AAA',
    'CA10__vpcSubnet__r.Name': expect.any(String) as unknown,
  })
  const wrong = bulk.load(INSTANCE, 'query', `SELECT Nix FROM ${INSTANCE}`)
  const closed = once(wrong.job, 'close')
  await expect(wrong).rejects.toThrow('InvalidBatch : Failed to process query: INVALID_FIELD')
  await closed
})

test('a job that speaks JSON is told, fed and answered in JSON', async () => {
  await using org = await emulatedOrg()
  const created = await bulk(org, '', { operation: 'insert', object: INSTANCE, contentType: 'JSON' })
  expect(created).toMatchObject({ status: 201, json: { state: 'Open', contentType: 'JSON', numberBatchesTotal: 0 } })
  const { id } = created.json as { id: string }
  const sent = await bulk(org, `/${id}/batch`, [{ Name: 'json' }, { CA10__cpuCount__c: 1 }])
  expect(sent).toMatchObject({ status: 201, json: { jobId: id, state: 'Queued' } })
  const batch = (sent.json as { id: string }).id
  const asJson = (path: string) => bulk(org, path, undefined, JSON_TYPE)
  expect((await asJson(`/${id}/batch/${batch}`)).json).toMatchObject({ state: 'Completed', numberRecordsFailed: 1 })
  expect((await asJson(`/${id}/batch`)).json).toMatchObject({ batchInfo: [{ id: batch, numberRecordsProcessed: 2 }] })
  expect((await asJson(`/${id}/batch/${batch}/result`)).json).toMatchObject([
    { success: true, created: true, errors: [] },
    { success: false, created: false, id: null, errors: [{ statusCode: 'REQUIRED_FIELD_MISSING' }] },
  ])
  expect((await asJson(`/${id}/batch/${batch}/request`)).json).toMatchObject([{ Name: 'json' }, {}])
  expect((await bulk(org, `/${id}`, { state: 'Closed' })).json).toMatchObject({
    state: 'Closed',
    numberBatchesCompleted: 1,
    numberRecordsProcessed: 2,
    numberRecordsFailed: 1,
  })
  expect((await bulk(org, `/${id}`, { state: 'Aborted' })).json).toMatchObject({ exceptionCode: 'InvalidJobState' })
  expect((await bulk(org, `/${id}/batch`, [{}])).json).toMatchObject({ exceptionCode: 'InvalidJobState' })
})

test('a JSON query gives the ids of its results, and records with their attributes', async () => {
  await using org = await emulatedOrg()
  const created = await bulk(org, '', { operation: 'queryAll', object: INSTANCE, contentType: 'JSON' })
  const { id } = created.json as { id: string }
  const sent = await bulk(org, `/${id}/batch`, `SELECT Id FROM ${INSTANCE} LIMIT 2`, JSON_TYPE)
  const path = `/${id}/batch/${(sent.json as { id: string }).id}/result`
  const [resultId] = (await bulk(org, path, undefined, JSON_TYPE)).json as string[]
  expect((await bulk(org, `${path}/${String(resultId)}`)).json).toMatchObject([
    { attributes: { type: INSTANCE }, Id: 'a035f0000000000AAA' },
    { Id: 'a035f0000000001AAA' },
  ])
  expect((await bulk(org, `${path}/752000000000000`)).text).toContain('InvalidBatch')
})

test('a job and its batches are told in XML, and processing takes its time', async () => {
  const clock = new FakeClock()
  await using org = await emulatedOrg({ clock })
  org.emulator.org.jobDurationMs = 1000
  const created = await bulk(
    org,
    '',
    job(
      `<operation>upsert</operation><object>${INSTANCE}</object><externalIdFieldName>CA10__instanceId__c</externalIdFieldName><contentType>CSV</contentType>`,
    ),
  )
  expect(created.headers.get('content-type')).toBe('application/xml;charset=UTF-8')
  expect(element(created.text, 'externalIdFieldName')).toBe('CA10__instanceId__c')
  const id = String(element(created.text, 'id'))
  const sent = await bulk(org, `/${id}/batch`, 'CA10__instanceId__c,Name\ni-9,nine', 'text/csv')
  const batch = `/${id}/batch/${String(element(sent.text, 'id'))}`
  expect(element(sent.text, 'state')).toBe('Queued')
  expect(element((await bulk(org, batch)).text, 'state')).toBe('InProgress')
  expect((await bulk(org, `${batch}/result`)).text).toContain('Batch not completed')
  await clock.advance(1000)
  expect(element((await bulk(org, batch)).text, 'state')).toBe('Completed')
  expect((await bulk(org, `${batch}/result`)).text).toMatch(
    /^"Id","Success","Created","Error"\n"a03\w{15}","true","true",""/,
  )
  await bulk(org, `/${id}/batch`, 'Name\nlate', 'text/csv')
  expect(element((await bulk(org, `/${id}`, job('<state>Aborted</state>'))).text, 'state')).toBe('Aborted')
  expect((await bulk(org, `/${id}/batch`)).text).toContain('<state>NotProcessed</state>')
})

test.each([
  ['no XML', 'nonsense', 'InvalidJob'],
  ['another document', '<batchInfo/>', 'InvalidJob'],
  ['an unknown object', job('<operation>insert</operation><object>Nix</object>'), 'InvalidJob'],
  ['an unknown operation', job(`<operation>merge</operation><object>${INSTANCE}</object>`), 'InvalidJob'],
  [
    'a content type it does not speak',
    job(`<operation>insert</operation><object>${INSTANCE}</object><contentType>ZIP_CSV</contentType>`),
    'InvalidJob',
  ],
])('a job made of %s is refused', async (_what, body, code) => {
  await using org = await emulatedOrg()
  const { status, text } = await bulk(org, '', body)
  expect(status).toBe(400)
  expect(element(text, 'exceptionCode')).toBe(code)
})

test('a batch that cannot be read fails by itself', async () => {
  await using org = await emulatedOrg()
  const created = await bulk(org, '', { operation: 'hardDelete', object: INSTANCE, contentType: 'JSON' })
  const { id } = created.json as { id: string }
  for (const body of ['{"Id":"a035f0000000000AAA"}', 'no JSON', JSON.stringify(Array(10_001).fill({}))]) {
    await bulk(org, `/${id}/batch`, body, JSON_TYPE)
  }
  const { json } = await bulk(org, `/${id}`, undefined, JSON_TYPE)
  expect(json).toMatchObject({ numberBatchesFailed: 3, numberBatchesTotal: 3 })
})

test.each([
  ['/services/async/62.0/nothing', 'GET', 'InvalidUrl'],
  [JOBS, 'GET', 'InvalidUrl'],
  [`${JOBS}/750000000000000`, 'GET', 'InvalidUrl'],
])('%s by %s is refused in its own words', async (path, method, code) => {
  await using org = await emulatedOrg()
  const headers = { 'x-sfdc-session': org.emulator.org.sessions.open().token }
  expect(element((await org.bare(path, { method, headers })).text, 'exceptionCode')).toBe(code)
})

test('a job knows only its own paths', async () => {
  await using org = await emulatedOrg()
  const { json } = await bulk(org, '', { operation: 'delete', object: INSTANCE })
  const { id } = json as { id: string }
  for (const path of ['/nothing', '/batch/751000000000000', '/batch/x']) {
    expect((await bulk(org, `/${id}${path}`)).status).toBe(400)
  }
  const sent = await bulk(org, `/${id}/batch`, 'Id\na035f0000000000AAA', 'text/csv')
  const batch = `/${id}/batch/${String(element(sent.text, 'id'))}`
  expect((await bulk(org, `${batch}/nothing`)).status).toBe(400)
  const headers = { 'x-sfdc-session': org.emulator.org.sessions.open().token }
  expect((await org.bare(`${JOBS}/${id}`, { method: 'PUT', headers })).status).toBe(400)
})

test('a dead session and a limit reached are refused with 400, in XML and in JSON', async () => {
  await using org = await emulatedOrg()
  org.emulator.org.fail('request-limit', 1)
  expect(element((await bulk(org, '')).text, 'exceptionCode')).toBe('ExceededQuota')
  const dead = { 'x-sfdc-session': '00D!dead' }
  const xml = await org.bare(JOBS, { headers: dead })
  expect(xml).toMatchObject({
    status: 400,
    text: '<?xml version="1.0" encoding="UTF-8"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>Invalid session id</exceptionMessage></error>',
  })
  const json = await org.bare(JOBS, { headers: { ...dead, accept: JSON_TYPE } })
  expect(json).toMatchObject({ status: 400, json: { exceptionCode: 'InvalidSessionId' } })
})
