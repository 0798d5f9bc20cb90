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
])('the field %s is blanked whatever it holds', (name, value) => {
  expect(net.fields([name, value, 'Accept', '*/*'])).toEqual([
    [name, '[redacted]'],
    ['Accept', '*/*'],
  ])
})

test('a token in any other field is blanked, the rest of it stays', () => {
  expect(net.fields(['Location', '/x?sid=00D000000000001!abc&y=1', 'Content-Type', 'application/json'])).toEqual([
    ['Location', '/x?sid=[redacted]&y=1'],
    ['Content-Type', 'application/json'],
  ])
})

test('the quick look lets off no shape and no secret: each name of a credential, in each notation', () => {
  const names = [
    'sessionId',
    'accessToken',
    'password',
    'newPassword',
    'clientSecret',
    'api_key',
    'apikey',
    'assertion',
    'sid',
    'id_token',
  ]
  for (const name of names) {
    for (const text of [
      `<${name}>v4lue</${name}>`,
      `<s:${name} a="b">v4lue`,
      `{"${name}" : "v4lue"}`,
      `a=b&${name}=v4lue`,
    ]) {
      expect([text, net.text(text)]).toEqual([text, expect.not.stringContaining('v4lue')])
    }
  }
  for (const secret of ['?/+ &', 'ümläut secret', 'plain-secret', '"quoted"']) {
    const { text } = createCredentialNet(() => [secret])
    for (const form of [
      secret,
      JSON.stringify(secret),
      encodeURIComponent(secret),
      new URLSearchParams({ a: secret }).toString(),
    ]) {
      expect(text(`x ${form} y`)).toContain('[redacted]')
    }
  }
})
