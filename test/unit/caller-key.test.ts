import { describe, expect, test } from 'vitest'
import { parseCallerKeys } from '../../src/config.ts'
import { digestKeys, identifyCaller } from '../../src/server/caller-key.ts'

function keysOf(setting: string) {
  const parsed = parseCallerKeys(setting)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return digestKeys(parsed.keys)
}

const keys = keysOf('\n etl : k3y:with:colons \r\n bi:second-key,, report:third-key\n')
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
  expect(identifyCaller(keysOf(' only-key\n'), { 'x-api-key': 'only-key' })).toBe('default')
})

describe('a malformed setting is refused without showing a key', () => {
  test.each([
    ['first-secret,second-secret', /names a caller twice/],
    ['a:first-secret\na:second-secret', /names a caller twice/],
    ['a:first-secret\nb:first-secret', /same key/],
    ['a:', /takes one key/],
    ['a:short', /at least 8/],
    ['my name:first-secret', /takes one key/],
    [':first secret', /takes one key/],
    ['a:first-sécret', /printable ASCII/],
    [' \n,', /takes one key/],
  ])('%j', (setting, reason) => {
    const parsed = parseCallerKeys(setting)
    expect(parsed).toMatchObject({ problem: expect.stringMatching(reason) as string })
    expect(JSON.stringify(parsed)).not.toMatch(/s.cret/)
  })
})

test('keys are held as digests only', () => {
  expect(JSON.stringify(keys) + keys.map((key) => key.digest.toString()).join()).not.toContain('second-key')
})
