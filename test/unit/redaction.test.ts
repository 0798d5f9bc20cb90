import { expect, test } from 'vitest'
import { createRedactor, plainWith } from '../../src/redaction.ts'
import fc from '../support/properties.ts'

const redact = createRedactor(() => [])
const JWT = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl-_${'x'.repeat(40)}`

test.each([
  `{"msg":"${JWT}"}`,
  `access-token=${JWT}&x=1`,
  `prefix${JWT}`,
  `a.b.c ${JWT}. And more`,
  `cut off ${JWT.slice(0, 40)}`,
  'session 00D000000000001!AQEAQ.x_y',
  'session 00D000000000001AAA%21AQEAQ.x_y',
  `key 3MVG9${'x'.repeat(80)}`,
  'Authorization: Bearer c2lnbmF0dXJlc2lnbmF0dXJl',
])('%s is not printed', (line) => {
  const safe = redact(line)
  expect(safe).toContain('[redacted]')
  expect(safe).not.toMatch(/c2ln|eyJ|AQEAQ|xxxx/)
})

test('a consumer secret is known by its shape where it is not known itself', () => {
  const secret = '4E881D61AB9E0F27'.repeat(4)
  expect(redact(`{"path":"/services/data/v62.0/echo/${secret}"}`)).toBe(
    '{"path":"/services/data/v62.0/echo/[redacted]"}',
  )
  for (const other of [secret.toLowerCase(), `${secret}0`, secret.slice(1)]) expect(redact(other)).toBe(other)
})

test.each(['/services/data/v62.0/limits', 'at run (/app/server.ts:12:5)', 'https://acme.my.salesforce.com', 'heyJude'])(
  '%s is',
  (line) => {
    expect(redact(line)).toBe(line)
  },
)

test('a token at the end of a hostile line of a megabyte is found as well', () => {
  for (const piece of [
    'eyJ',
    'a.eyJ',
    '00D',
    '3MVG.',
    'Bearer ',
    '"password":',
    '\\"sid\\":\\"',
    'A',
    `${'A'.repeat(63)} `,
  ]) {
    const safe = redact(`${piece.repeat(1_000_000 / piece.length)} ${JWT}`)
    expect(safe.endsWith(' [redacted]')).toBe(true)
  }
})

test('what is called plain is what would be left as it is', () => {
  const piece = fc.constantFrom(
    '0',
    '00D',
    'a',
    'f',
    '-',
    'A',
    '!',
    'ey',
    'J',
    '.',
    'sid=',
    'x'.repeat(12),
    '0'.repeat(32),
  )
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  const isPlain = plainWith([])
  fc.assert(
    fc.property(text, (given) => {
      if (isPlain(given)) expect(redact(given)).toBe(given)
    }),
  )
  const texts = ['0b6d1e0c-9f3a-4271-800d-0123456789ab', 'a'.repeat(64), 'holds a form']
  expect(texts.map(plainWith(['form']))).toEqual([true, false, false])
  // Of hexadecimal digits themselves, as the ids are among which they would hide.
  expect(texts.map(plainWith(['9f3a', 'not here']))).toEqual([false, false, true])
})

test('the forms of the secrets are the same list until there is another secret', () => {
  const secrets = new Set<string>()
  const own = createRedactor(() => secrets)
  const before = own.forms()
  expect(own.forms()).toBe(before)
  secrets.add('a hidden one')
  const after = own.forms()
  expect(after).toEqual(['a hidden one', 'a%20hidden%20one', 'a+hidden+one'])
  expect(own.forms()).toBe(after)
  secrets.delete('a hidden one')
  secrets.add('another')
  expect(own.forms()).toEqual(['another'])
})
