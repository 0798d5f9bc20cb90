import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { startEmulator, type Emulator } from '../../src/emulator/emulator.ts'
import { startDemoOrg, type DemoOrg } from '../support/demo-org.ts'
import { ask, readReply, type Reply } from '../support/http-client.ts'

/*
 * Whenever the session dies, a caller sees the answer that it would have seen. Reference is a second org, made from the same seed,
 * which is asked with a session of its own.
 */

const ORG = { records: 20, seed: 7 }
const DATA = '/services/data/v62.0'
const JSON_TYPE = { 'content-type': 'application/json' }
const XML_TYPE = { 'content-type': 'text/xml; charset=UTF-8', soapaction: '""' }
const INSTANCE = 'CA10__CaAwsInstance__c'

const envelope = (operation: string, namespace: string) => (token: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><SessionHeader xmlns="${namespace}"><sessionId>${token}</sessionId></SessionHeader></e:Header><e:Body><${operation} xmlns="${namespace}"><${operation === 'describeMetadata' ? 'asOfVersion>62.0</asOfVersion' : 'queryString>SELECT Id FROM CA10__CaAwsInstance__c LIMIT 2</queryString'}></${operation}></e:Body></e:Envelope>`

interface Family {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: string | ((token: string) => string)
  /** What the emulator does not speak is refused by it in its own words, and only to a live session. */
  readonly status: number
  /** The proxy reads the whole body to judge it, and sends no byte before. */
  readonly isHeld?: boolean
}

const FAMILIES: Readonly<Record<string, Family>> = {
  'REST, a query': { method: 'GET', path: `${DATA}/query?q=SELECT+Id,Name+FROM+${INSTANCE}+LIMIT+3`, status: 200 },
  'REST, a new record': {
    method: 'POST',
    path: `${DATA}/sobjects/${INSTANCE}`,
    headers: JSON_TYPE,
    body: '{"Name":"new"}',
    status: 201,
  },
  'REST, a change': {
    method: 'PATCH',
    path: `${DATA}/sobjects/${INSTANCE}/a035f0000000000AAA`,
    headers: JSON_TYPE,
    body: '{"Name":"changed"}',
    status: 204,
  },
  'REST, a deletion': { method: 'DELETE', path: `${DATA}/sobjects/${INSTANCE}/a035f0000000001AAA`, status: 204 },
  Tooling: { method: 'GET', path: `${DATA}/tooling/query?q=SELECT+Id+FROM+ApexClass`, status: 501 },
  Composite: {
    method: 'POST',
    path: `${DATA}/composite`,
    headers: JSON_TYPE,
    body: JSON.stringify({ compositeRequest: [{ method: 'GET', url: `${DATA}/limits`, referenceId: 'a' }] }),
    status: 200,
    isHeld: true,
  },
  UI: { method: 'GET', path: `${DATA}/ui-api/records/a035f0000000000AAA?fields=${INSTANCE}.Name`, status: 404 },
  Connect: {
    method: 'POST',
    path: `${DATA}/chatter/feed-elements`,
    headers: JSON_TYPE,
    body: '{"body":{}}',
    status: 404,
  },
  Analytics: { method: 'POST', path: `${DATA}/wave/query`, headers: JSON_TYPE, body: '{"query":"q"}', status: 501 },
  'Apex REST': { method: 'PUT', path: '/services/apexrest/mine', headers: JSON_TYPE, body: '{}', status: 404 },
  'Bulk 2.0': {
    method: 'POST',
    path: `${DATA}/jobs/query`,
    headers: JSON_TYPE,
    body: `{"operation":"query","query":"SELECT Id FROM ${INSTANCE}"}`,
    status: 200,
    isHeld: true,
  },
  'Bulk 1.0': {
    method: 'POST',
    path: '/services/async/62.0/job',
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0"?><jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>query</operation><object>${INSTANCE}</object><contentType>CSV</contentType></jobInfo>`,
    status: 201,
    isHeld: true,
  },
  'SOAP partner': {
    method: 'POST',
    path: '/services/Soap/u/62.0',
    headers: XML_TYPE,
    body: envelope('query', 'urn:partner.soap.sforce.com'),
    status: 200,
    isHeld: true,
  },
  'SOAP enterprise': {
    method: 'POST',
    path: '/services/Soap/c/62.0',
    headers: XML_TYPE,
    body: envelope('query', 'urn:enterprise.soap.sforce.com'),
    status: 200,
    isHeld: true,
  },
  'SOAP metadata': {
    method: 'POST',
    path: '/services/Soap/m/62.0',
    headers: XML_TYPE,
    body: envelope('describeMetadata', 'http://soap.sforce.com/2006/04/metadata'),
    status: 200,
  },
  CometD: {
    method: 'POST',
    path: '/cometd/62.0/handshake',
    headers: JSON_TYPE,
    body: JSON.stringify([
      { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'], id: '1' },
    ]),
    status: 200,
  },
  identity: { method: 'GET', path: '/services/oauth2/userinfo', status: 200 },
}

function bodyOf({ body }: Family, token: string): string | undefined {
  return typeof body === 'function' ? body(token) : body
}

/** What two answers of two orgs have to have in common: all but times, addresses and what is drawn anew each time. */
function essence({ status, text, headers }: Reply): unknown {
  const body = text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+0000)/g, 'TIME')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'ORIGIN')
    .replaceAll(/"clientId":"\w+"/g, 'CLIENT')
  return { status, body, type: headers['content-type'], location: headers.location }
}

/** The answer of an org of the same seed to a session of its own. */
async function reference(family: Family): Promise<unknown> {
  await using org = await startEmulator(ORG)
  const { token } = org.org.sessions.open()
  const scheme = family.path.startsWith('/cometd') ? 'OAuth' : 'Bearer'
  const headers = { ...family.headers, authorization: `${scheme} ${token}`, 'x-sfdc-session': token }
  const body = bodyOf(family, token)
  return essence(
    await ask(org.port, family.path, { method: family.method, headers, ...(body !== undefined && { body }) }),
  )
}

async function send({ app }: DemoOrg, family: Family): Promise<Reply> {
  const body = bodyOf(family, 'x')
  const { method, headers = {}, path } = family
  return ask(app.port, path, { method, headers, ...(body !== undefined && { body }) })
}

const sent = ({ requests }: Emulator, { path }: Family) => requests.filter(({ target }) => target === path).length

describe.each(Object.entries(FAMILIES))('%s', (_, family) => {
  test('a session that was killed before the request', async () => {
    await using demo = await startDemoOrg(ORG)
    await demo.app.tokenEvent('obtained')
    demo.emulator.killSessions()
    const reply = await send(demo, family)
    expect(reply.status).toBe(family.status)
    expect(essence(reply)).toEqual(await reference(family))
    expect(reply.headers['proxy-status']).toBe('cloudaware-proxy; details="session replaced"')
    expect([sent(demo.emulator, family), demo.emulator.tokenRequests()]).toEqual([2, 2])
  })

  test('a session that is killed while the request is under way', async () => {
    await using demo = await startDemoOrg(ORG)
    await demo.app.tokenEvent('obtained')
    const body = Buffer.from(bodyOf(family, 'x') ?? '')
    const request = httpRequest({ host: '127.0.0.1', port: demo.app.port, ...family, agent: false })
    const answered = once(request, 'response')
    if (body.length === 0) {
      demo.emulator.org.fail('session-dies-before', 1)
      request.end()
    } else {
      // Half of it is on its way when the session dies.
      request.write(body.subarray(0, -1))
      if (family.isHeld !== true) {
        while (sent(demo.emulator, family) === 0) await new Promise(setImmediate)
      }
      demo.emulator.killSessions()
      request.end(body.subarray(-1))
    }
    // The 'response' event carries one IncomingMessage.
    const [response] = (await answered) as [IncomingMessage]
    const reply = await readReply(response)
    expect(essence(reply)).toEqual(await reference(family))
    expect(sent(demo.emulator, family)).toBe(2)
  })

  test('a session that is killed after the request', async () => {
    await using demo = await startDemoOrg(ORG)
    demo.emulator.org.fail('session-dies-after', 1)
    const first = await send(demo, family)
    expect(essence(first)).toEqual(await reference(family))
    expect([first.headers['proxy-status'], sent(demo.emulator, family)]).toEqual([undefined, 1])
    const next = await ask(demo.app.port, `${DATA}/limits`)
    expect([next.status, next.headers['proxy-status']]).toEqual([200, 'cloudaware-proxy; details="session replaced"'])
  })
})

test('a POST to Apex REST is not sent again: its code may have run, and so its own answer is passed on', async () => {
  await using demo = await startDemoOrg(ORG)
  await demo.app.tokenEvent('obtained')
  demo.emulator.killSessions()
  const post: Family = {
    method: 'POST',
    path: '/services/apexrest/mine',
    headers: JSON_TYPE,
    body: '{}',
    status: 401,
  }
  const reply = await send(demo, post)
  expect([reply.status, reply.text]).toEqual([401, expect.stringContaining('INVALID_SESSION_ID')])
  expect(sent(demo.emulator, post)).toBe(1)
  // The token is replaced all the same.
  expect((await ask(demo.app.port, `${DATA}/limits`)).status).toBe(200)
  expect(demo.emulator.tokenRequests()).toBe(2)
})
