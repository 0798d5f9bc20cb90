import { describe, expect, test } from 'vitest'
import { createOriginPolicy } from '../../src/server/origin-policy.ts'
import type { HeaderFields } from '../../src/server/effective-method.ts'

const ask = (
  allowedOrigins: string[],
  headers: HeaderFields,
  { method = 'GET', isSecure = false, originCount = 1 } = {},
) =>
  createOriginPolicy({ allowedOrigins })({
    method,
    headers: { host: 'localhost:8080', ...headers },
    originCount,
    isSecure,
  })

const site = (value: string): HeaderFields => ({ 'sec-fetch-site': value })

describe('with nothing listed', () => {
  test.each<[string, HeaderFields]>([
    ['a program, which says nothing of origins', {}],
    ['an address that the user typed', site('none')],
    ["the proxy's own page", { origin: 'http://localhost:8080', ...site('same-origin') }],
    ["the proxy's own page in an older browser", { origin: 'http://LOCALHOST:8080' }],
    ['a GET of its own page', site('same-origin')],
  ])('%s passes, without any CORS field', (_who, headers) => {
    expect(ask([], headers)).toEqual({ kind: 'pass' })
  })

  test.each<[string, HeaderFields]>([
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['a sandboxed page', { origin: 'null' }],
    ['another port of this machine', { origin: 'http://localhost:3000', ...site('same-site') }],
    ['the same name over another scheme', { origin: 'https://localhost:8080' }],
    ['an image on a foreign page', site('cross-site')],
    ['an image on a page of another port', site('same-site')],
    ['a contradiction', { origin: 'http://localhost:8080', ...site('cross-site') }],
    ['an empty origin', { origin: '' }],
    ['two kinds of site', site('same-origin, cross-site')],
    ['an unknown word', site('friendly')],
  ])('%s is refused', (_who, headers) => {
    expect(ask([], headers)).toMatchObject({ kind: 'refused', refusal: { code: 'PROXY_ORIGIN_REFUSED' } })
  })

  test('a preflight is refused and gets no CORS field', () => {
    const verdict = ask(
      [],
      { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
      { method: 'OPTIONS' },
    )
    expect(verdict.kind).toBe('refused')
    expect(verdict).not.toHaveProperty('cors')
  })

  test('over TLS the own origin is https', () => {
    expect(ask([], { origin: 'https://localhost:8080' }, { isSecure: true }).kind).toBe('pass')
    expect(ask([], { origin: 'http://localhost:8080' }, { isSecure: true }).kind).toBe('refused')
  })

  test('two Origin fields are refused, whatever the first says', () => {
    expect(ask([], { origin: 'http://localhost:8080' }, { originCount: 2 }).kind).toBe('refused')
  })
})

describe('with an origin listed', () => {
  const listed = ['https://Tool.example', 'moz-extension://abc']

  test('it may call and read the answer', () => {
    expect(ask(listed, { origin: 'https://tool.example', ...site('cross-site') })).toEqual({
      kind: 'pass',
      cors: {
        'access-control-allow-origin': 'https://tool.example',
        'access-control-expose-headers': '*',
        vary: 'Origin',
      },
    })
  })

  test('its preflight is answered, for a private network as well', () => {
    const headers = {
      origin: 'https://tool.example',
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization,content-type, sforce-call-options',
      'access-control-request-private-network': 'true',
    }
    expect(ask(listed, headers, { method: 'OPTIONS' })).toMatchObject({
      kind: 'preflight',
      cors: {
        'access-control-allow-origin': 'https://tool.example',
        'access-control-allow-headers': 'authorization,content-type, sforce-call-options',
        'access-control-allow-private-network': 'true',
        vary: expect.stringContaining('Access-Control-Request-Private-Network') as string,
      },
    })
  })

  test('a preflight is answered with the least where it asks for nothing more, or for nonsense', () => {
    const headers = { origin: 'https://tool.example', 'access-control-request-method': 'GET' }
    const { cors } = { cors: {}, ...ask(listed, headers, { method: 'OPTIONS' }) }
    expect(cors).not.toHaveProperty('access-control-allow-private-network')
    expect(cors).not.toHaveProperty('access-control-allow-headers')
    const odd = ask(listed, { ...headers, 'access-control-request-headers': 'a b<c>' }, { method: 'OPTIONS' })
    expect(odd).not.toHaveProperty('cors.access-control-allow-headers')
  })

  test('an OPTIONS that is no preflight passes', () => {
    expect(ask(listed, { origin: 'https://tool.example' }, { method: 'OPTIONS' }).kind).toBe('pass')
  })

  test('others are still refused, also those that look like it', () => {
    for (const origin of ['https://tool.example.evil', 'http://tool.example', 'https://tool.example:444', 'null']) {
      expect(ask(listed, { origin }).kind).toBe('refused')
    }
  })

  test('answers to programs vary by origin, so that a cache cannot give them to a page', () => {
    expect(ask(listed, {})).toEqual({ kind: 'pass', cors: { vary: 'Origin' } })
  })
})

test.each(['null', '*', 'tool.example', 'https://tool.example/', 'https://a,https://b', ''])(
  'the setting %j is refused by name',
  (entry) => {
    expect(() => createOriginPolicy({ allowedOrigins: [entry] })).toThrow(/PROXY_ALLOWED_ORIGINS/)
  },
)
