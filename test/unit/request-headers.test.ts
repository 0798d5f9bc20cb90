import { describe, expect, test } from 'vitest'
import { withLengthGrownBy } from '../../src/upstream/header-list.ts'
import { upstreamHeaders, withSession } from '../../src/upstream/request-headers.ts'

const OURS = ['User-Agent', 'cloudaware-proxy/1.2.3', 'Via', '1.1 cloudaware-proxy']

function upstream(rawHeaders: string[], family: 'rest' | 'streaming' = 'rest'): string[] {
  return upstreamHeaders(rawHeaders, { family, version: '1.2.3' })
}

describe('what travels to the API', () => {
  test('order, letter case, duplicates and bytes stay', () => {
    const sent = [
      ...['aCCept', 'text/html', 'Sforce-Query-Options', 'batchSize=200', 'X-Twice', 'a', 'x-twice', 'b'],
      ...[
        'X-Latin',
        'caf\u00e9',
        'X-Empty',
        '',
        'If-None-Match',
        '"Jbj=-gzip"',
        'X_Custom',
        '1',
        'Content-Length',
        '5',
      ],
    ]
    expect(upstream(sent)).toEqual([...sent, ...OURS])
  })

  test('User-Agent is completed, once', () => {
    const headers = upstream(['user-agent', 'curl/8', 'Accept', '*/*', 'User-Agent', 'second'])
    expect(headers.slice(0, 6)).toEqual([
      ...['user-agent', 'curl/8 cloudaware-proxy/1.2.3', 'Accept', '*/*'],
      ...['User-Agent', 'second'],
    ])
    expect(upstream(['User-Agent', '']).slice(0, 2)).toEqual(['User-Agent', 'cloudaware-proxy/1.2.3'])
  })

  test('Via names the version that the caller spoke, after the proxies before', () => {
    const headers = upstreamHeaders(['Via', '1.1 other'], { family: 'rest', version: '1', httpVersion: '1.0' })
    expect(headers).toEqual(['Via', '1.1 other', 'User-Agent', 'cloudaware-proxy/1', 'Via', '1.0 cloudaware-proxy'])
  })

  test('a header named __proto__ is a header like others', () => {
    const headers = upstream(['__proto__', 'x', 'constructor', 'y'])
    expect(headers.slice(0, 4)).toEqual(['__proto__', 'x', 'constructor', 'y'])
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

describe('what stays behind', () => {
  test.each([
    ...['Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade'],
    ...['HTTP2-Settings', 'Proxy-Authorization', 'Expect', 'Host'],
    ...['Authorization', 'X-SFDC-Session', 'X-Api-Key', 'Cookie', 'authorization', 'x-sfdc-SESSION'],
    ...['X_SFDC_SESSION', 'X-Sfdc_Session', 'x_api_key', 'X_Forwarded_For'],
    ...[
      'Origin',
      'Referer',
      'Forwarded',
      'X-Real-IP',
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'Sec-Fetch-Site',
      'Sec-CH-UA',
    ],
  ])('%s', (name) => {
    expect(upstream([name, 'keep-alive', 'Accept', '*/*', name, 'x'])).toEqual(['Accept', '*/*', ...OURS])
  })

  test('what Connection names, wherever it stands and however it is spelled', () => {
    const sent = [
      'X-Hop',
      '1',
      'Connection',
      'Close,  x-hop ,,X-Other',
      'x-other',
      '2',
      'Accept',
      '*/*',
      'CONNECTION',
      'x-late',
    ]
    expect(upstream([...sent, 'X-Late', '3'])).toEqual(['Accept', '*/*', ...OURS])
  })

  test('but never what says what the body is, nor what the proxy adds', () => {
    const named = 'content-length, Content-Type, content-encoding, user-agent, via, authorization, host, x-sfdc-session'
    const sent = ['Content-Length', '5', 'Content-Type', 'text/csv', 'Content-Encoding', 'gzip']
    const headers = upstream(['Connection', named, ...sent])
    expect(headers).toEqual([...sent, ...OURS])
    expect(withSession(headers, 'bulk1', 'T')).toEqual([...headers, 'Authorization', 'Bearer T', 'X-SFDC-Session', 'T'])
  })

  test.each([
    ['close', 'X-Kept'],
    ['keep-alive', 'X-Kept'],
  ])('Connection: %s names nothing', (value, name) => {
    expect(upstream(['Connection', value, name, '1'])).toEqual([name, '1', ...OURS])
  })
})

describe('cookies', () => {
  test.each([
    ['BAYEUX_BROWSER=1; sid=00D!x; BrowserId=2', 'BAYEUX_BROWSER=1; BrowserId=2'],
    ['sid=00D!x; BAYEUX_BROWSER=1', 'BAYEUX_BROWSER=1'],
    ['SID = x;sid;a=sid', 'a=sid'],
    ['a=1;b=2', 'a=1;b=2'],
  ])('of CometD travel, but for the session: %s', (sent, travelled) => {
    expect(upstream(['cookie', sent], 'streaming')).toEqual(['cookie', travelled, ...OURS])
  })

  test('of CometD leave no empty field behind', () => {
    expect(upstream(['Cookie', 'sid=00D!x'], 'streaming')).toEqual(OURS)
  })
})

test('the session is added where each family reads it, and the list given stays as it was', () => {
  const headers = ['Accept', '*/*']
  expect(withSession(headers, 'rest', 'T')).toEqual(['Accept', '*/*', 'Authorization', 'Bearer T'])
  expect(withSession(headers, 'identity', 'T')).toEqual(['Accept', '*/*', 'Authorization', 'Bearer T'])
  expect(withSession(headers, 'soap', 'T')).toEqual(['Accept', '*/*', 'Authorization', 'Bearer T'])
  expect(withSession(headers, 'streaming', 'T')).toEqual(['Accept', '*/*', 'Authorization', 'OAuth T'])
  expect(withSession(headers, 'bulk1', 'T').slice(2)).toEqual(['Authorization', 'Bearer T', 'X-SFDC-Session', 'T'])
  expect(headers).toEqual(['Accept', '*/*'])
})

test('a length is put right in place, and no value is taken for a name', () => {
  expect(withLengthGrownBy(['X', 'content-length', 'cONTENT-lENGTH', '5', 'Y', '5'], 12)).toEqual([
    ...['X', 'content-length', 'cONTENT-lENGTH', '17', 'Y', '5'],
  ])
  expect(withLengthGrownBy(['X', '1'], 12)).toEqual(['X', '1'])
})
