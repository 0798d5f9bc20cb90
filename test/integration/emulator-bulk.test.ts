import { expect, test } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { parseCsv } from '../../src/emulator/csv.ts'
import { emulatedOrg, type Answered, type EmulatedOrg } from '../support/emulated-org.ts'

const JOBS = '/services/data/v62.0/jobs'
const HOST = 'CA10__CaAwsInstance__c'

const send = (org: EmulatedOrg, method: string, path: string, body?: unknown) =>
  org.call(JOBS + path, {
    method,
    headers: { 'content-type': typeof body === 'string' ? 'text/csv' : 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })

function idOf({ json, text }: Answered): string {
  if (typeof json === 'object' && json !== null && 'id' in json && typeof json.id === 'string') return json.id
  throw new Error(`no job in ${text}`)
}

async function queryJob(org: EmulatedOrg, query: string, more: object = {}): Promise<string> {
  return idOf(await send(org, 'POST', '/query', { operation: 'query', query, ...more }))
}

test('results come in pages by locator, the last of which is the word null', async () => {
  await using org = await emulatedOrg({ records: 25 })
  const id = await queryJob(org, `SELECT Name, CA10__launchTime__c, CA10__vpc__r.Name FROM ${HOST}`)
  expect((await send(org, 'GET', `/query/${id}`)).json).toMatchObject({
    id,
    operation: 'query',
    object: HOST,
    state: 'JobComplete',
    jobType: 'V2Query',
    apiVersion: 62,
    numberRecordsProcessed: 25,
  })
  const first = await send(org, 'GET', `/query/${id}/results?maxRecords=20`)
  expect(first.headers.get('content-type')).toMatch(/^text\/csv/)
  expect(first.headers.get('sforce-numberofrecords')).toBe('20')
  const locator = first.headers.get('sforce-locator') ?? ''
  const [header, row] = parseCsv(first.text)
  expect(header).toEqual(['Name', 'CA10__launchTime__c', 'CA10__vpc__r.Name'])
  expect(row?.[1]).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/)
  const second = await send(org, 'GET', `/query/${id}/results?maxRecords=20&locator=${locator}`)
  expect(second.headers.get('sforce-numberofrecords')).toBe('5')
  expect(second.headers.get('sforce-locator')).toBe('null')
  expect((await send(org, 'GET', `/query/${id}/results?locator=zzz`)).status).toBe(400)
})

test('delimiter and line end are as asked for', async () => {
  await using org = await emulatedOrg({ records: 3 })
  const id = await queryJob(org, `SELECT Id, CA10__cpuCount__c, CA10__ebsOptimized__c FROM ${HOST}`, {
    columnDelimiter: 'PIPE',
    lineEnding: 'CRLF',
  })
  const { text } = await send(org, 'GET', `/query/${id}/results`)
  expect(text).toMatch(/^"Id"\|"CA10__cpuCount__c"\|"CA10__ebsOptimized__c"\r\n"a03\w+"\|"\d+"\|"(true|false)"\r\n/)
})

test('a job takes its time where the org is told so', async () => {
  let now = Date.UTC(2026, 0, 1)
  const clock: Clock = { now: () => now, monotonic: () => now, sleep: () => Promise.resolve() }
  await using org = await emulatedOrg({ clock })
  org.emulator.org.jobDurationMs = 60_000
  const id = await queryJob(org, `SELECT Id FROM ${HOST}`)
  expect((await send(org, 'GET', `/query/${id}`)).json).toMatchObject({ state: 'InProgress' })
  expect((await send(org, 'GET', `/query/${id}/results`)).json).toMatchObject([{ errorCode: 'INVALIDJOBSTATE' }])
  now += 60_000
  expect((await send(org, 'GET', `/query/${id}`)).json).toMatchObject({ state: 'JobComplete' })
  const other = await queryJob(org, `SELECT Id FROM ${HOST}`)
  expect((await send(org, 'PATCH', `/query/${other}`, { state: 'Aborted' })).json).toMatchObject({ state: 'Aborted' })
  now += 60_000
  expect((await send(org, 'GET', `/query/${other}`)).json).toMatchObject({ state: 'Aborted' })
  expect((await send(org, 'PATCH', `/query/${other}`, { state: 'Aborted' })).status).toBe(400)
})

test('query jobs are listed and deleted, and not everything can be queried', async () => {
  await using org = await emulatedOrg()
  const id = await queryJob(org, `SELECT Id FROM ${HOST}`, { operation: 'queryAll' })
  expect((await send(org, 'GET', '/query')).json).toMatchObject({
    done: true,
    records: [{ id, operation: 'queryAll' }],
  })
  expect((await send(org, 'PATCH', `/query/${id}`, { state: 'Open' })).status).toBe(400)
  expect((await send(org, 'PUT', `/query/${id}`, {})).status).toBe(405)
  expect((await send(org, 'GET', `/query/${id}/nothing`)).status).toBe(404)
  expect((await send(org, 'DELETE', `/query/${id}`)).status).toBe(204)
  expect((await send(org, 'GET', `/query/${id}`)).status).toBe(404)
  const refused = [
    { operation: 'query' },
    { operation: 'other', query: `SELECT Id FROM ${HOST}` },
    { operation: 'query', query: `SELECT COUNT(Id) FROM ${HOST}` },
    { operation: 'query', query: `SELECT Id, (SELECT Id FROM CA10__volumes__r) FROM ${HOST}` },
    { operation: 'query', query: `SELECT Id FROM ${HOST}`, contentType: 'XML' },
    { operation: 'query', query: `SELECT Id FROM ${HOST}`, columnDelimiter: 'STAR' },
  ]
  for (const body of refused) expect((await send(org, 'POST', '/query', body)).status).toBe(400)
  expect((await send(org, 'GET', '/nothing')).status).toBe(404)
})

async function ingest(org: EmulatedOrg, job: object, csv: string): Promise<string> {
  const id = idOf(await send(org, 'POST', '/ingest', { object: HOST, ...job }))
  expect((await send(org, 'PUT', `/ingest/${id}/batches`, csv)).status).toBe(201)
  expect((await send(org, 'PATCH', `/ingest/${id}`, { state: 'UploadComplete' })).json).toMatchObject({
    state: 'UploadComplete',
  })
  return id
}

const part = async (org: EmulatedOrg, id: string, name: string, delimiter = ',') =>
  parseCsv((await send(org, 'GET', `/ingest/${id}/${name}`)).text, delimiter)

test('an upsert job changes what is there and makes what is not', async () => {
  await using org = await emulatedOrg()
  const job = { operation: 'upsert', externalIdFieldName: 'CA10__instanceId__c' }
  await ingest(org, { operation: 'insert' }, 'Name,CA10__instanceId__c,CA10__platform__c\nold,i-1,linux\n')
  await send(org, 'GET', '/ingest/7515f0000000001AAA')
  const csv = 'Name,CA10__instanceId__c,CA10__platform__c\r\nnewer,i-1,#N/A\r\nnew,i-2,\r\nkeyless,,linux\r\n'
  const id = await ingest(org, job, csv)
  expect((await send(org, 'GET', `/ingest/${id}`)).json).toMatchObject({
    state: 'JobComplete',
    operation: 'upsert',
    externalIdFieldName: 'CA10__instanceId__c',
    contentUrl: `services/data/v62.0/jobs/ingest/${id}/batches`,
    numberRecordsProcessed: 3,
    numberRecordsFailed: 1,
  })
  const [header, ...rows] = await part(org, id, 'successfulResults')
  expect(header).toEqual(['sf__Id', 'sf__Created', 'Name', 'CA10__instanceId__c', 'CA10__platform__c'])
  expect(rows.map((row) => row.slice(1, 3))).toEqual([
    ['false', 'newer'],
    ['true', 'new'],
  ])
  const [, failed] = await part(org, id, 'failedResults')
  expect(failed?.[1]).toBe('MISSING_ARGUMENT:CA10__instanceId__c not specified:CA10__instanceId__c --')
  expect(await part(org, id, 'unprocessedrecords')).toEqual([['Name', 'CA10__instanceId__c', 'CA10__platform__c']])
  const path = `/services/data/v62.0/sobjects/${HOST}/CA10__instanceId__c/i-1?fields=Name,CA10__platform__c`
  expect((await org.call(path)).json).toMatchObject({ Name: 'newer', CA10__platform__c: null })
})

test('records are changed and deleted by job', async () => {
  await using org = await emulatedOrg()
  const record = `/services/data/v62.0/sobjects/${HOST}/a035f0000000000AAA`
  const update = await ingest(
    org,
    { operation: 'update', columnDelimiter: 'TAB' },
    'Id\tName\na035f0000000000\tmoved\n',
  )
  expect(await part(org, update, 'successfulResults', '\t')).toHaveLength(2)
  expect((await org.call(record)).json).toMatchObject({ Name: 'moved' })
  for (const operation of ['delete', 'hardDelete']) {
    const id = await ingest(org, { operation }, 'Id\na035f0000000000AAA\n')
    await send(org, 'GET', `/ingest/${id}`)
  }
  expect((await org.call(record)).status).toBe(404)
})

test('an aborted job leaves its records unprocessed', async () => {
  await using org = await emulatedOrg()
  const id = idOf(await send(org, 'POST', '/ingest', { object: HOST, operation: 'insert' }))
  expect(await part(org, id, 'unprocessedrecords')).toEqual([])
  await send(org, 'PUT', `/ingest/${id}/batches`, 'Name\nnever\n')
  expect((await send(org, 'PATCH', `/ingest/${id}`, { state: 'Aborted' })).json).toMatchObject({ state: 'Aborted' })
  expect(await part(org, id, 'unprocessedrecords')).toEqual([['Name'], ['never']])
  expect((await send(org, 'PATCH', `/ingest/${id}`, { state: 'UploadComplete' })).status).toBe(400)
  expect((await send(org, 'PUT', `/ingest/${id}/batches`, 'Name\nx\n')).json).toMatchObject([
    { errorCode: 'INVALIDJOBSTATE' },
  ])
})

test('a job of malformed CSV fails', async () => {
  await using org = await emulatedOrg()
  const id = await ingest(org, { operation: 'insert' }, 'Name\n"open')
  expect((await send(org, 'GET', `/ingest/${id}`)).json).toMatchObject({
    state: 'Failed',
    errorMessage: 'InvalidBatch : a quoted field is never closed',
  })
})

test('ingest jobs are listed and deleted, and nonsense is refused', async () => {
  await using org = await emulatedOrg()
  const id = idOf(await send(org, 'POST', '/ingest', { object: HOST, operation: 'insert' }))
  expect((await send(org, 'GET', '/ingest')).json).toMatchObject({ done: true, records: [{ id, state: 'Open' }] })
  expect((await send(org, 'GET', `/ingest/${id}/nothing`)).status).toBe(404)
  expect((await send(org, 'GET', `/ingest/${id}/batches`)).status).toBe(405)
  await send(org, 'PUT', `/ingest/${id}/batches`, 'Name\nx\n')
  expect((await send(org, 'PUT', `/ingest/${id}/batches`, 'Name\nx\n')).status).toBe(400)
  expect((await send(org, 'DELETE', `/ingest/${id}`)).status).toBe(204)
  expect((await send(org, 'GET', `/ingest/${id}`)).status).toBe(404)
  const refused = [
    { object: 'Nothing__c', operation: 'insert' },
    { object: HOST, operation: 'other' },
  ]
  for (const body of refused) expect((await send(org, 'POST', '/ingest', body)).status).toBe(400)
  const nameless = { object: HOST, operation: 'upsert', externalIdFieldName: 'Name' }
  expect((await send(org, 'POST', '/ingest', nameless)).status).toBe(404)
})
