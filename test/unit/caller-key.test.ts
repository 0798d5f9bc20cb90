import { describe, expect, test } from 'vitest'
import { identifyCaller, parseCallerKeys } from '../../src/server/caller-key.ts'

const keys = parseCallerKeys('\n etl : k3y:with:colons \r\n bi:second-key,, report:third-key\n')
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test.each([
  [{ 'x-api-key': 'k3y:with:colons' }, 'etl'],
  [{ authorization: 'Bearer second-key' }, 'bi'],
  [{ authorization: 'bearer  third-key ' }, 'report'],
  [{ authorization: 'OAuth second-key' }, 'bi'],
  [{ 'x-sfdc-session': 'second-key' }, 'bi'],
  [{ authorization: basic('anybody:k3y:with:colons') }, 'etl'],
  [{ authorization: basic(':third-key') }, 'report'],
  [{ authorization: 'Bearer 00D!placeholder', 'x-api-key': 'second-key' }, 'bi'],
])('%j is known', (headers, name) => {
  expect(identifyCaller(keys, headers)).toBe(name)
})

test.each([
  [{}],
  [{ 'x-api-key': '' }],
  [{ 'x-api-key': 'second-ke' }],
  [{ 'x-api-key': 'second-key2' }],
  [{ 'x-api-key': 'bi:second-key' }],
  [{ 'x-api-key': 'second-key, second-key' }],
  [{ authorization: 'second-key' }],
  [{ authorization: 'Digest second-key' }],
  [{ authorization: 'Bearer second-key extra' }],
  [{ authorization: basic('second-key:') }],
  [{ authorization: 'Basic !!!' }],
  [{ 'x-api-key': ['second-key', 'x'] }],
])('%j is not', (headers) => {
  expect(identifyCaller(keys, headers)).toBeUndefined()
})

test('one bare key needs no name', () => {
  expect(identifyCaller(parseCallerKeys(' only-key\n'), { 'x-api-key': 'only-key' })).toBe('default')
})

test('a blank setting holds no key', () => {
  expect(parseCallerKeys(' \n,')).toEqual([])
})

describe('a malformed setting is refused without showing a key', () => {
  test.each([
    'first-secret,second-secret',
    'a:first-secret\na:second-secret',
    'a:',
    'my name:first-secret',
    ':first-secret',
  ])('%j', (setting) => {
    expect(() => parseCallerKeys(setting)).toThrow(/^(?!.*secret).*PROXY_API_KEY/)
  })
})

test('keys are held as digests only', () => {
  expect(JSON.stringify(keys) + keys.map((key) => key.digest.toString()).join()).not.toContain('second-key')
})
