import { request as httpRequest } from 'node:http'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { ask } from '../support/http-client.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'

const LIMITS = '/services/data/v62.0/limits'
const MADE = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

test('one line has who asked what, how it went, how long it took here and there, and under which names it is known', async () => {
  await using org = await startDemoOrg({ records: 10 }, { env: { PROXY_API_KEY: 'reports:key-of-reports' } })
  const reply = await ask(org.app.port, '//services/data/v62.0/sobjects/CA10__CaAwsInstance__c?x=SELECT', {
    method: 'POST',
    headers: { 'x-request-id': 'job-7:1', 'x-api-key': 'key-of-reports', 'content-type': 'application/json' },
    body: '{"Name":"x"}',
  })
  expect([reply.status, reply.headers['x-request-id']]).toEqual([201, 'job-7:1'])
  const line = await org.app.accessLine('job-7:1')
  expect(line).toEqual({
    level: 30,
    time: expect.any(Number) as number,
    reqId: 'job-7:1',
    method: 'POST',
    path: '/services/data/v62.0/sobjects/CA10__CaAwsInstance__c',
    family: 'rest',
    status: 201,
    ownMs: expect.any(Number) as number,
    upstreamMs: expect.any(Number) as number,
    bytesIn: 12,
    bytesOut: reply.body.length,
    caller: 'reports',
    sfdcRequestId: reply.headers['x-sfdc-request-id'],
    msg: 'request',
  })
})

test('the bytes of a body without a length are counted, once, though it was sent twice', async () => {
  await using org = await startDemoOrg({ records: 10 })
  await ask(org.app.port, LIMITS)
  org.emulator.killSessions()
  const request = httpRequest({
    port: org.app.port,
    method: 'POST',
    path: '/services/data/v62.0/sobjects/CA10__CaAwsInstance__c',
    headers: { 'x-request-id': 'chunked', 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
  })
  request.write('{"Name":')
  request.end('"x"}')
  // As the event is documented.
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream & { statusCode: number }]
  response.resume()
  expect(response.statusCode).toBe(201)
  expect(await org.app.accessLine('chunked')).toMatchObject({ status: 201, bytesIn: 12, replayed: true })
})

test('an answer of the proxy has its line and its id too, even one that the router gives', async () => {
  await using org = await startDemoOrg({ records: 10 })
  for (const [path, status, error] of [
    ['/secur/frontdoor.jsp', 403, 'PROXY_PATH_REFUSED'],
    ['/services/data/%zz', 400, 'PROXY_REQUEST_INVALID'],
  ] as const) {
    const reply = await ask(org.app.port, path, { headers: { 'x-request-id': 'not sane' } })
    const id = String(reply.headers['x-request-id'])
    expect([reply.status, id]).toEqual([status, expect.stringMatching(MADE)])
    const line = await org.app.accessLine(id)
    expect(line).toMatchObject({ status, error, path, bytesOut: reply.body.length })
    expect(reply.body.length).toBeGreaterThan(0)
    expect(line).not.toHaveProperty('upstreamMs')
  }
})

test.each([
  ['for want of a token', 'GET', LIMITS, { CLOUDAWARE_CLIENT_SECRET: 'wrong' }, 503],
  ['to HEAD, which has no body', 'HEAD', '/secur/frontdoor.jsp', {}, 403],
  ['to a login', 'POST', '/services/oauth2/token?grant_type=password&username=a&password=b', {}, 200],
] as const)('the bytes of an answer of the proxy are counted %s', async (_what, method, path, env, status) => {
  await using org = await startDemoOrg({ records: 10 }, { env })
  const reply = await ask(org.app.port, path, { method, headers: { 'x-request-id': 'own-answer' } })
  expect(reply.status).toBe(status)
  expect(reply.body.length > 0).toBe(method !== 'HEAD')
  expect(await org.app.accessLine('own-answer')).toMatchObject({ status, bytesOut: reply.body.length })
})

test('a caller who leaves has a line without a status, and the time that the upstream had', async () => {
  await using org = await startDemoOrg({ records: 10 })
  org.emulator.org.apiDelayMs = 60_000
  const request = httpRequest({ port: org.app.port, path: LIMITS, headers: { 'x-request-id': 'left' } }).end()
  request.on('error', () => undefined)
  while (!org.emulator.requests.some(({ target }) => target === LIMITS)) await new Promise(setImmediate)
  request.destroy()
  const line = await org.app.accessLine('left')
  expect(line).toMatchObject({ brokenOff: true, upstreamMs: expect.any(Number) as number })
  expect(line).not.toHaveProperty('status')
})

test('traceparent and the id itself pass through untouched; one that the upstream makes up does not come back', async () => {
  const trace = {
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    tracestate: 'vendor=a:b,other=1',
    baggage: 'user=1',
    'x-request-id': 'mine',
  }
  await using origin = await startOriginServer((request, response) => {
    if (request.url === '/services/oauth2/token') response.end('{"access_token":"token-for-traces"}')
    else response.setHeader('X-Request-Id', 'theirs').end('{}')
  })
  await using app = await startStack(origin)
  const reply = await ask(app.port, LIMITS, { headers: trace })
  expect(origin.requests.at(-1)?.headers).toMatchObject(trace)
  expect(reply.headers['x-request-id']).toBe('mine')
  expect(reply.rawHeaders.filter((text) => text.toLowerCase() === 'x-request-id')).toHaveLength(1)
})
