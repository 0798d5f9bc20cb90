import { describe, expect, test } from 'vitest'
import { parseTarget } from '../../src/server/request-target.ts'
import fc from '../support/properties.ts'

const accepted = (raw: string) => {
  const target = parseTarget(raw)
  if ('problem' in target) throw new Error(`${raw} was refused: ${target.problem}`)
  return target
}

describe('what goes upstream', () => {
  test.each([
    ['//services/Soap/u/64.0/', '/services/Soap/u/64.0/', ''],
    ['/services///data//v62.0', '/services/data/v62.0', ''],
    ['//evil.example/services/data', '/evil.example/services/data', ''],
    [
      '/services/data/v62.0/query?q=SELECT//Id&x=%zz?y=%2e%2e/',
      '/services/data/v62.0/query',
      '?q=SELECT//Id&x=%zz?y=%2e%2e/',
    ],
    ['/services/data/v62.0/sobjects/A__c/Ext__c/50%25', '/services/data/v62.0/sobjects/A__c/Ext__c/50%25', ''],
    ['/services/data/v62.0/sobjects/A__c/Ext__c/%C3%84', '/services/data/v62.0/sobjects/A__c/Ext__c/%C3%84', ''],
    ['/', '/', ''],
    ['/?', '/', '?'],
  ])('%s becomes %s and the query %s', (raw, path, search) => {
    expect(accepted(raw)).toMatchObject({ path, search })
  })
})

describe('what the policy sees', () => {
  test.each([
    ['/services/Soap/u/64.0/', '/services/soap/u/64.0'],
    ['/services/data/v62.0/tooling/execute%41nonymous', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous.json', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous.json/', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous%3fx', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous%23x/y', '/services/data/v62.0/tooling/executeanonymous/y'],
    ['/services/data/v62.0/sobjects/a/tag__c/%2347%3f/b__r', '/services/data/v62.0/sobjects/a/tag__c/#47/b__r'],
    ['/services/data/v62.0/tooling/executeAnonymous.xml;x.json/', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous.', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous../', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous%2E.json.', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous.json.xml', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymou%C5%BF', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tool%C4%B1ng/x', '/services/data/v62.0/tooling/x'],
    ['/services/data/v62.0/tool%C4%B0ng/x', '/services/data/v62.0/tooling/x'],
    ['/services/data/v62.0/tooling/%EF%BD%85xecuteAnonymous', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling;a=b/executeAnonymous;jsessionid=1', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous%3Bx', '/services/data/v62.0/tooling/executeanonymous'],
    ['/services/data/v62.0/tooling/executeAnonymous%20/', '/services/data/v62.0/tooling/executeanonymous'],
    ['/', '/'],
  ])('%s is judged as %s', (raw, policyPath) => {
    expect(accepted(raw).policyPath).toBe(policyPath)
  })
})

describe('a target that could be read in two ways is refused', () => {
  test.each([
    '',
    '*',
    'http://evil.example/services/data',
    'evil.example:443',
    'services/data',
    '/services/data/../secur/frontdoor.jsp',
    '/services/data/./x',
    '/services/data/%2e%2e/secur/frontdoor.jsp',
    '/services/data/.%2E/x',
    '/services/data/..;/secur',
    '/services/data/.;x=1/secur',
    '/services/data/..%3b/secur',
    '/services/data/%20../secur',
    '/services/data/.../secur',
    '/services/;x/data',
    '/services/data/v62.0/limits%3fa%3Db',
    '/services/data%3f',
    '/services/oauth2/userinfo%23/x',
    '/services/data/v62.0/limits%3fa/b=c',
    '/services/%20/data',
    '/services/data/%E2%80%A5/secur',
    '/services/data/%EF%BC%8E%EF%BC%8E/secur',
    '/services/data%2fv62.0',
    '/services/data%2Fv62.0',
    '/services/data%5cx',
    '/services/data\\x',
    '/services/data%EF%BC%8Fx',
    '/services/data%EF%BC%BCx',
    '/services/data/a%E2%84%80',
    '/services/data/%00',
    '/services/data/%0d%0aX:1',
    '/services/data/%09',
    '/services/data/%7f',
    '/services/data/%C2%85',
    '/services/data/%252e%252e/secur',
    '/services/data/%2565xecute',
    '/services/data/%25%32%65%25%32%65/secur',
    '/services/data/%2%35%32e/secur',
    '/services/data/%EF%BC%852e/secur',
    '/services/data/%zz',
    '/services/data/%',
    '/services/data/%4',
    '/services/data/%c0%ae%c0%ae/x',
    '/services/data/%ff',
    '/services/data/\u00e4',
    '/services/data/\t',
    '/services/data/a b',
    '/services/data#x',
    '/services/data?q=\u00e4',
    '/services/data?q=a#b',
    '/services/data?q=a\u0000',
  ])('%j', (raw) => {
    expect(parseTarget(raw)).toHaveProperty('problem')
  })

  test('and the problem says nothing of what was sent', () => {
    const target = parseTarget('/s3cret/%00')
    expect(JSON.stringify(target)).not.toContain('s3cret')
  })
})

const piece = fc.oneof(
  fc.constantFrom(
    '/',
    '//',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '\\',
    ';',
    '%3b',
    '%',
    '%25',
    '%252e',
    '%00',
    '?',
    '#',
  ),
  fc.constantFrom(
    'services',
    'data',
    'v62.0',
    'Soap',
    '%EF%BC%8E',
    '%E2%80%A5',
    '%c0%ae',
    '%20',
    '.json',
    'ı',
    '%C4%B0',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
)

test('whatever is accepted has no dot segment or hidden slash, and reads as itself', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const target = parseTarget(`/${pieces.join('')}`)
      if ('problem' in target) return
      expect(parseTarget(target.path + target.search)).toEqual(target)
      expect(target.path).not.toMatch(/\/\/|[^!-~]/)
      const decoded = decodeURIComponent(target.path)
      expect(decoded.split('/')).toHaveLength(target.path.split('/').length)
      expect(decoded).not.toMatch(/[\\\p{Cc}]/u)
      for (const segment of decoded.split('/')) expect(segment.split(';')[0]?.trim()).not.toMatch(/^\.+$/)
      // What a URL parser makes of it is the same path: nothing is normalised away.
      expect(decodeURIComponent(new URL(target.path, 'http://a').pathname)).toBe(decoded)
    }),
    { numRuns: 5_000 },
  )
})
