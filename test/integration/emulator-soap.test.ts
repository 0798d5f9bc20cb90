import { Connection } from 'jsforce'
import { expect, test } from 'vitest'
import { emulatedOrg, type EmulatedOrg } from '../support/emulated-org.ts'
import { jsforceOn } from '../support/jsforce-client.ts'

const INSTANCE = 'CA10__CaAwsInstance__c'
const PARTNER = '/services/Soap/u/62.0'

/** Calls the partner API, or another service, with a live session and the operation given as XML. */
function soap(org: EmulatedOrg, operation: string, { path = PARTNER, header = '' } = {}) {
  const session = `<SessionHeader><sessionId>${org.emulator.org.sessions.open().token}</sessionId></SessionHeader>`
  const body = `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Header>${session}${header}</e:Header><e:Body>${operation}</e:Body></e:Envelope>`
  return org.bare(path, { method: 'POST', body, headers: { 'content-type': 'text/xml', SOAPAction: '""' } })
}

const all = (xml: string, name: string) =>
  Array.from(xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g')), ([, text]) => text)

test('jsforce logs in by SOAP, reads who it is, and logs out', async () => {
  await using org = await emulatedOrg()
  const { emulator } = org
  const connection = new Connection({ loginUrl: emulator.url })
  const { username, password, orgId, userId } = emulator.org
  const user = await connection.login(username, password)
  expect(user).toMatchObject({ id: userId, organizationId: orgId })
  expect(connection.instanceUrl).toBe(emulator.url)
  expect(await connection.soap.getUserInfo()).toMatchObject({ userId, userName: username, orgHasPersonAccounts: false })
  expect(Date.parse((await connection.soap.getServerTimestamp()).timestamp)).not.toBeNaN()
  const { accessToken } = connection
  expect((await connection.query(`SELECT Id FROM ${INSTANCE} LIMIT 1`)).totalSize).toBe(1)
  await connection.logout()
  expect(emulator.org.sessions.find(accessToken ?? '')).toBeUndefined()
})

test.each([
  [
    'a wrong password',
    '62.0',
    'wrong',
    'INVALID_LOGIN: Invalid username, password, security token; or user locked out.',
  ],
  ['a version without login', '65.0', undefined, 'UNSUPPORTED_API_VERSION: login() is not available in version 65.0'],
])('%s is refused by a fault', async (_what, version, password, message) => {
  await using org = await emulatedOrg()
  const connection = new Connection({ loginUrl: org.emulator.url, version })
  const login = connection.login(org.emulator.org.username, password ?? org.emulator.org.password)
  await expect(login).rejects.toThrow(message)
})

test('a login by password is a session of its own, and counts as a login', async () => {
  await using org = await emulatedOrg({ loginLimitPerHour: 1 })
  const shared = org.emulator.org.sessions.open()
  const connection = new Connection({ loginUrl: org.emulator.url })
  const { username, password } = org.emulator.org
  await connection.login(username, password)
  expect(connection.accessToken).not.toBe(shared.token)
  await expect(new Connection({ loginUrl: org.emulator.url }).login(username, password)).rejects.toThrow(
    'LOGIN_RATE_EXCEEDED',
  )
})

test('a query is read to its end through queryMore, and is what REST tells', async () => {
  await using org = await emulatedOrg({ records: 450 })
  const header = '<QueryOptions><batchSize>200</batchSize></QueryOptions>'
  const soql = `SELECT Id, Name, CA10__vpcSubnet__r.Name FROM ${INSTANCE}`
  const ids: (string | undefined)[] = []
  let page = await soap(org, `<query><queryString>${soql}</queryString></query>`, { header })
  for (let pages = 1; pages < 9; pages++) {
    ids.push(...all(page.text, 'sf:Id').filter((id) => id?.startsWith('a03')))
    const [locator] = all(page.text, 'queryLocator')
    if (locator === undefined) break
    expect(all(page.text, 'done')).toEqual(['false'])
    page = await soap(org, `<queryMore><queryLocator>${locator}</queryLocator></queryMore>`, { header })
  }
  expect(all(page.text, 'size')).toEqual(['450'])
  const rest = await jsforceOn(org.emulator).query(soql, { autoFetch: true })
  expect(ids).toEqual(rest.records.map((record) => record.Id))
})

test('a record of the partner API names its type and Id, one of the enterprise API carries the type', async () => {
  await using org = await emulatedOrg()
  const operation = `<query><queryString>SELECT Name, CreatedDate, (SELECT Name FROM CA10__volumes__r) FROM ${INSTANCE} LIMIT 1</queryString></query>`
  const partner = await soap(org, operation)
  expect(partner.headers.get('content-type')).toBe('text/xml;charset=UTF-8')
  expect(partner.text).toContain(`<records xsi:type="sf:sObject"><sf:type>${INSTANCE}</sf:type><sf:Id xsi:nil="true"/>`)
  expect(partner.text).toMatch(/<sf:CreatedDate>[\d-]+T[\d:.]+Z<\/sf:CreatedDate>/)
  expect(partner.text).toContain('<sf:CA10__volumes__r xsi:type="QueryResult"><done>true</done>')
  const enterprise = await soap(org, operation, { path: '/services/Soap/c/62.0/00D5f0000000000' })
  expect(enterprise.text).toContain(`<records xsi:type="sf:${INSTANCE}"><sf:Name>`)
  expect(enterprise.text).toContain('xmlns="urn:enterprise.soap.sforce.com"')
})

test('the recycle bin shows in queryAll only, and retrieve gives nil for what is not there', async () => {
  await using org = await emulatedOrg()
  const connection = jsforceOn(org.emulator)
  const made = await connection.soap.create({ type: INSTANCE, Name: 'gone' })
  const id = String(made.id)
  const retrieve = `<retrieve><fieldList>Id, Name</fieldList><sObjectType>${INSTANCE}</sObjectType><ids>${id}</ids></retrieve>`
  expect((await soap(org, retrieve)).text).toContain('<sf:Name>gone</sf:Name>')
  expect(await connection.soap.delete(id)).toMatchObject({ success: true, id })
  expect((await soap(org, retrieve)).text).toContain('<result xsi:nil="true"/>')
  const soql = `SELECT Id FROM ${INSTANCE} WHERE Name = 'gone'`
  for (const [name, size] of [
    ['query', '0'],
    ['queryAll', '1'],
  ]) {
    const { text } = await soap(org, `<${name}><queryString>${soql}</queryString></${name}>`)
    expect(all(text, 'size')).toEqual([size])
  }
})

test('jsforce makes, changes, empties and upserts records by SOAP, and REST sees them', async () => {
  await using org = await emulatedOrg()
  const connection = jsforceOn(org.emulator)
  const tricky = 'a < b & "c" \u2192 d'
  const made = await connection.soap.create([
    { type: INSTANCE, Name: tricky, CA10__instanceId__c: 'i-soap', CA10__cpuCount__c: '4' },
    { type: INSTANCE, CA10__cpuCount__c: 4 },
  ])
  expect(made).toMatchObject([
    { success: true },
    { success: false, errors: [{ statusCode: 'REQUIRED_FIELD_MISSING', fields: ['Name'] }] },
  ])
  await expect(connection.soap.create({ type: 'Nothing__c' })).rejects.toThrow('INVALID_TYPE')
  const id = String(made[0]?.id)
  expect(await connection.soap.update({ type: INSTANCE, Id: id, CA10__cpuCount__c: null })).toMatchObject({ id })
  expect(await connection.sobject(INSTANCE).retrieve(id)).toMatchObject({ Name: tricky, CA10__cpuCount__c: null })
  const upserted = await connection.soap.upsert('CA10__instanceId__c', [
    { type: INSTANCE, CA10__instanceId__c: 'i-soap', Name: 'again' },
    { type: INSTANCE, CA10__instanceId__c: 'i-other', Name: 'new' },
  ])
  expect(upserted).toMatchObject([
    { success: true, created: false, id },
    { success: true, created: true },
  ])
})

test('all or none takes back what went well, and too many records are refused whole', async () => {
  await using org = await emulatedOrg()
  const record = (name: string) => `<sObjects><type>${INSTANCE}</type>${name}</sObjects>`
  const header = '<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>'
  const both = await soap(org, `<create>${record('<Name>kept?</Name>')}${record('')}</create>`, { header })
  expect(all(both.text, 'statusCode')).toEqual(['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'REQUIRED_FIELD_MISSING'])
  expect(org.emulator.store.count(INSTANCE)).toBe(20)
  const many = await soap(org, `<create>${record('<Name>n</Name>').repeat(201)}</create>`)
  expect(many.status).toBe(500)
  expect(many.text).toContain('<faultcode>sf:EXCEEDED_ID_LIMIT</faultcode>')
})

test('an enterprise record names its type by xsi:type, and a nil field is left alone', async () => {
  await using org = await emulatedOrg()
  const sent = `<create><sObjects xsi:type="ens:${INSTANCE}"><Name>typed</Name><CA10__cpuCount__c xsi:nil="true"/></sObjects></create>`
  const { text } = await soap(org, sent, { path: '/services/Soap/c/62.0' })
  expect(all(text, 'success')).toEqual(['true'])
})

test('it describes the org, an object and several', async () => {
  await using org = await emulatedOrg()
  const global = await soap(org, '<describeGlobal/>')
  expect(all(global.text, 'name')).toContain(INSTANCE)
  const one = await soap(org, `<describeSObject><sObjectType>${INSTANCE}</sObjectType></describeSObject>`)
  expect(one.text).toContain('<relationshipName>CA10__vpcSubnet__r</relationshipName>')
  expect(all(one.text, 'urlDetail')).toEqual([`${org.emulator.url}/{ID}`])
  const two = await soap(
    org,
    `<describeSObjects><sObjectType>${INSTANCE}</sObjectType><sObjectType>User</sObjectType></describeSObjects>`,
  )
  expect(all(two.text, 'keyPrefix')).toEqual(['a03', '005'])
  const names = '<sObjectType>User</sObjectType>'.repeat(101)
  expect((await soap(org, `<describeSObjects>${names}</describeSObjects>`)).text).toContain('EXCEEDED_ID_LIMIT')
})

test('jsforce describes and lists metadata', async () => {
  await using org = await emulatedOrg()
  const { metadata } = jsforceOn(org.emulator)
  const described = await metadata.describe()
  expect(described.metadataObjects.find(({ xmlName }) => xmlName === 'CustomObject')).toMatchObject({
    directoryName: 'objects',
    inFolder: false,
    childXmlNames: ['CustomField', 'ListView', 'ValidationRule', 'WebLink'],
  })
  const listed = await metadata.list([{ type: 'CustomObject' }, { type: 'CustomField' }, { type: 'Layout' }])
  expect(listed.map(({ fullName }) => fullName)).toContain(INSTANCE)
  expect(listed.map(({ fullName }) => fullName)).toContain(`${INSTANCE}.CA10__cpuCount__c`)
  await expect(metadata.list([{ type: 'NoSuchType' }])).rejects.toThrow('Unknown type:NoSuchType')
})

test.each([
  ['no XML', '<not closed', PARTNER, 'UNKNOWN_EXCEPTION'],
  ['nothing', '', PARTNER, 'UNKNOWN_EXCEPTION'],
  ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a/>', PARTNER, 'UNKNOWN_EXCEPTION'],
  ['no envelope', '<query/>', PARTNER, 'UNKNOWN_EXCEPTION'],
  ['no version', '<Envelope><Body><query/></Body></Envelope>', '/services/Soap/u', 'UNSUPPORTED_API_VERSION'],
  [
    'a foreign service',
    '<Envelope><Body><query/></Body></Envelope>',
    '/services/Soap/T/62.0',
    'UNSUPPORTED_API_VERSION',
  ],
])('%s gets a fault', async (_what, body, path, code) => {
  await using org = await emulatedOrg()
  const { status, text } = await org.bare(path, { method: 'POST', body })
  expect(status).toBe(500)
  expect(text).toContain(`<faultcode>sf:${code}</faultcode>`)
  expect((await org.bare(path)).status).toBe(500)
})

test('what a query or an operation gets wrong is named by the fault', async () => {
  await using org = await emulatedOrg()
  for (const [operation, fault, code] of [
    [`<query><queryString>SELECT Nix FROM ${INSTANCE}</queryString></query>`, 'InvalidFieldFault', 'INVALID_FIELD'],
    ['<query><queryString>SELECT</queryString></query>', 'MalformedQueryFault', 'MALFORMED_QUERY'],
    ['<queryMore><queryLocator>01g-2</queryLocator></queryMore>', 'InvalidQueryLocatorFault', 'INVALID_QUERY_LOCATOR'],
    ['<describeSObject><sObjectType>Nix</sObjectType></describeSObject>', 'InvalidSObjectFault', 'INVALID_TYPE'],
    ['<convertLead/>', 'UnexpectedErrorFault', 'UNKNOWN_EXCEPTION'],
  ] as const) {
    const { status, text } = await soap(org, operation)
    expect(status).toBe(500)
    expect(text).toContain(`<faultcode>sf:${code}</faultcode>`)
    expect(text).toContain(`<sf:${fault} xsi:type="sf:${fault}">`)
  }
})

test('a dead session and a limit reached are faults too; sessions can be invalidated by name', async () => {
  await using org = await emulatedOrg()
  org.emulator.org.fail('request-limit', 1)
  expect((await soap(org, '<getUserInfo/>')).text).toContain('<faultcode>sf:REQUEST_LIMIT_EXCEEDED</faultcode>')
  const other = org.emulator.org.sessions.openAnother().token
  const ended = await soap(
    org,
    `<invalidateSessions><sessionIds>${other}</sessionIds><sessionIds>none</sessionIds></invalidateSessions>`,
  )
  expect(all(ended.text, 'success')).toEqual(['true', 'false'])
  org.emulator.org.fail('session-dies-before', 1)
  const dead = await soap(org, '<getUserInfo/>')
  expect(dead.status).toBe(500)
  expect(dead.text).toMatch(
    /<faultcode>sf:INVALID_SESSION_ID<\/faultcode><faultstring>INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: /,
  )
  expect(dead.text).toContain('<sf:UnexpectedErrorFault xsi:type="sf:UnexpectedErrorFault">')
})
