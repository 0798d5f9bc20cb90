import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

/* PROXY_READ_ONLY=true passes what can change nothing, by what it means and not by its method. */

const V = '/services/data/v62.0'
const readOnly = { PROXY_READ_ONLY: 'true', PROXY_LOGIN: 'off' }
const ask = (request: string, ...fields: string[]) => lastHead(`${request} HTTP/1.1`, ...fields)
const send = (request: string, body: string, ...fields: string[]) =>
  lastHead(`${request} HTTP/1.1`, `Content-Length: ${body.length}`, ...fields) + body
const composite = (...parts: (readonly [string, string])[]) =>
  JSON.stringify({ compositeRequest: parts.map(([method, url], at) => ({ method, url, referenceId: `r${at}` })) })
const batch = (...parts: (readonly [string, string])[]) =>
  JSON.stringify({ batchRequests: parts.map(([method, url]) => ({ method, url })) })
const soap = (operation: string) => `<Envelope><Body><${operation}/></Body></Envelope>`
const READ = ['GET', `${V}/sobjects/Account/001`] as const
const WRITE = ['PATCH', `${V}/sobjects/Account/001`] as const

describe('a read passes', () => {
  test.each<readonly [string, string]>([
    ['GET', ask(`GET ${V}/sobjects/Account/001`)],
    ['HEAD', ask(`HEAD ${V}/sobjects/Account/001`)],
    ['OPTIONS', ask(`OPTIONS ${V}/sobjects`)],
    ['describe', ask(`GET ${V}/sobjects/Account/describe`)],
    ['query', ask(`GET ${V}/query?q=SELECT+Id+FROM+Account`)],
    ['queryAll', ask(`GET ${V}/queryAll?q=SELECT+Id+FROM+Account`)],
    ['more of a query', ask(`GET ${V}/query/01g000000000001AAA-2000`)],
    ['query by POST', send(`POST ${V}/query`, '{"query":"SELECT Id FROM Account"}')],
    ['search by POST', send(`POST ${V}/parameterizedSearch`, '{"q":"x"}')],
    ['query of tooling', ask(`GET ${V}/tooling/query?q=SELECT+Id+FROM+ApexClass`)],
    ['retrieval of several records', send(`POST ${V}/composite/sobjects/Account`, '{"ids":["001"],"fields":["Name"]}')],
    [
      'composite of reads',
      send(`POST ${V}/composite`, composite(READ, ['GET', `${V}/query?q=SELECT+Id`], ['HEAD', V])),
    ],
    ['composite of a query by POST', send(`POST ${V}/composite`, composite(['POST', `${V}/query`]))],
    [
      'batch of Connect of reads',
      send(`POST ${V}/connect/batch`, batch(['HttpGet', '/v62.0/limits'], ['Get', 'v62.0/limits'])),
    ],
    ['batch of reads', send(`POST ${V}/composite/batch`, batch(READ, ['GET', 'v62.0/limits']))],
    ['graph of reads', send(`POST ${V}/composite/graph`, JSON.stringify({ graphs: [JSON.parse(composite(READ))] }))],
    ['a Bulk 2.0 query job', send(`POST ${V}/jobs/query`, '{"operation":"query","query":"SELECT Id FROM Account"}')],
    ['its results', ask(`GET ${V}/jobs/query/750/results?maxRecords=10`)],
    ['SOAP query', send('POST /services/Soap/u/62.0', soap('query'))],
    ['SOAP queryMore, prefixed', send('POST /services/Soap/u/62.0', soap('urn:queryMore'))],
    ['SOAP describeSObjects', send('POST /services/Soap/c/62.0', soap('describeSObjects'))],
    ['SOAP getUserInfo', send('POST /services/Soap/u/62.0', soap('getUserInfo'))],
    ['SOAP retrieve', send('POST /services/Soap/u/62.0', soap('retrieve'))],
    ['SOAP listMetadata', send('POST /services/Soap/m/62.0', soap('listMetadata'))],
    ['status of a Bulk 1.0 job', ask('GET /services/async/62.0/job/750')],
    ['who is it', ask('GET /services/oauth2/userinfo')],
  ])('%s', async (_what, bytes) => {
    await using place = await startAttacked(readOnly)
    expect(statuses(await place.attack(bytes))).toEqual([200])
    expect(place.reached()).toHaveLength(1)
  })
})

describe('what could change something is refused with 405 and a sentence, and no call', () => {
  test.each<readonly [string, string]>([
    ['create', send(`POST ${V}/sobjects/Account`, '{}')],
    ['update', send(`PATCH ${V}/sobjects/Account/001`, '{}')],
    ['upsert', send(`PATCH ${V}/sobjects/Account/Ext__c/1`, '{}')],
    ['replace', send(`PUT ${V}/sobjects/Account/001`, '{}')],
    ['delete', ask(`DELETE ${V}/sobjects/Account/001`)],
    ['an unknown method', ask(`MERGE ${V}/sobjects/Account/001`)],
    ['a method of reading that is not HTTP’s own', ask(`PROPFIND ${V}`)],
    ['a GET that is overridden', ask(`GET ${V}/sobjects/Account/001?_HttpMethod=DELETE`)],
    ['in other letters', ask(`GET ${V}/sobjects/Account/001?_httpMETHOD=delete`)],
    ['in escapes', ask(`GET ${V}/sobjects/Account/001?%5FHttp%4Dethod=PATCH`)],
    ['a GET and then something', ask(`GET ${V}/sobjects/Account/001?_HttpMethod=GET&_HttpMethod=DELETE`)],
    ['by a field', ask(`GET ${V}/sobjects/Account/001`, 'X-HTTP-Method-Override: DELETE')],
    ['by another', ask(`GET ${V}/sobjects/Account/001`, 'X-Method-Override: PATCH')],
    ['by a third', ask(`GET ${V}/sobjects/Account/001`, 'X-HTTP-Method: PUT')],
    ['by an underscored one', ask(`GET ${V}/sobjects/Account/001`, 'X_HTTP_Method_Override: DELETE')],
    ['by two fields', ask(`GET ${V}/sobjects/A/1`, 'X-HTTP-Method: GET', 'X-HTTP-Method: DELETE')],
    ['a query that is overridden', send(`POST ${V}/query?_HttpMethod=PATCH`, '{}')],
    ['tests of tooling by GET', ask(`GET ${V}/tooling/runTestsAsynchronous/?classids=01p`)],
    ['tests of tooling by POST', send(`POST ${V}/tooling/runTestsSynchronous`, '{}')],
    ['graphql, whose mutations look like queries', send(`POST ${V}/graphql`, '{"query":"mutation { uiapi { x } }"}')],
    ['composite with one write', send(`POST ${V}/composite`, composite(READ, WRITE, READ))],
    [
      'composite with one overridden',
      send(`POST ${V}/composite`, composite(['GET', `${V}/sobjects/A/1?_HttpMethod=DELETE`])),
    ],
    [
      'composite with a method in small letters',
      send(`POST ${V}/composite`, composite(['delete', `${V}/sobjects/A/1`])),
    ],
    ['composite with an empty method', send(`POST ${V}/composite`, composite(['', `${V}/sobjects/A/1`]))],
    [
      'batch of Connect with one write',
      send(`POST ${V}/connect/batch`, batch(READ, ['Post', '/v62.0/sobjects/Account'])),
    ],
    ['batch with one write', send(`POST ${V}/composite/batch`, batch(READ, ['POST', 'v62.0/sobjects/Account']))],
    [
      'graph with one write',
      send(
        `POST ${V}/composite/graph`,
        JSON.stringify({ graphs: [JSON.parse(composite(READ)), JSON.parse(composite(WRITE))] }),
      ),
    ],
    ['tree', send(`POST ${V}/composite/tree/Account`, '{"records":[]}')],
    ['creation of several records', send(`POST ${V}/composite/sobjects`, '{"records":[]}')],
    ['deletion of several records', ask(`DELETE ${V}/composite/sobjects?ids=001`)],
    ['a Bulk 2.0 ingest job', send(`POST ${V}/jobs/ingest`, '{}')],
    ['its data', send(`PUT ${V}/jobs/ingest/750/batches`, 'Name\nx')],
    ['the end of somebody’s query job', send(`PATCH ${V}/jobs/query/750`, '{"state":"Aborted"}')],
    ['its deletion', ask(`DELETE ${V}/jobs/query/750`)],
    ['a Bulk 1.0 job', send('POST /services/async/62.0/job', '<jobInfo/>')],
    ['a call of Apex', send('POST /services/apexrest/x', '{}')],
    ['an invocable action', send(`POST ${V}/actions/standard/emailSimple`, '{}')],
    ['CometD by GET', ask('GET /cometd/62.0?message=%5B%7B%22channel%22%3A%22%2Fu%2Fx%22%7D%5D&jsonp=x')],
    ['CometD', send('POST /cometd/62.0', '[{"channel":"/meta/handshake"}]')],
    ...[
      'create',
      'update',
      'upsert',
      'delete',
      'undelete',
      'merge',
      'process',
      'convertLead',
      'sendEmail',
      'emptyRecycleBin',
    ].map((operation) => [`SOAP ${operation}`, send('POST /services/Soap/u/62.0', soap(operation))] as const),
    ['SOAP of an operation unknown', send('POST /services/Soap/u/62.0', soap('queryAndDelete'))],
    ['SOAP retrieve of metadata with a PUT', send('PUT /services/Soap/m/62.0', soap('retrieve'))],
    ['a change by another spelling', send('POST //Services/data/v62.0//sobjects/Account/', '{}')],
  ])('%s', async (_what, bytes) => {
    await using place = await startAttacked(readOnly)
    const answer = await place.attack(bytes)
    expect(statuses(answer)).toEqual([405])
    expect(answer).toMatch(/PROXY_METHOD_REFUSED.*\w+\./)
    expect(answer).toMatch(/^allow: GET, HEAD, OPTIONS\r$/im)
    await place.expectNothing()
  })

  test('a method of an Apex class, whatever it is called', async () => {
    await using place = await startAttacked({ ...readOnly, PROXY_ALLOWED_PATHS: '/services/Soap/class' })
    for (const operation of ['query', 'getUserInfo', 'describeSObjects', 'retrieve', 'getEverythingAndDeleteIt']) {
      const bytes = send('POST //Services/Soap/Class/ns/Mine', soap(operation))
      expect(statuses(await place.attack(bytes))).toEqual([405])
    }
    await place.expectNothing()
  })

  test('the service that compiles and runs code, though a setting lifts it from the deny table', async () => {
    const lifted = '/services/soap/s/**,soap:executeAnonymous'
    await using place = await startAttacked({ ...readOnly, PROXY_ALLOWED_PATHS: lifted })
    for (const operation of ['executeAnonymous', 'compileClasses', 'compileAndTest', 'runTests', 'describeX']) {
      expect(statuses(await place.attack(send('POST /services/Soap/s/62.0', soap(operation))))).toEqual([405])
    }
    await place.expectNothing()
  })

  test.each([
    ['executeAnonymous by GET', ask(`GET ${V}/tooling/executeAnonymous/?anonymousBody=x`)],
    ['executeAnonymous by HEAD', ask(`HEAD ${V}/tooling/executeAnonymous/?anonymousBody=x`)],
    [
      'executeAnonymous in a composite',
      send(`POST ${V}/composite`, composite(['GET', `${V}/tooling/executeAnonymous/?a=x`])),
    ],
  ])('%s, though a setting lifts it from the deny table', async (_what, bytes) => {
    const path = '/services/data/*/tooling/executeanonymous/**'
    await using place = await startAttacked({ ...readOnly, PROXY_ALLOWED_PATHS: path })
    expect(statuses(await place.attack(bytes))).toEqual([405])
    await place.expectNothing()
  })
})
