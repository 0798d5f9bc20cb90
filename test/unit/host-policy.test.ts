import { describe, expect, test } from 'vitest'
import { createHostPolicy } from '../../src/server/host-policy.ts'

const byDefault = createHostPolicy({ allowedHosts: [] })

test.each([
  'localhost',
  'localhost:8080',
  'LOCALHOST:1',
  '127.0.0.1',
  '127.0.0.1:8080',
  '127.8.9.10:80',
  '[::1]',
  '[::1]:8080',
  '[0:0:0:0:0:0:0:1]:8080',
  '[::ffff:127.0.0.1]:8080',
  '[::ffff:7f00:1]',
])('%s is this machine', (host) => {
  expect(byDefault([host])).toBeUndefined()
})

test.each([
  'evil.example',
  'localhost.evil.example',
  'evil-localhost',
  'localhost.',
  'a.localhost',
  'localhost:8080:80',
  'localhost:',
  'localhost:http',
  'localhost, evil.example',
  'user@localhost',
  'localhost/x',
  '127.0.0.1.evil.example',
  '127.1',
  '0127.0.0.1',
  '2130706433',
  '0x7f000001',
  '0.0.0.0:8080',
  '128.0.0.1',
  '::1',
  '[::1',
  '[::2]',
  '[::1%lo]',
  '[127.0.0.1]',
  '[::ffff:10.0.0.1]',
  '[fe80::1]',
  ' localhost',
  'localhost\u0000',
  '\u{1d4d5}localhost',
])('%j is refused', (host) => {
  expect(byDefault([host])).toMatchObject({ code: 'PROXY_HOST_REFUSED' })
})

test('no Host, an empty one and two of them are refused', () => {
  expect(byDefault([])?.rule).toBe('host missing')
  expect(byDefault([''])?.rule).toBe('host missing')
  expect(byDefault(['localhost', 'localhost'])?.rule).toBe('host repeated')
})

test('the message holds a harmless piece of the name only', () => {
  const detail = byDefault([`"<script>${'x'.repeat(500)}`])?.detail ?? ''
  expect(detail).not.toMatch(/[<>]/)
  expect(detail.length).toBeLessThan(120)
})

describe('listed names', () => {
  const listed = createHostPolicy({ allowedHosts: ['Proxy.example', '*.corp.example', 'ported:8080', '[fd00::1]'] })
  test.each([
    'proxy.example',
    'PROXY.example:99',
    'a.corp.example',
    'a.b.corp.example:1',
    'ported:8080',
    '[FD00::1]:5',
  ])('%s is served', (host) => {
    expect(listed([host])).toBeUndefined()
  })
  test.each([
    'corp.example',
    'evilcorp.example',
    '.corp.example',
    'ported',
    'ported:8081',
    'a.proxy.example',
    'proxy.example.evil',
  ])('%s is not', (host) => {
    expect(listed([host])).toBeDefined()
  })

  test.each(['', 'http://x', 'a b', '*', '*.', 'a.*.b', 'x:port', '*.*.x'])(
    'the setting %j is refused by name',
    (entry) => {
      expect(() => createHostPolicy({ allowedHosts: [entry] })).toThrow(/PROXY_ALLOWED_HOSTS/)
    },
  )
})
