import { describe, expect, test } from 'vitest'
import { callerHeaders, callerTrailers } from '../../src/upstream/response-headers.ts'
import fc from '../support/properties.ts'

const OPTIONS = {
  family: 'rest',
  origins: { upstreamOrigin: () => 'https://acme.my.salesforce.com', callerOrigin: 'http://localhost:8080' },
} as const
const VIA = ['Via', '1.1 cloudaware-proxy']

function caller(rawHeaders: (string | Buffer)[], options: Partial<Parameters<typeof callerHeaders>[1]> = {}): string[] {
  return callerHeaders(rawHeaders, { ...OPTIONS, ...options })
}

describe('what travels to the caller', () => {
  test('order, letter case, duplicates and bytes stay', () => {
    const sent = [
      ...['Sforce-Limit-Info', 'api-usage=18/5000', 'sforce-locator', 'null', 'ETag', '"Jbj=-gzip"'],
      ...['Content-Encoding', 'gzip', 'Content-Length', '5', 'Warning', 'a', 'warning', 'b', 'X-Latin', 'caf\u00e9'],
      ...['__proto__', 'x', 'Date', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Via', '1.1 edge', 'X-Empty', '', 'X_Y', '\t'],
    ]
    expect(caller(sent)).toEqual([...sent, ...VIA])
    expect(caller(sent.map((text) => Buffer.from(text, 'latin1')))).toEqual([...sent, ...VIA])
  })

  test('Proxy-Status is added where there is something to say', () => {
    expect(caller([], { proxyStatus: 'cloudaware-proxy; details="x"' })).toEqual([
      ...VIA,
      ...['Proxy-Status', 'cloudaware-proxy; details="x"'],
    ])
  })
})

describe('what stays behind', () => {
  test.each([
    ...['Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade'],
    ...['Proxy-Authenticate', 'Set-Cookie', 'set-cookie', 'STRICT-Transport-Security', 'Public-Key-Pins'],
    ...['Public-Key-Pins-Report-Only', 'Alt-Svc', 'Clear-Site-Data'],
  ])('%s', (name) => {
    expect(caller([name, 'close', 'ETag', '"1"', name, 'x'])).toEqual(['ETag', '"1"', ...VIA])
  })

  test('what Connection names, but never what says what the body is', () => {
    const sent = [
      'X-Hop',
      '1',
      'connection',
      'keep-alive, X-HOP, content-length, via',
      'Content-Length',
      '5',
      'Via',
      '1.1 edge',
    ]
    expect(caller(sent, { proxyStatus: 'p' })).toEqual(['Content-Length', '5', ...VIA, 'Proxy-Status', 'p'])
  })
})

describe('addresses of the upstream', () => {
  test.each([
    [
      'https://acme.my.salesforce.com/services/data/x?y=https://acme.my.salesforce.com',
      '/services/data/x?y=https://acme.my.salesforce.com',
    ],
    ['HTTPS://ACME.my.salesforce.com:443/a', '/a'],
    ['https://acme.my.salesforce.com', ''],
    ['https://acme.my.salesforce.com?a', '?a'],
    ['https://acme.my.salesforce.com#a', '#a'],
    ['https://user:x@acme.my.salesforce.com/a', '/a'],
    ['//acme.my.salesforce.com/a', '/a'],
  ])('%s becomes one of the proxy', (sent, rest) => {
    for (const name of ['Location', 'content-location']) {
      expect(caller([name, sent])).toEqual([name, `http://localhost:8080${rest}`, ...VIA])
    }
  })

  test.each([
    '/services/data/v62.0/sobjects/Account/001',
    'relative',
    '',
    'https://acme.my.salesforce.com.evil.example/a',
    'https://evil.example/https://acme.my.salesforce.com',
    'https://acme.my.salesforce.com@evil.example/',
    'http://acme.my.salesforce.com/a',
    'https://acme.my.salesforce.com:8443/a',
    'https://[broken/a',
    'ftp://acme.my.salesforce.com/a',
    '/a?//acme.my.salesforce.com/',
  ])('%s stays', (sent) => {
    expect(caller(['Location', sent])).toEqual(['Location', sent, ...VIA])
  })

  test('in other fields stay', () => {
    const sent = ['Link', '<https://acme.my.salesforce.com/a>']
    expect(caller(sent)).toEqual([...sent, ...VIA])
  })
})

describe('fields for a web page of a listed origin', () => {
  const cors = { 'access-control-allow-origin': 'https://tool.example.com', vary: 'Origin' }
  const added = ['access-control-allow-origin', 'https://tool.example.com', 'Vary']

  test("replace the upstream's own, and Vary is joined", () => {
    const sent = ['Vary', 'Accept', 'Access-Control-Allow-Origin', '*', 'ETag', '"1"', 'vary', 'Cookie']
    expect(caller(sent, { cors })).toEqual(['ETag', '"1"', ...VIA, ...added, 'Accept, Cookie, Origin'])
    expect(caller(['Vary', 'Accept', 'Connection', 'vary'], { cors })).toEqual([...VIA, ...added, 'Origin'])
  })

  test('without them the upstream speaks for itself', () => {
    const sent = ['Vary', 'Accept', 'Access-Control-Allow-Origin', '*']
    expect(caller(sent)).toEqual([...sent, ...VIA])
  })
})

describe('cookies of CometD', () => {
  test.each([
    ['BAYEUX_BROWSER=1f; Path=/cometd/; Secure; HttpOnly', 'BAYEUX_BROWSER=1f; Path=/cometd/; HttpOnly'],
    ['BrowserId=a; domain=.salesforce.com; path=/; SECURE;SameSite=None; Partitioned', 'BrowserId=a; path=/'],
    ['a=secure; SameSite=Lax; Max-Age=3; Domain', 'a=secure; SameSite=Lax; Max-Age=3'],
    ['domain=1; secure=', 'domain=1'],
  ])('%s travels fit for another host and plain http', (sent, travelled) => {
    expect(caller(['Set-Cookie', sent], { family: 'streaming' })).toEqual(['Set-Cookie', travelled, ...VIA])
  })

  test('carry no session to the caller', () => {
    expect(caller(['Set-Cookie', 'sid=00D!token; path=/'], { family: 'streaming' })).toEqual(VIA)
    expect(caller(['Set-Cookie', ' Sid = x'], { family: 'streaming' })).toEqual(VIA)
  })
})

describe('fields that Node would refuse to write', () => {
  test.each([
    ['a line feed', 'X-Bad', 'a\nb', 'x-bad'],
    ['a NUL', 'X-Bad', 'a\0b', 'x-bad'],
    ['DEL', 'X-Bad', 'a\x7fb', 'x-bad'],
    ['a space in the name', 'X Bad', 'a', 'x bad'],
    ['no name', '', 'a', ''],
    ['a control character in the name', 'X\x01', 'a', 'x?'],
  ])('are left out and told of: %s', (_what, field, value, told) => {
    const seen: string[] = []
    expect(caller(['ETag', '"1"', field, value], { onInvalid: (name) => seen.push(name) })).toEqual([
      'ETag',
      '"1"',
      ...VIA,
    ])
    expect(seen).toEqual([told])
  })

  test('are left out silently where nobody asks', () => {
    expect(caller(['X-Bad', 'a\rb'])).toEqual(VIA)
  })

  test('never come out, whatever bytes went in', () => {
    const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array))
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, bytes)), (pairs) => {
        for (const [at, text] of caller(pairs.flat(), { family: 'streaming' }).entries()) {
          expect(text).toMatch(at % 2 === 0 ? /^[!#$%&'*+.^_`|~\w-]+$/ : /^[\t -~\x80-\xff]*$/)
        }
      }),
    )
  })
})

test('a trailer that Node would refuse to write is left out, the others go', () => {
  const raw = ['X-Sum', '42', 'no token', 'x', 'X-Control', 'a\u0001b', 'VIA', '1.1 x', 'X-Latin', 'Ä'].map((text) =>
    Buffer.from(text, 'latin1'),
  )
  expect(callerTrailers(raw)).toEqual([
    ['X-Sum', '42'],
    ['X-Latin', 'Ä'],
  ])
})
