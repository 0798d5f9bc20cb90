import { describe, expect, test } from 'vitest'
import { withoutSessionParameters } from '../../src/upstream/session-parameters.ts'
import fc from '../support/properties.ts'

describe('parameters that carry a session never leave', () => {
  test.each([
    ['/id/00D/005?oauth_token=x', '/id/00D/005'],
    ['/id/00D/005?oauth_token=x&format=json', '/id/00D/005?format=json'],
    ['/a?format=json&access_token=x', '/a?format=json'],
    ['?a=1&sid=x&b=2', '?a=1&b=2'],
    ['?sid&a', '?a'],
    ['?sid=1&sid=2&oauth_token=3', ''],
    ['?OAuth_Token=x&b', '?b'],
    ['?%6fauth%5Ftoken=x&b', '?b'],
    ['?s%69d=x&b=%zz&c=+%20', '?b=%zz&c=+%20'],
    ['?a=1&&sid=x&', '?a=1&&'],
  ])('%s', (target, left) => {
    expect(withoutSessionParameters(target)).toBe(left)
  })
})

describe('everything else stays, byte for byte', () => {
  test.each([
    '/services/data/v62.0/query?q=SELECT+Id+FROM+User+WHERE+Name=%27sid%27',
    '/sid/oauth_token',
    '/a?',
    '/a?&&',
    '/a?q=sid=1&xsid=2&sid_=3&access_tokens=4&token=5',
    '/a?q=1?sid=2',
    '/a?%zz=1&%=2&%73=3',
  ])('%s', (target) => {
    expect(withoutSessionParameters(target)).toBe(target)
  })

  test('of any query, in order', () => {
    const parameter = fc.string().filter((text) => !/[?&#]|%|^(?:sid|oauth_token|access_token)(?:=|$)/i.test(text))
    const session = fc.constantFrom('sid=1', 'Sid', 'oauth_token=', 'access_token=a=b', '%73id=1')
    fc.assert(
      fc.property(fc.array(fc.oneof(parameter, session)), (parameters) => {
        const kept = parameters.filter((text) => !/^(?:sid|oauth_token|access_token|%73id)(?:=|$)/i.test(text))
        const expected = kept.length === 0 && parameters.length > 0 ? '/p' : `/p?${kept.join('&')}`
        expect(withoutSessionParameters(`/p?${parameters.join('&')}`)).toBe(expected)
      }),
    )
  })
})
