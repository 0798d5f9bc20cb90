import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { examine, settingsOf } from '../support/doctor.ts'
import { startOriginServer } from '../support/origin-server.ts'

type Face = (response: ServerResponse) => unknown

/** A host of which each path answers as the test says; without a face of its own, as an org in good health. */
async function host(faces: Record<string, Face>) {
  const healthy: Record<string, Face> = {
    '/services/data': (response) => response.end('[{"version":"9.0"},{"version":"67.0"},{"version":"66.0"}]'),
    '/services/oauth2/token': (response) =>
      response.end('{"access_token":"a-token","id":"https://login.salesforce.com/id/00D1/0051"}'),
    '/services/data/v67.0/limits': (response) => response.end('{"DailyApiRequests":{"Max":100,"Remaining":60}}'),
    '/services/oauth2/userinfo': (response) =>
      response.end('{"preferred_username":"user@acme.example","organization_id":"00D1"}'),
    '/services/data/v67.0/sobjects': (response) =>
      response.end('{"sobjects":[{"name":"Account"},{"name":"CA10A1__CaAwsEksCluster__c"}]}'),
  }
  const origin = await startOriginServer((request, response) => {
    request.resume()
    response.setHeader('content-type', 'application/json')
    const answer = { ...healthy, ...faces }[request.url ?? '']
    if (answer) answer(response)
    else response.writeHead(404).end()
  })
  const env = { CLOUDAWARE_URL: origin.url, CLOUDAWARE_CLIENT_ID: 'key', CLOUDAWARE_CLIENT_SECRET: 'secret' }
  return { origin, env, [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose]() }
}

test.each<[string, number, string, Face]>([
  ['no Salesforce org', 2, 'is no Salesforce org', (response) => response.writeHead(404).end('{"error":"not found"}')],
  ['a web page', 2, 'with text/html', (response) => response.setHeader('content-type', 'text/html').end('<html>')],
  ['an empty answer', 2, 'is no Salesforce org', (response) => response.end()],
  ['a list of something else', 2, 'is no Salesforce org', (response) => response.end('[1, {"version": 67}]')],
  ['a name that the edge does not know', 2, 'Salesforce knows no org at', (response) => response.writeHead(420).end()],
  [
    'a redirect',
    2,
    'redirects to https://renamed.my.salesforce.com',
    (response) => response.writeHead(301, { location: 'https://renamed.my.salesforce.com/services/data' }).end(),
  ],
  [
    'a redirect to nowhere',
    2,
    'redirects to an unreadable address',
    (response) => response.writeHead(302, { location: 'http://[' }).end(),
  ],
  [
    'maintenance',
    3,
    'down for maintenance',
    (response) => response.writeHead(503).end('<h1>down for maintenance</h1>'),
  ],
  ['a failure without words', 3, 'nothing (HTTP 502)', (response) => response.writeHead(502).end()],
])('%s at the address gets no secret, and exit code %i', async (_kind, code, words, face) => {
  await using place = await host({ '/services/data': face })
  const examined = await examine(place.env)
  expect(examined).toMatchObject({ code, failed: 'Host' })
  expect(examined.out.replaceAll(/\s+/g, ' ')).toContain(words)
  expect(place.origin.requests.map(({ method, target }) => `${method} ${target}`)).toEqual(['GET /services/data'])
})

test('a clock that is wrong by minutes is a note', async () => {
  await using org = await startEmulator({ clock: new FakeClock(Date.now() + 20 * 60_000) })
  const { out, statuses } = await examine(settingsOf(org))
  expect(statuses.Host).toBe('note')
  expect(out.replaceAll(/\s+/g, ' ')).toContain('the clock of this machine is 20 min behind')
})

test('a user who may not see the limits is judged by another call, and its usage header', async () => {
  const faces: Record<string, Face> = {
    '/services/data/v67.0/limits': (response) =>
      response.writeHead(403).end('[{"errorCode":"FORBIDDEN","message":"You do not have access"}]'),
    '/services/data/v67.0': (response) => response.setHeader('sforce-limit-info', 'api-usage=18/5000').end('{}'),
  }
  await using place = await host(faces)
  const told = await examine(place.env)
  expect(told).toMatchObject({ code: 0, statuses: { API: 'ok' } })
  expect(told.out).toContain('18 of 5,000 requests')
  await using silent = await host({ ...faces, '/services/data/v67.0': (response) => response.end('{}') })
  const untold = await examine(silent.env)
  expect(untold).toMatchObject({ code: 0, statuses: { API: 'ok' } })
  expect(untold.out).toContain('may not see how much')
})

test('a user whose name is not told is a note', async () => {
  await using place = await host({
    '/services/oauth2/userinfo': (response) => response.writeHead(403).end('Forbidden'),
  })
  const { code, out, statuses } = await examine(place.env)
  expect({ code, user: statuses['Run As user'] }).toEqual({ code: 0, user: 'note' })
  expect(out).toContain('user 0051 of org 00D1')
})

test('what the proxy does without fails no check, even where it never answers', async () => {
  await using place = await host({
    '/services/oauth2/introspect': () => undefined,
    '/services/oauth2/userinfo': (response) => response.writeHead(503).end('<h1>maintenance</h1>'),
  })
  const { code, out, statuses } = await examine(place.env, '--timeout=500ms')
  expect({ code, statuses }).toMatchObject({
    code: 0,
    statuses: { Introspection: 'note', API: 'ok', 'Run As user': 'note', CMDB: 'ok' },
  })
  expect(out).toContain('does not answer in time')
  expect(out).toContain('has trouble of its own')
})

test('a user who may not list objects lacks API permissions', async () => {
  const face: Face = (response) => response.writeHead(403).end('[{"errorCode":"FORBIDDEN","message":"no"}]')
  await using place = await host({ '/services/data/v67.0/sobjects': face })
  const examined = await examine(place.env)
  expect(examined).toMatchObject({ code: 6, failed: 'CMDB' })
  expect(examined.out).toContain('FORBIDDEN: no (HTTP 403)')
})

test('a list of objects that is none of the kind shows no CMDB', async () => {
  await using place = await host({ '/services/data/v67.0/sobjects': (response) => response.end('[]') })
  expect(await examine(place.env)).toMatchObject({ code: 6, failed: 'CMDB' })
})

test('a token answer without an identity leaves the user unknown', async () => {
  await using place = await host({
    '/services/oauth2/token': (response) => response.end('{"access_token":"a-token","expires_in":900}'),
    '/services/oauth2/userinfo': (response) => response.writeHead(404).end(),
  })
  const { code, out } = await examine(place.env)
  expect(code).toBe(0)
  expect(out).toContain('good for 900 s')
  expect(out).toContain('the org does not tell')
})
