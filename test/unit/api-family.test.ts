import { describe, expect, test } from 'vitest'
import { familyOf, needsSession, runsOrgCode, SESSION_PLACES } from '../../src/upstream/api-family.ts'

describe('the family of a path', () => {
  test.each([
    ['/services/data', 'rest'],
    ['/services/data/v62.0/query?q=SELECT+Id', 'rest'],
    ['/services/data/v62.0/jobs/ingest', 'rest'],
    ['/services/apexrest/async/Soap/cometd/id', 'rest'],
    ['/services/async/62.0/job', 'bulk1'],
    ['/SERVICES/Async/62.0/job/750/batch', 'bulk1'],
    ['/services/async', 'bulk1'],
    ['/services/async?x', 'bulk1'],
    ['/services/asynchronous', 'rest'],
    ['/services/Soap/u/62.0', 'soap'],
    ['/services/soap/class/My', 'soap'],
    ['//services/Soap/u/64.0/', 'soap'],
    ['///services/Soap/u/64.0/', 'soap'],
    ['/cometd/62.0', 'streaming'],
    ['/CometD/replay/36.0', 'streaming'],
    ['/cometdx/62.0', 'rest'],
    ['/id/00Dxx/005xx', 'identity'],
    ['/ID/00Dxx/005xx?format=json', 'identity'],
    ['/ideas', 'rest'],
    ['/services/oauth2/userinfo', 'identity'],
    ['/services/data/v62.0/services/Soap', 'rest'],
    ['/', 'rest'],
    ['//', 'rest'],
    ['*', 'rest'],
    ['', 'rest'],
  ] as const)('%s is %s', (path, family) => {
    expect(familyOf(path)).toBe(family)
  })
})

test('each family carries its session where its API reads it', () => {
  expect(SESSION_PLACES.bulk1).toMatchObject({ scheme: 'Bearer', sessionHeader: true, inBody: false })
  expect(SESSION_PLACES.soap).toMatchObject({ scheme: 'Bearer', sessionHeader: false, inBody: true })
  expect(SESSION_PLACES.streaming).toMatchObject({ scheme: 'OAuth', sessionHeader: false, inBody: false })
  expect(SESSION_PLACES.rest).toMatchObject({ scheme: 'Bearer', sessionHeader: false, inBody: false })
})

test('tokens in JWT form are for REST and identity alone', () => {
  const accepting = Object.entries(SESSION_PLACES).filter(([, places]) => places.acceptsJwt)
  expect(accepting.map(([family]) => family)).toEqual(['rest', 'identity'])
})

test.each([
  ['/services/apexrest/charge', true],
  ['//services/ApexREST?x=1', true],
  ['/services/apexrest', true],
  ['/services/apexrests/charge', true],
  ['/services/Soap/class/Charge', true],
  ['/opened/by/a/setting', true],
  ['/services/Soap/u/62.0', false],
  ['/services/async/62.0/job', false],
  ['/cometd/62.0', false],
  ['/id/00D/005', false],
  ['/services/oauth2/userinfo', false],
  ['/services/data/v62.0/services/apexrest', false],
])('whether code of the org’s own answers %s: %s', (path, expected) => {
  expect(runsOrgCode(path)).toBe(expected)
})

test.each([
  ['rest', '/services/data/v62.0/limits', true],
  ['rest', '/services/data', false],
  ['rest', '/services/data/v62.0', false],
  ['rest', '/services/apexrest/charge', false],
  ['rest', '/opened/by/a/setting', false],
  ['bulk1', '/services/async/62.0/job', true],
  ['soap', '/services/soap/u/62.0', true],
  ['soap', '/services/soap/class/charge', false],
  ['streaming', '/cometd/62.0', false],
  ['identity', '/services/oauth2/userinfo', false],
] as const)('whether a success of %s at %s proves the session: %s', (family, path, expected) => {
  expect(needsSession(family, path)).toBe(expected)
})
