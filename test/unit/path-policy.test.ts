import { describe, expect, test } from 'vitest'
import { createPathPolicy } from '../../src/server/path-policy.ts'

const policy = (allowedPaths: string[] = [], deniedPaths: string[] = []) => {
  const judge = createPathPolicy({ allowedPaths, deniedPaths })
  return (method: string, path: string, search = '') => judge(method, path, search)
}
const byDefault = policy()
const V = '/services/data/v62.0'

test.each([
  ['GET', '/services/data'],
  ['GET', `${V}/query`],
  ['PATCH', `${V}/sobjects/account/001`],
  ['GET', `${V}/tooling/query`],
  ['GET', `${V}/tooling/sobjects/apexclass/01p`],
  ['GET', `${V}/metadata/deployrequest/0af`],
  ['POST', `${V}/composite`],
  ['POST', `${V}/jobs/ingest`],
  ['POST', '/services/apexrest/ca10/x'],
  ['POST', '/services/async/62.0/job'],
  ['POST', '/services/soap/u/64.0'],
  ['POST', '/services/soap/m/64.0'],
  ['POST', '/services/soap/t/64.0'],
  ['POST', '/cometd/62.0'],
  ['POST', '/cometd/replay/36.0'],
  ['GET', '/id/00d/005'],
  ['GET', '/services/oauth2/userinfo'],
  ['DELETE', `${V}/sobjects/password__c/001`],
])('%s %s is part of the API', (method, path) => {
  expect(byDefault(method, path)).toBeUndefined()
})

test.each([
  ['GET', '/'],
  ['GET', '/setup/x'],
  ['GET', '/lightning/page/home'],
  ['GET', '/apex/x'],
  ['GET', '/servlet/servlet.filedownload'],
  ['POST', '/aura'],
  ['GET', '/.well-known/openid-configuration'],
  ['GET', '/services/auth/sso'],
  ['GET', '/services/database'],
  ['GET', '/services'],
  ['GET', '/cometdx'],
  ['GET', '/identity'],
  ['POST', '/services/soap/class/x'],
  ['GET', '/secur/frontdoor.jsp'],
  ['GET', '/secur/logout.jsp'],
  ['GET', '/services/oauth2/singleaccess'],
  ['POST', '/services/oauth2/lightningoutsingleaccess'],
  ['POST', '/services/oauth2/token'],
  ['GET', '/services/oauth2/revoke'],
  ['POST', '/services/oauth2/introspect'],
  ['GET', '/services/oauth2/authorize'],
  ['POST', '/services/oauth2/register'],
  ['GET', '/services/oauth2'],
  ['GET', '/services/oauth2/userinfo/x'],
  ['GET', `${V}/sobjects/user/005/password`],
  ['DELETE', `${V}/sobjects/user/005/password`],
  ['POST', `${V}/sobjects/user/ext__c/val/password`],
  ['DELETE', `${V}/sobjects/authsession/0ak`],
  ['GET', `${V}/tooling/executeanonymous`],
  ['POST', `${V}/tooling/executeanonymous/x`],
  ['POST', '/services/soap/s/64.0'],
  ['POST', `${V}/metadata/deployrequest`],
  ['POST', `${V}/tooling/sobjects/apexclass`],
  ['PATCH', `${V}/tooling/sobjects/apexclass/01p`],
  ['POST', `${V}/tooling/composite/sobjects`],
  ['POST', `${V}/tooling/composite/tree/apexclass`],
])('%s %s is refused', (method, path) => {
  expect(byDefault(method, path)).toMatchObject({ code: 'PROXY_PATH_REFUSED' })
})

describe('a session (AuthSession, ids of 0Ak) is not ended', () => {
  const ID = '0Ak000000000001'
  const many = `${V}/composite/sobjects`

  test.each([
    ['DELETE', `${V}/sobjects/authsession/0ak`, ''],
    ['DELETE', `${V}/sobjects/sessionpermsetactivation/0ql000000000001/authsession`, ''],
    ['DELETE', `${V}/sobjects/account/0ak000000000001`, ''],
    ['DELETE', `${V}/ui-api/records/0ak000000000001aaa`, ''],
    ['DELETE', many, `?ids=${ID}`],
    ['DELETE', many, `?ids=${ID}AAA`],
    ['DELETE', many, `?ids=${ID.toUpperCase()}AAA`],
    ['DELETE', many, `?ids=001000000000001,${ID},001000000000002&allOrNone=true`],
    ['DELETE', many, `?ids=001000000000001&ids=${ID}`],
    ['DELETE', many, '?ids=%30%41k000000000001'],
    ['DELETE', many, `?IDS=001000000000001%2C${ID}`],
    ['DELETE', many, `?x;ids=${ID}`],
    ['PATCH', `${many}/authsession/id`, `?ids=${ID}`],
  ])('%s %s%s', (method, path, search) => {
    expect(byDefault(method, path, search)).toMatchObject({ rule: '/services/data/*/sobjects/**/authsession/**' })
    const named = policy(['/services/data/*/sobjects/**/AuthSession/**'])
    expect(named(method, path, search)).toBeUndefined()
  })

  test.each([
    ['GET', `${V}/sobjects/authsession/0ak000000000001`, ''],
    ['GET', many, `?ids=${ID}&fields=Id`],
    ['DELETE', many, '?ids=001000000000001,a0Ak00000000001'],
    ['DELETE', many, '?ids='],
    ['POST', `${V}/query`, `?q=SELECT+Id+FROM+AuthSession+WHERE+Id='${ID}'`],
    ['POST', `${many}/authsession`, ''],
    ['DELETE', '/services/apexrest/x/0ak000000000001', ''],
  ])('%s %s%s is no such thing', (method, path, search) => {
    expect(byDefault(method, path, search)).toBeUndefined()
  })
})

describe('PROXY_ALLOWED_PATHS', () => {
  test('adds a prefix, on whole segments, in any case', () => {
    const judge = policy(['/services/Soap/class/'])
    expect(judge('POST', '/services/soap/class/ns/x')).toBeUndefined()
    expect(judge('POST', '/services/soap/class')).toBeUndefined()
    expect(judge('POST', '/services/soap/classes')).toBeDefined()
  })

  test('adds a glob', () => {
    const judge = policy(['/sfc/*/download-*', '/files/**/raw'])
    expect(judge('GET', '/sfc/x/download-1')).toBeUndefined()
    expect(judge('GET', '/sfc/x/y/download-1')).toBeDefined()
    expect(judge('GET', '/sfc/x/download-1/y')).toBeDefined()
    expect(judge('GET', '/files/a/b/raw')).toBeUndefined()
    expect(judge('GET', '/files/raw')).toBeUndefined()
    expect(judge('GET', '/files/braw')).toBeDefined()
  })

  test('does not lift a built-in refusal by a wider entry', () => {
    const judge = policy(['/', '/**', '/services/oauth2', '/services/data/**', '/services/data/*/tooling', '/secur/*'])
    expect(judge('GET', '/services/oauth2/singleaccess')).toBeDefined()
    expect(judge('GET', `${V}/tooling/executeanonymous`)).toBeDefined()
    expect(judge('GET', '/secur/frontdoor.jsp')).toBeDefined()
    expect(judge('GET', '/setup/x')).toBeUndefined()
  })

  test('lifts one by the very path, or by the name of the rule', () => {
    const byPath = policy([`${V}/tooling/executeAnonymous`, '/services/oauth2/introspect'])
    expect(byPath('GET', `${V}/tooling/executeanonymous`)).toBeUndefined()
    expect(byPath('GET', '/services/data/v63.0/tooling/executeanonymous')).toBeDefined()
    expect(byPath('POST', '/services/oauth2/introspect')).toBeUndefined()
    expect(byPath('POST', '/services/oauth2/revoke')).toBeDefined()
    const name = byDefault('GET', `${V}/tooling/executeanonymous`)?.rule ?? ''
    expect(policy([name])('GET', '/services/data/v63.0/tooling/executeanonymous')).toBeUndefined()
  })
})

test('PROXY_DENIED_PATHS wins over everything, and the refusal says which entry it was', () => {
  const judge = policy(['/services/data/v62.0/limits'], ['/services/data/*/limits', '/services/async'])
  expect(judge('GET', `${V}/limits`)).toMatchObject({ rule: 'PROXY_DENIED_PATHS /services/data/*/limits' })
  expect(judge('GET', '/services/async/62.0/job')).toBeDefined()
  expect(judge('GET', `${V}/query`)).toBeUndefined()
})

test('a pattern is no regular expression', () => {
  expect(policy(['/a.b*(c)'])('GET', '/axb(c)')).toBeDefined()
  expect(policy(['/a.b*(c)'])('GET', '/a.bx(c)')).toBeUndefined()
})

test.each([
  ['PROXY_ALLOWED_PATHS', ['services'], []],
  ['PROXY_DENIED_PATHS', [], ['services']],
  ['PROXY_DENIED_PATHS', [], ['soap:query']],
])('an entry of %s that is no path is refused by the name of the setting', (setting, allowed, denied) => {
  expect(() => policy(allowed, denied)).toThrow(setting)
})
