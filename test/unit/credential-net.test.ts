import { expect, test } from 'vitest'
import { createCredentialNet } from '../../src/inspector/credential-net.ts'

const SECRET = 'a secret/of no "known" shape'
const net = createCredentialNet(() => [SECRET])

test.each([
  { what: 'a session in SOAP, whatever its prefix', text: '<urn:sessionId xmlns="x">abc</urn:sessionId>', gone: 'abc' },
  { what: 'a password in a SOAP login', text: '<username>u</username><password>p4ss</password>', gone: 'p4ss' },
  { what: 'a session that was cut', text: '<sessionId>abcdefgh', gone: 'abcdefgh' },
  { what: 'JSON that is laid out', text: '{ "access_token" : "abc\\"def" }', gone: 'def' },
  { what: 'JSON that was cut', text: '{"password":"p4ss', gone: 'p4ss' },
  { what: 'a form', text: 'username=u&password=p4ss&x=1', gone: 'p4ss' },
  { what: 'a token by its shape', text: 'see 00D000000000001!AQ4.abc_def', gone: 'AQ4' },
  { what: 'a known secret in JSON', text: JSON.stringify({ note: SECRET }), gone: 'known' },
  { what: 'a known secret in a form', text: new URLSearchParams({ note: SECRET }).toString(), gone: 'known' },
])('blanks $what', ({ text, gone }) => {
  const safe = net.text(text)
  expect(safe).not.toContain(gone)
  expect(safe).toContain('[redacted]')
})

test('the beginning of a known secret at the end of a text that was cut', () => {
  expect(net.text('so it is a secret/of no', true)).toBe('so it is [redacted]')
  expect(net.text('so it is a secret/of no')).toBe('so it is a secret/of no')
  expect(net.text('this is a', true)).toBe('this is a')
})

test('what holds no credential stays what it is', () => {
  const text = '{"Name":"web-1","CA10__stateName__c":"running","password policy":"strict","passwords":2}'
  expect(net.text(text)).toBe(text)
})

test.each([
  ['Authorization', 'Bearer abc'],
  ['X-SFDC-Session', 'abc'],
  ['Set-Cookie', 'BAYEUX_BROWSER=abc'],
  ['X-Auth-Token', 'abc'],
  ['X-API-KEY', 'abc'],
  ['X-Amz-Signature', 'abc'],
])('the field %s is blanked whatever it holds', (name, value) => {
  expect(net.field(name, value)).toBe('[redacted]')
})

test('a token in any other field is blanked, the rest of it stays', () => {
  expect(net.field('Location', '/x?sid=00D000000000001!abc&y=1')).toBe('/x?sid=[redacted]&y=1')
  expect(net.field('Content-Type', 'application/json')).toBe('application/json')
})
