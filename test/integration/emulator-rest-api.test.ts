import { expect, test } from 'vitest'
import { emulatedOrg, type Answered, type EmulatedOrg } from '../support/emulated-org.ts'

const BASE = '/services/data/v62.0'
const HOST = 'CA10__CaAwsInstance__c'
const HOSTS = `${BASE}/sobjects/${HOST}`

const send = (org: EmulatedOrg, method: string, path: string, body?: unknown) =>
  org.call(path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })

const query = (org: EmulatedOrg, soql: string, headers: Record<string, string> = {}) =>
  org.call(`${BASE}/query?q=${encodeURIComponent(soql)}`, { headers })

/** The text at a place of an answer, such as `records.0.Id`. */
function at({ json }: Answered, path: string): string {
  let value: unknown = json
  // Asking a non-object for a property yields undefined, which is text as well as any other wrong value.
  for (const step of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[step]
  return String(value)
}

async function firstId(org: EmulatedOrg): Promise<string> {
  return at(await query(org, `SELECT Id FROM ${HOST} LIMIT 1`), 'records.0.Id')
}

test('results come in pages of the size asked for, within its bounds', async () => {
  await using org = await emulatedOrg({ records: 450 })
  const soql = `SELECT Id FROM ${HOST}`
  const first = await query(org, soql, { 'Sforce-Query-Options': 'batchSize=200' })
  expect(first.json).toMatchObject({ totalSize: 450, done: false })
  const second = await org.call(at(first, 'nextRecordsUrl'))
  const third = await org.call(at(second, 'nextRecordsUrl'))
  expect(at(second, 'nextRecordsUrl')).toMatch(/^\/services\/data\/v62\.0\/query\/01g\w{15}-400$/)
  expect(third.json).toMatchObject({ totalSize: 450, done: true })
  expect(third.json).not.toHaveProperty('nextRecordsUrl')
  expect(at(third, 'records.length')).toBe('50')
  const tiny = await query(org, soql, { 'Sforce-Query-Options': 'batchSize=1' })
  expect(at(tiny, 'records.length')).toBe('200')
})

test('a page that never was is refused', async () => {
  await using org = await emulatedOrg({ records: 450 })
  const first = await query(org, `SELECT Id FROM ${HOST}`, { 'Sforce-Query-Options': 'batchSize=200' })
  expect((await org.call(`${BASE}/query/01g000000000000AAA-200`)).json).toMatchObject([
    { errorCode: 'INVALID_QUERY_LOCATOR' },
  ])
  expect((await org.call(at(first, 'nextRecordsUrl').replace('-200', '-900'))).status).toBe(404)
  expect((await org.call(`${BASE}/query`)).json).toMatchObject([{ errorCode: 'MALFORMED_QUERY' }])
})

test('the oldest of very many open queries are forgotten', async () => {
  await using org = await emulatedOrg({ records: 201 })
  const small = { 'Sforce-Query-Options': 'batchSize=200' }
  const first = await query(org, `SELECT Id FROM ${HOST}`, small)
  for (let n = 0; n < 100; n++) await query(org, `SELECT Id FROM ${HOST}`, small)
  expect((await org.call(at(first, 'nextRecordsUrl'))).json).toMatchObject([{ errorCode: 'INVALID_QUERY_LOCATOR' }])
})

test('columns=true describes the columns instead of answering', async () => {
  await using org = await emulatedOrg()
  const soql = `SELECT Name, CA10__cpuCount__c, CA10__vpcSubnet__r.Name, (SELECT Id FROM CA10__volumes__r) FROM ${HOST}`
  const answer = await org.call(`${BASE}/query?q=${encodeURIComponent(soql)}&columns=true`)
  expect(answer.json).toMatchObject({
    entityName: HOST,
    groupBy: false,
    idSelected: false,
    keyPrefix: 'a03',
    columnMetadata: [
      { columnName: 'Name', displayName: 'Name', apexType: 'String', textType: true, joinColumns: [], custom: false },
      { columnName: 'CA10__cpuCount__c', apexType: 'Integer', numberType: true, custom: true, insertable: true },
      { columnName: 'CA10__vpcSubnet__r', aggregate: false, joinColumns: [{ columnName: 'Name' }] },
      { columnName: 'CA10__volumes__r', aggregate: true, joinColumns: [{ columnName: 'Id', foreignKeyName: null }] },
    ],
  })
  const grouped = `SELECT COUNT(Id) n FROM ${HOST}`
  expect((await org.call(`${BASE}/query?columns=true&q=${encodeURIComponent(grouped)}`)).json).toMatchObject({
    groupBy: true,
    columnMetadata: [{ columnName: 'n', aggregate: true, apexType: null }],
  })
})

test('queryAll finds what was deleted, and pages under its own name', async () => {
  await using org = await emulatedOrg({ records: 250 })
  expect((await send(org, 'DELETE', `${HOSTS}/${await firstId(org)}`)).status).toBe(204)
  const soql = encodeURIComponent(`SELECT Id FROM ${HOST} WHERE IsDeleted = true`)
  expect((await org.call(`${BASE}/queryAll?q=${soql}`)).json).toMatchObject({ totalSize: 1 })
  expect((await org.call(`${BASE}/query?q=${soql}`)).json).toMatchObject({ totalSize: 0 })
  const all = await org.call(`${BASE}/queryAll?q=${encodeURIComponent(`SELECT Id FROM ${HOST}`)}`, {
    headers: { 'Sforce-Query-Options': 'batchSize=200' },
  })
  expect(at(all, 'nextRecordsUrl')).toContain('/queryAll/')
})

test('what the Salesforce CLI asks on its way in is there', async () => {
  await using org = await emulatedOrg()
  const { orgId, userId, username } = org.emulator.org
  const soql =
    'SELECT Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix, OrganizationType FROM Organization'
  expect((await query(org, soql)).json).toMatchObject({
    records: [
      { attributes: { url: `${BASE}/sobjects/Organization/${orgId}` }, IsSandbox: false, NamespacePrefix: null },
    ],
  })
  const user = await org.call(`//services/data/v51.0/sobjects/User/${userId}`)
  expect(user.json).toMatchObject({ Id: userId, Username: username, IsActive: true })
  expect((await query(org, 'SELECT Id FROM ScratchOrgInfo limit 1')).json).toMatchObject([
    { errorCode: 'INVALID_TYPE' },
  ])
})

test('the resources of a version end with an absolute identity URL', async () => {
  await using org = await emulatedOrg()
  const { orgId, userId } = org.emulator.org
  expect((await org.call(BASE)).json).toMatchObject({
    sobjects: `${BASE}/sobjects`,
    identity: `https://login.salesforce.com/id/${orgId}/${userId}`,
  })
  for (const path of ['recent', 'tabs']) expect((await org.call(`${BASE}/${path}`)).json).toEqual([])
  expect((await org.call(`${BASE}/theme`)).json).toEqual({ themeItems: [] })
})

test.each<[string, string, string, unknown, number, object]>([
  ['an unknown object', 'GET', '/sobjects/Nothing__c', undefined, 404, { errorCode: 'NOT_FOUND' }],
  ['an unknown record', 'GET', `/sobjects/${HOST}/a03000000000000AAA`, undefined, 404, { errorCode: 'NOT_FOUND' }],
  ['an unknown record to change', 'PATCH', `/sobjects/${HOST}/a03000000000000AAA`, {}, 404, { errorCode: 'NOT_FOUND' }],
  ['an unknown method', 'PUT', `/sobjects/${HOST}/a035f0000000000AAA`, {}, 405, { errorCode: 'METHOD_NOT_ALLOWED' }],
  ['a method on an object', 'DELETE', `/sobjects/${HOST}`, undefined, 405, { errorCode: 'METHOD_NOT_ALLOWED' }],
  ['a body that is no JSON', 'POST', `/sobjects/${HOST}`, '{', 400, { errorCode: 'JSON_PARSER_ERROR' }],
  ['a body that is no object', 'POST', `/sobjects/${HOST}`, '[]', 400, { errorCode: 'JSON_PARSER_ERROR' }],
  [
    'a record without its name',
    'POST',
    `/sobjects/${HOST}`,
    { CA10__cpuCount__c: 1 },
    400,
    { errorCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [Name]', fields: ['Name'] },
  ],
  [
    'a field that is not there',
    'POST',
    `/sobjects/${HOST}`,
    { Name: 'x', Foo__c: 1 },
    400,
    { errorCode: 'INVALID_FIELD', message: `No such column 'Foo__c' on sobject of type ${HOST}` },
  ],
  [
    'a field that the platform keeps',
    'POST',
    `/sobjects/${HOST}`,
    { Name: 'x', CreatedDate: 'x' },
    400,
    { errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE', fields: ['CreatedDate'] },
  ],
  ['a name too long', 'POST', `/sobjects/${HOST}`, { Name: 'x'.repeat(81) }, 400, { errorCode: 'STRING_TOO_LONG' }],
  ['an object for a name', 'POST', `/sobjects/${HOST}`, { Name: {} }, 400, { errorCode: 'JSON_PARSER_ERROR' }],
  [
    'a text for a number',
    'POST',
    `/sobjects/${HOST}`,
    { Name: 'x', CA10__cpuCount__c: 'x' },
    400,
    { errorCode: 'JSON_PARSER_ERROR' },
  ],
  [
    'a text for a boolean',
    'POST',
    `/sobjects/${HOST}`,
    { Name: 'x', CA10__ebsOptimized__c: 'x' },
    400,
    { errorCode: 'JSON_PARSER_ERROR' },
  ],
  [
    'a text for an instant',
    'POST',
    `/sobjects/${HOST}`,
    { Name: 'x', CA10__launchTime__c: 'x' },
    400,
    { errorCode: 'JSON_PARSER_ERROR' },
  ],
  [
    'a text for a lookup',
    'POST',
    `/sobjects/${HOST}`,
    { Name: 'x', CA10__vpc__c: 'x' },
    400,
    { errorCode: 'MALFORMED_ID' },
  ],
  [
    'a lookup that leads nowhere',
    'POST',
    `/sobjects/${HOST}`,
    { Name: 'x', CA10__vpc__c: 'a01000000000000AAA' },
    400,
    { errorCode: 'INVALID_CROSS_REFERENCE_KEY', fields: ['CA10__vpc__c'] },
  ],
  [
    'a name taken away',
    'PATCH',
    `/sobjects/${HOST}/a035f0000000000AAA`,
    { Name: null },
    400,
    { errorCode: 'REQUIRED_FIELD_MISSING' },
  ],
  ['a query by POST', 'POST', '/query', {}, 405, { errorCode: 'METHOD_NOT_ALLOWED' }],
  ['a new User', 'POST', '/sobjects/User', { Name: 'x' }, 400, { errorCode: 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY' }],
  ['an external Id that is none', 'GET', `/sobjects/${HOST}/Name/x`, undefined, 404, { errorCode: 'NOT_FOUND' }],
  [
    'an external Id that nobody has',
    'GET',
    `/sobjects/${HOST}/CA10__instanceId__c/x`,
    undefined,
    404,
    { errorCode: 'NOT_FOUND' },
  ],
  [
    'changes without a span',
    'GET',
    `/sobjects/${HOST}/updated`,
    undefined,
    400,
    { errorCode: 'INVALID_REPLICATION_DATE' },
  ],
  ['a describe by POST', 'POST', `/sobjects/${HOST}/describe`, {}, 405, { errorCode: 'METHOD_NOT_ALLOWED' }],
  [
    'fields that are not there',
    'GET',
    `/sobjects/${HOST}/a035f0000000000AAA?fields=Foo`,
    undefined,
    400,
    { errorCode: 'INVALID_FIELD' },
  ],
])('%s is refused', async (_what, method, path, body, status, error) => {
  await using org = await emulatedOrg()
  const answer = await send(org, method, BASE + path, body)
  expect([answer.status, answer.json]).toMatchObject([status, [error]])
})

test('a body declared as a form is refused, as curl -d without a header finds out', async () => {
  await using org = await emulatedOrg()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await org.call(HOSTS, { method: 'POST', headers, body: '{"Name":"x"}' })
  expect([answer.status, answer.json]).toMatchObject([415, [{ errorCode: 'UNSUPPORTED_MEDIA_TYPE' }]])
})

test('values are kept in the forms of their fields', async () => {
  await using org = await emulatedOrg()
  const body = {
    Name: 'forms',
    attributes: { type: HOST },
    ca10__CPUcount__c: '4',
    CA10__ebsOptimized__c: 'TRUE',
    CA10__launchTime__c: '2026-01-01T01:00:00+01:00',
    CA10__warrantyUntil__c: '2026-01-01',
    CA10__vpc__c: 'a015f0000000000',
    CA10__platform__c: '',
    CA10__imageId__c: 7,
  }
  const created = await send(org, 'POST', HOSTS, body)
  expect((await org.call(created.headers.get('location') ?? '')).json).toMatchObject({
    CA10__cpuCount__c: 4,
    CA10__ebsOptimized__c: true,
    CA10__launchTime__c: '2026-01-01T00:00:00.000+0000',
    CA10__warrantyUntil__c: '2026-01-01',
    CA10__vpc__c: 'a015f0000000000AAA',
    CA10__platform__c: null,
    CA10__imageId__c: '7',
  })
})

test('an upsert makes a record, then changes it, and refuses a second one of the same key', async () => {
  await using org = await emulatedOrg()
  const path = `${HOSTS}/CA10__instanceId__c/i-new`
  const made = await send(org, 'PATCH', path, { Name: 'new' })
  expect([made.status, made.json]).toMatchObject([201, { success: true, created: true, errors: [] }])
  const changed = await send(org, 'PATCH', path, { Name: 'changed' })
  expect([changed.status, changed.json]).toEqual([
    200,
    { id: at(made, 'id'), success: true, errors: [], created: false },
  ])
  expect((await send(org, 'PATCH', path.replace('62.0', '40.0'), {})).status).toBe(204)
  expect((await org.call(path)).json).toMatchObject({ Name: 'changed', CA10__instanceId__c: 'i-new' })
  const twin = await send(org, 'POST', HOSTS, { Name: 'twin', CA10__instanceId__c: 'I-NEW' })
  expect([twin.status, twin.json]).toMatchObject([400, [{ errorCode: 'DUPLICATE_VALUE' }]])
  const byId = await send(org, 'PATCH', `${HOSTS}/Id/${at(made, 'id')}`, { Name: 'by id' })
  expect(byId.status).toBe(200)
  expect((await send(org, 'DELETE', path)).status).toBe(204)
  expect((await org.call(path)).status).toBe(404)
})

test('clients that know only POST say the method in the query', async () => {
  await using org = await emulatedOrg()
  const path = `${HOSTS}/${await firstId(org)}`
  expect((await send(org, 'POST', `${path}?_HttpMethod=PATCH`, { Name: 'patched' })).status).toBe(204)
  expect((await org.call(`${path}?fields=Name`)).json).toMatchObject({ Name: 'patched' })
})

test('what changed and what was deleted in a span is listed', async () => {
  await using org = await emulatedOrg()
  const id = await firstId(org)
  const created = await send(org, 'POST', HOSTS, { Name: 'fresh' })
  await send(org, 'DELETE', `${HOSTS}/${id}`)
  const now = Date.now()
  const span = [now - 60_000, now + 60_000].map((ms) => new Date(ms).toISOString())
  const asked = `start=${encodeURIComponent(span[0] ?? '')}&end=${encodeURIComponent(span[1] ?? '')}`
  expect((await org.call(`${HOSTS}/updated?${asked}`)).json).toEqual({
    ids: [at(created, 'id')],
    latestDateCovered: span[1],
  })
  expect((await org.call(`${HOSTS}/deleted?${asked}`)).json).toMatchObject({ deletedRecords: [{ id }] })
})

test('search finds whole words, in all fields or in the name', async () => {
  await using org = await emulatedOrg()
  await send(org, 'POST', HOSTS, { Name: 'zeppelin one', CA10__platform__c: 'hindenburg' })
  await send(org, 'POST', HOSTS, { Name: 'zeppelin two' })
  const search = async (sosl: string) => {
    const answer = await org.call(`${BASE}/search?q=${encodeURIComponent(sosl)}`)
    return Number(at(answer, 'searchRecords.length'))
  }
  expect(await search('FIND {zeppelin}')).toBe(2)
  expect(await search('FIND {zeppel}')).toBe(0)
  expect(await search('FIND {zeppel*} LIMIT 1')).toBe(1)
  expect(await search('FIND {zeppelin t?o}')).toBe(1)
  expect(await search('FIND {"zeppelin two"} IN ALL FIELDS')).toBe(1)
  expect(await search(`FIND {hindenburg} IN NAME FIELDS RETURNING ${HOST}`)).toBe(0)
  expect(await search(`FIND {zeppelin} RETURNING ${HOST}(Id WHERE CA10__platform__c IN ('hindenburg')), User`)).toBe(1)
  expect((await org.call(`${BASE}/search?q=nothing`)).json).toMatchObject([{ errorCode: 'MALFORMED_SEARCH' }])
})

test('search takes its parameters one by one too', async () => {
  await using org = await emulatedOrg()
  await send(org, 'POST', HOSTS, { Name: 'zeppelin' })
  const path = `${BASE}/parameterizedSearch`
  const found = { searchRecords: [{ attributes: { type: HOST }, Name: 'zeppelin' }] }
  expect((await org.call(`${path}?q=zeppelin&sobject=${HOST}&fields=Name`)).json).toMatchObject(found)
  const sobjects = [{ name: HOST, fields: ['Name'], limit: 1 }]
  expect((await send(org, 'POST', path, { q: 'zeppelin', in: 'NAME', sobjects, overallLimit: 5 })).json).toMatchObject(
    found,
  )
  expect((await org.call(`${path}?q=zeppelin&sobject=${HOST}`)).json).toMatchObject({
    searchRecords: [{ attributes: {} }],
  })
  expect((await org.call(`${path}?q=zeppelin`)).json).toMatchObject({ searchRecords: [{ attributes: { type: HOST } }] })
  expect((await org.call(path)).status).toBe(400)
})
