import { expect, test } from 'vitest'
import { emulatedOrg, type EmulatedOrg } from '../support/emulated-org.ts'

const BASE = '/services/data/v62.0'
const HOST = 'CA10__CaAwsInstance__c'
const HOSTS = `${BASE}/sobjects/${HOST}`

const send = (org: EmulatedOrg, method: string, path: string, body?: unknown) =>
  org.call(BASE + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

async function count(org: EmulatedOrg, where = ''): Promise<unknown> {
  const soql = encodeURIComponent(`SELECT COUNT() FROM ${HOST} ${where}`)
  return (await org.call(`${BASE}/query?q=${soql}`)).json
}

const create = (referenceId: string, body: object) => ({ method: 'POST', url: HOSTS, referenceId, body })

test('with allOrNone one failure takes everything back', async () => {
  await using org = await emulatedOrg()
  const id = 'a035f0000000000AAA'
  const compositeRequest = [
    create('a', { Name: 'a', CA10__instanceId__c: 'i-a' }),
    { method: 'PATCH', url: `${HOSTS}/${id}`, referenceId: 'b', body: { Name: 'changed' } },
    { method: 'DELETE', url: `${HOSTS}/${id}`, referenceId: 'c' },
    create('d', {}),
  ]
  const answer = await send(org, 'POST', '/composite', { allOrNone: true, compositeRequest })
  const halted = { httpStatusCode: 400, body: [{ errorCode: 'PROCESSING_HALTED' }] }
  expect(answer.json).toMatchObject({
    compositeResponse: [
      { ...halted, referenceId: 'a' },
      { ...halted, referenceId: 'b' },
      { ...halted, referenceId: 'c' },
      { httpStatusCode: 400, referenceId: 'd', body: [{ errorCode: 'REQUIRED_FIELD_MISSING' }] },
    ],
  })
  expect(await count(org)).toMatchObject({ totalSize: 20 })
  expect(await count(org, "WHERE Name = 'changed' OR CA10__instanceId__c = 'i-a'")).toMatchObject({ totalSize: 0 })
  expect((await send(org, 'POST', '/composite', { compositeRequest: [compositeRequest[0]] })).json).toMatchObject({
    compositeResponse: [{ httpStatusCode: 201 }],
  })
})

test('without it the others stand, and what refers to the failure is halted', async () => {
  await using org = await emulatedOrg()
  const compositeRequest = [
    create('bad', {}),
    create('orphan', { Name: '@{bad.id}' }),
    create('good', { Name: 'good' }),
    { method: 'GET', url: `${BASE}/query?q=SELECT+Id,Name+FROM+${HOST}+WHERE+Id='@{good.id}'`, referenceId: 'found' },
    create('copy', {
      Name: '@{found.records[0].Name} of @{found.totalSize}',
      CA10__cpuCount__c: 3,
      CA10__tags__c: null,
    }),
    { url: `${BASE}/limits`, httpHeaders: { Accept: 'application/json' } },
  ]
  const answer = await send(org, 'POST', '/composite', { compositeRequest })
  expect(answer.json).toMatchObject({
    compositeResponse: [
      { httpStatusCode: 400, body: [{ errorCode: 'REQUIRED_FIELD_MISSING' }] },
      { httpStatusCode: 400, body: [{ errorCode: 'PROCESSING_HALTED' }] },
      { httpStatusCode: 201, httpHeaders: { Location: {} } },
      { httpStatusCode: 200, body: { totalSize: 1 } },
      { httpStatusCode: 201 },
      { httpStatusCode: 200, referenceId: '5' },
    ],
  })
  expect(await count(org, "WHERE Name = 'good of 1'")).toMatchObject({ totalSize: 1 })
})

test('a composite request costs one call', async () => {
  await using org = await emulatedOrg()
  const compositeRequest = [create('a', { Name: 'a' }), create('b', { Name: 'b' })]
  const answer = await send(org, 'POST', '/composite', { compositeRequest })
  expect(answer.headers.get('sforce-limit-info')).toBe('api-usage=1/100000')
})

test('a batch goes on after a failure, or halts when told to', async () => {
  await using org = await emulatedOrg()
  const batchRequests = [
    { method: 'POST', url: `v62.0/sobjects/${HOST}`, richInput: { Name: 'batched' } },
    { method: 'GET', url: `v62.0/sobjects/Nothing__c` },
    { method: 'GET', url: `${BASE}/limits` },
    { method: 'DELETE', url: `v62.0/sobjects/${HOST}/a035f0000000000AAA` },
  ]
  expect((await send(org, 'POST', '/composite/batch', { batchRequests })).json).toMatchObject({
    hasErrors: true,
    results: [{ statusCode: 201 }, { statusCode: 404 }, { statusCode: 200 }, { statusCode: 204, result: null }],
  })
  expect((await send(org, 'POST', '/composite/batch', { batchRequests, haltOnError: true })).json).toMatchObject({
    results: [{ statusCode: 201 }, { statusCode: 404 }, { statusCode: 412 }, { statusCode: 412 }],
  })
})

test('composite requests have their bounds', async () => {
  await using org = await emulatedOrg()
  const many = Array.from({ length: 26 }, (_, n) => create(`r${n}`, { Name: 'x' }))
  expect((await send(org, 'POST', '/composite', { compositeRequest: many })).status).toBe(400)
  expect((await send(org, 'POST', '/composite', {})).status).toBe(400)
  expect((await send(org, 'GET', '/composite')).status).toBe(405)
  expect((await send(org, 'GET', '/composite/nothing')).status).toBe(404)
})

const attributes = { type: HOST }

test('many records are saved at once, each with its own result', async () => {
  await using org = await emulatedOrg()
  const records = [{ attributes, Name: 'a', CA10__instanceId__c: 'i-a' }, { attributes }]
  const made = await send(org, 'POST', '/composite/sobjects', { records })
  expect(made.json).toMatchObject([
    { success: true, errors: [] },
    { success: false, errors: [{ fields: ['Name'] }] },
  ])

  const upserts = [
    { attributes, CA10__instanceId__c: 'i-a', Name: 'again' },
    { attributes, CA10__instanceId__c: 'i-b', Name: 'b' },
    { attributes, Name: 'without key' },
  ]
  expect(
    (await send(org, 'PATCH', `/composite/sobjects/${HOST}/CA10__instanceId__c`, { records: upserts })).json,
  ).toMatchObject([
    { success: true, created: false },
    { success: true, created: true },
    { success: false, errors: [{ statusCode: 'MISSING_ARGUMENT' }] },
  ])
  const ids = [await idOf(org, 'again'), await idOf(org, 'b')]
  const updates = [...ids.map((id) => ({ attributes, Id: id, CA10__cpuCount__c: 9 })), { attributes, Name: 'x' }]
  expect((await send(org, 'PATCH', '/composite/sobjects', { records: updates })).json).toMatchObject([
    { id: ids[0], success: true },
    { id: ids[1], success: true },
    { success: false, errors: [{ statusCode: 'MISSING_ARGUMENT', fields: ['Id'] }] },
  ])
  const byId = [
    { attributes, Id: ids[0], Name: 'by id' },
    { attributes, Name: 'brand new' },
  ]
  expect((await send(org, 'PATCH', `/composite/sobjects/${HOST}/Id`, { records: byId })).json).toMatchObject([
    { id: ids[0], created: false },
    { success: true, created: true },
  ])
  const read = await send(org, 'POST', `/composite/sobjects/${HOST}`, {
    ids: [...ids, 'a03000000000000AAA'],
    fields: ['Name'],
  })
  expect(read.json).toMatchObject([{ Name: 'by id' }, { Name: 'b' }, null])
  const list = ids.join(',')
  expect((await send(org, 'GET', `/composite/sobjects/${HOST}?ids=${list}&fields=Name`)).json).toHaveLength(2)
  expect((await send(org, 'DELETE', `/composite/sobjects?ids=${list}`)).json).toMatchObject([
    { success: true },
    { success: true },
  ])
  expect((await send(org, 'DELETE', `/composite/sobjects?ids=${list}`)).json).toMatchObject([
    { errors: [{ statusCode: 'ENTITY_IS_DELETED' }] },
    {},
  ])
})

async function idOf(org: EmulatedOrg, name: string): Promise<string> {
  const soql = encodeURIComponent(`SELECT Id FROM ${HOST} WHERE Name = '${name}'`)
  const { text } = await org.call(`${BASE}/query?q=${soql}`)
  return /"Id":"(\w+)"/.exec(text)?.[1] ?? ''
}

test('of many records all or none are saved when told so', async () => {
  await using org = await emulatedOrg()
  const records = [{ attributes, Name: 'a' }, { attributes }]
  expect((await send(org, 'POST', '/composite/sobjects', { allOrNone: true, records })).json).toMatchObject([
    { success: false, errors: [{ statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK' }] },
    { success: false, errors: [{ statusCode: 'REQUIRED_FIELD_MISSING' }] },
  ])
  expect(await count(org)).toMatchObject({ totalSize: 20 })
  const both = 'a035f0000000000AAA,a03000000000000AAA'
  expect((await send(org, 'DELETE', `/composite/sobjects?ids=${both}&allOrNone=true`)).json).toMatchObject([
    { success: false },
    { success: false, errors: [{ statusCode: 'INVALID_CROSS_REFERENCE_KEY' }] },
  ])
  expect(await count(org)).toMatchObject({ totalSize: 20 })
})

test('all or none holds within a composite request that goes on', async () => {
  await using org = await emulatedOrg()
  const url = `${BASE}/composite/sobjects`
  const compositeRequest = [
    create('kept', { Name: 'kept' }),
    {
      method: 'POST',
      url,
      referenceId: 'none',
      body: { allOrNone: true, records: [{ attributes, Name: 'a' }, { attributes }] },
    },
    { method: 'POST', url, referenceId: 'typeless', body: { records: [{ attributes, Name: 'a' }, { Name: 'b' }] } },
    { method: 'POST', url, referenceId: 'all', body: { allOrNone: true, records: [{ attributes, Name: 'too' }] } },
  ]
  await send(org, 'POST', '/composite', { compositeRequest })
  expect(await count(org)).toMatchObject({ totalSize: 22 })
  await send(org, 'POST', '/composite', { compositeRequest, allOrNone: true })
  expect(await count(org)).toMatchObject({ totalSize: 22 })
})

test('requests about many records have their bounds', async () => {
  await using org = await emulatedOrg()
  const records = Array.from({ length: 201 }, () => ({ attributes, Name: 'x' }))
  expect((await send(org, 'POST', '/composite/sobjects', { records })).status).toBe(400)
  expect((await send(org, 'POST', '/composite/sobjects', {})).status).toBe(400)
  expect((await send(org, 'GET', '/composite/sobjects')).status).toBe(405)
  expect((await send(org, 'GET', `/composite/sobjects/${HOST}?ids=x`)).status).toBe(400)
  expect((await send(org, 'GET', `/composite/sobjects/Nothing__c?ids=x&fields=Id`)).status).toBe(404)
  expect((await send(org, 'POST', '/composite/sobjects', { records: [{ Name: 'typeless' }] })).status).toBe(404)
})
