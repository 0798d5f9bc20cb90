import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { ApiFamily } from '../../src/upstream/api-family.ts'
import { healthIn, lookAt, lookLimit, MAX_REFUSAL_BYTES, readRefusal } from '../../src/upstream/dead-session.ts'
import fc from '../support/properties.ts'

const REFUSED = { suspects: 'always' }
const FAMILIES = ['rest', 'bulk1', 'soap', 'streaming', 'identity'] as const
const REST = '[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'
const BULK_XML =
  '<?xml version="1.0" encoding="UTF-8"?><error\n xmlns="http://www.force.com/2009/06/asyncapi/dataload">\n <exceptionCode>InvalidSessionId</exceptionCode>\n <exceptionMessage>Invalid session id</exceptionMessage>\n</error>'
const BULK_JSON = '{"exceptionCode":"InvalidSessionId","exceptionMessage":"Invalid session id"}'
const SOAP = soapFault('sf:INVALID_SESSION_ID')
const HANDSHAKE =
  '[{"ext":{"sfdc":{"failureReason":"401::Authentication invalid"},"replay":true},"advice":{"reconnect":"none"},"channel":"/meta/handshake","error":"403::Handshake denied","successful":false}]'
const CONNECT =
  '[{"advice":{"reconnect":"none"},"channel":"/meta/connect","id":"4","error":"401::Authentication invalid","successful":false}]'

function soapFault(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>${code}</faultcode><faultstring>INVALID_SESSION_ID: Invalid Session ID found in SessionHeader</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
}

function sized(bytes: number) {
  return { 'content-length': String(bytes) }
}

function read(family: ApiFamily, status: number, body: string | Buffer, contentEncoding = 'identity') {
  return readAnswer({ family, runsOrgCode: false }, status, body, contentEncoding)
}

function readAnswer(
  asked: { family: ApiFamily; runsOrgCode: boolean },
  status: number,
  body: string | Buffer,
  contentEncoding = 'identity',
) {
  return readRefusal(asked, { status, headers: { 'content-encoding': contentEncoding }, body: Buffer.from(body) })
}

describe('the answers worth a look', () => {
  test.each(FAMILIES)('%s: a 401 and a 403 are, an ordinary answer is not', (family) => {
    expect(lookAt(family, 401, {})).toBe('hold')
    expect(lookAt(family, 403, {})).toBe('hold')
    for (const status of [201, 204, 206, 300, 304, 404, 503]) expect(lookAt(family, status, {})).toBeUndefined()
  })

  test('a 400 is for Bulk v1 alone, a 500 for SOAP alone', () => {
    expect(FAMILIES.filter((family) => lookAt(family, 400, {}) === 'hold')).toEqual(['bulk1'])
    expect(FAMILIES.filter((family) => lookAt(family, 500, {}) === 'hold')).toEqual(['soap'])
    expect(FAMILIES.map((family) => lookAt(family, 400, {})).filter((look) => look !== undefined)).toEqual(['hold'])
  })

  test('a 200 is for streaming alone: held where it is known to be small, peeked at where its length is not known', () => {
    expect(FAMILIES.filter((family) => lookAt(family, 200, sized(300)) !== undefined)).toEqual(['streaming'])
    expect(FAMILIES.filter((family) => lookAt(family, 200, {}) !== undefined)).toEqual(['streaming'])
    expect(lookAt('streaming', 200, sized(4096))).toBe('hold')
    expect(lookAt('streaming', 200, sized(4097))).toBeUndefined()
    expect(lookAt('streaming', 200, {})).toBe('peek')
    expect(lookLimit('peek')).toBeLessThan(lookLimit('hold'))
  })
})

describe('a refused session', () => {
  test.each([
    ['REST', 'rest', 401, REST],
    ['REST in one object', 'rest', 401, '{"message":"…","errorCode":"INVALID_SESSION_ID"}'],
    [
      'REST in XML',
      'rest',
      401,
      '<Errors><Error><errorCode>INVALID_SESSION_ID</errorCode><message>Session expired or invalid</message></Error></Errors>',
    ],
    ['Bulk v1 in XML', 'bulk1', 400, BULK_XML],
    ['Bulk v1 in JSON', 'bulk1', 400, BULK_JSON],
    ['Bulk v1 with 401', 'bulk1', 401, BULK_JSON],
    ['SOAP', 'soap', 500, SOAP],
    [
      'SOAP with other prefixes',
      'soap',
      500,
      soapFault('\n ns1:INVALID_SESSION_ID ').replace(/faultcode/g, 'S:faultcode'),
    ],
    ['SOAP with an attribute', 'soap', 500, SOAP.replace('<faultcode>', '<faultcode xmlns:sf="urn:x">')],
    ['identity with 401', 'identity', 401, REST],
    ['a CometD handshake', 'streaming', 200, HANDSHAKE],
    ['a CometD connect', 'streaming', 200, CONNECT],
    ['a CometD message outside an array', 'streaming', 200, CONNECT.slice(1, -1)],
    ['CometD with 401', 'streaming', 401, REST],
  ] as const)('is recognised: %s', (_name, family, status, body) => {
    expect(lookAt(family, status, sized(body.length))).toBe('hold')
    expect(read(family, status, body)).toEqual(REFUSED)
  })

  test.each(['Bad_OAuth_Token', '\nMissing_OAuth_Token\n'])('identity: %j is one too', (body) => {
    expect(lookAt('identity', 403, sized(body.length))).toBe('hold')
    expect(read('identity', 403, body)).toEqual(REFUSED)
  })

  test.each(FAMILIES)('%s: a 401 without a body (as to HEAD) or in HTML is one too', (family) => {
    expect(read(family, 401, '')).toEqual(REFUSED)
    expect(read(family, 401, ' \r\n<!DOCTYPE HTML><p>Unauthorized')).toEqual(REFUSED)
    expect(read(family, 401, '<html><body>Unauthorized</body></html>')).toEqual(REFUSED)
  })

  test.each([
    ['gzip', gzipSync],
    ['X-Gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    [' br ', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['identity', (body: Buffer) => body],
  ] as const)('is recognised through %s', (encoding, compress) => {
    expect(read('rest', 401, compress(Buffer.from(REST)), encoding)).toEqual(REFUSED)
    expect(read('bulk1', 400, compress(Buffer.from(BULK_XML)), encoding)).toEqual(REFUSED)
  })

  test.each([
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${BULK_XML}`)],
    ['UTF-16LE with a byte order mark', Buffer.from(`\ufeff${BULK_XML}`, 'utf16le')],
    ['UTF-16BE with a byte order mark', Buffer.from(`\ufeff${BULK_XML}`, 'utf16le').swap16()],
    ['UTF-16LE without', Buffer.from(BULK_XML, 'utf16le')],
    ['UTF-16BE without', Buffer.from(BULK_XML, 'utf16le').swap16()],
  ])('is recognised in %s', (_name, body) => {
    expect(read('bulk1', 400, body)).toEqual(REFUSED)
  })

  test('is recognised in the beginning of a compressed body that was cut short', () => {
    const noise = Buffer.from(Array.from({ length: 4000 }, (_, i) => `<!-- ${i * 7919} -->`).join(''))
    const cut = gzipSync(Buffer.concat([Buffer.from(SOAP), noise.subarray(0, 30_000)]))
    expect(read('soap', 500, cut.subarray(0, cut.length >> 1), 'gzip')).toEqual(REFUSED)
  })
})

describe('a refusal that a new token does not cure', () => {
  test.each([
    ['rest', 401, 'This session is not valid for use with the REST API', 'INVALID_SESSION_ID', /scope "api" \(step 6/],
    ['rest', 401, 'Connected app is not attached to Agent', 'INVALID_SESSION_ID', /step 14/],
    ['rest', 401, 'BlackTab users cannot perform API operations', 'INVALID_SESSION_ID', /Run As user/],
    ['soap', 500, 'INVALID_SESSION_ID: This session is not valid for use with the API', 'x', /scope "api" \(step 6/],
    ['rest', 403, 'API is not enabled for this Organization or Partner', 'API_DISABLED_FOR_ORG', /API Enabled/],
    ['rest', 403, 'API is not enabled', 'API_CURRENTLY_DISABLED', /support/],
    ['rest', 401, 'Destination URL not reset', 'URL_NOT_RESET', /My Domain/],
  ] as const)('%s %i %s names the step that does', (family, status, message, errorCode, sentence) => {
    const refusal = read(family, status, gzipSync(JSON.stringify([{ message, errorCode }])), 'gzip')
    expect(refusal).toEqual({ suspects: 'never', diagnosis: expect.stringMatching(sentence) as string })
  })

  test('is recognised in a SOAP fault, too', () => {
    expect(read('soap', 500, soapFault('sf:API_DISABLED_FOR_ORG'))).toMatchObject({ suspects: 'never' })
  })

  test.each(['INVALID_AUTH_HEADER', 'INVALID_JWT_FORMAT'])(
    '%s is one, unless the token has worked before',
    (errorCode) => {
      const refusal = read('rest', 401, JSON.stringify([{ message: errorCode, errorCode }]))
      expect(refusal).toEqual({ suspects: 'if-it-worked', diagnosis: expect.stringContaining('header') as string })
    },
  )
})

describe('what speaks of something else', () => {
  test.each([
    [
      'a daily limit',
      'rest',
      403,
      '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]',
    ],
    ['Bad_OAuth_Token beyond identity', 'rest', 403, 'Bad_OAuth_Token'],
    ['Bad_OAuth_Token amid a text', 'identity', 403, 'not a Bad_OAuth_Token'],
    ['a REST refusal with another status', 'rest', 403, REST],
    ['an empty 403', 'identity', 403, ''],
    ["an Apex class's own 401 in JSON", 'rest', 401, '{"error":"wrong password"}'],
    ["an Apex class's own 401 in a JSON string", 'rest', 401, '"denied"'],
    ["an Apex class's own 401 in JSON of null", 'rest', 401, '[null]'],
    ["an Apex class's own 401 in XML", 'rest', 401, '<response><reason>INVALID_SESSION_ID</reason></response>'],
    ['broken JSON', 'rest', 401, '[{"errorCode":"INVALID_SESSION_ID"'],
    ['a Bulk v1 error', 'bulk1', 400, BULK_XML.replace('InvalidSessionId', 'InvalidBatch')],
    ['a SOAP fault', 'soap', 500, soapFault('soapenv:Client')],
    [
      'a SOAP fault whose text quotes the code',
      'soap',
      500,
      soapFault('sf:UNKNOWN &lt;faultcode&gt;sf:INVALID_SESSION_ID'),
    ],
    ['a CometD success', 'streaming', 200, '[{"channel":"/meta/connect","successful":true}]'],
    ['an event that quotes the words', 'streaming', 200, `[{"channel":"/topic/x","data":${CONNECT}}]`],
    ['an event that looks like a refusal', 'streaming', 200, CONNECT.replace('/meta/', '/topic/')],
    ['a success that quotes the words', 'streaming', 200, CONNECT.replace('false', 'true')],
    [
      'a lost CometD client',
      'streaming',
      200,
      CONNECT.replace('401::Authentication invalid', '403::Unknown client 401::'),
    ],
    ['a CometD message without a channel', 'streaming', 200, '[{"successful":false,"error":"401::x"}]'],
    ['a CometD answer that is no JSON', 'streaming', 200, '401::'],
    ['a REST answer', 'rest', 200, CONNECT],
  ] as const)('is left alone: %s', (_name, family, status, body) => {
    expect(read(family, status, body)).toBeUndefined()
  })
})

describe('hostile bodies', () => {
  test('a bomb is not unpacked: nothing is read of it', () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from(SOAP), Buffer.alloc(50_000_000)]))
    expect(bomb.length).toBeLessThan(MAX_REFUSAL_BYTES)
    expect(read('soap', 500, bomb, 'gzip')).toBeUndefined()
  })

  test('nothing beyond the first 64 KiB is looked at', () => {
    const padding = ' '.repeat(MAX_REFUSAL_BYTES)
    expect(read('soap', 500, `<x>${padding}</x>${SOAP}`)).toBeUndefined()
    expect(read('soap', 500, `<x/>${padding.slice(SOAP.length + 10)}${SOAP}`)).toEqual(REFUSED)
  })

  test.each(['gzip', 'deflate', 'br', 'zstd'])('a 401 that only claims to be %s is one too', (encoding) => {
    expect(read('rest', 401, '\u0001garbage', encoding)).toEqual(REFUSED)
    expect(read('bulk1', 400, '\u0001garbage', encoding)).toBeUndefined()
    expect(read('bulk1', 400, '', encoding)).toBeUndefined()
  })

  test.each(['', '<html><body>Unauthorized</body></html>', '{"why":"wrong card"}'])(
    'a 401 of an Apex class, %j, is the class’s own word, unless it names the dead session',
    (body) => {
      expect(readAnswer({ family: 'rest', runsOrgCode: true }, 401, body)).toBeUndefined()
      expect(readAnswer({ family: 'rest', runsOrgCode: true }, 401, REST)).toEqual(REFUSED)
    },
  )

  test('no bytes whatsoever make it throw', () => {
    const encodings = fc.constantFrom('identity', 'gzip', 'deflate', 'br', 'zstd', 'nonsense', '')
    const statuses = fc.constantFrom(200, 400, 401, 403, 500)
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom(...FAMILIES),
        statuses,
        encodings,
        (bytes, family, status, encoding) => {
          const refusal = read(family, status, Buffer.from(bytes), encoding)
          expect(refusal === undefined || refusal.suspects === 'always' || refusal.diagnosis !== undefined).toBe(true)
          const answer = { status, headers: { 'content-encoding': encoding }, body: Buffer.from(bytes) }
          expect(['dead', 'alive', 'unknown']).toContain(healthIn(answer, true))
        },
      ),
    )
  })
})

describe('the answer to a confirmation', () => {
  const refused = (errorCode: string, message = '') => JSON.stringify([{ message, errorCode }])

  test.each([
    [200, '{}', 'alive'],
    [204, '', 'alive'],
    [403, refused('REQUEST_LIMIT_EXCEEDED'), 'alive'],
    [403, 'Bad_OAuth_Token', 'unknown'],
    [403, '<html>', 'unknown'],
    [403, '', 'unknown'],
    [401, REST, 'dead'],
    [401, '', 'dead'],
    [401, '<html>', 'unknown'],
    [401, ' ', 'unknown'],
    [401, refused('SOMETHING_ELSE'), 'unknown'],
    [401, refused('INVALID_SESSION_ID', 'This session is not valid for use with the REST API'), 'unknown'],
    [401, refused('INVALID_AUTH_HEADER', 'INVALID_JWT_FORMAT'), 'unknown'],
    [302, '', 'unknown'],
    [404, refused('NOT_FOUND'), 'unknown'],
    [420, '', 'unknown'],
    [500, refused('UNKNOWN_EXCEPTION'), 'unknown'],
    [503, '<html>', 'unknown'],
  ] as const)('%i %s means %s', (status, body, health) => {
    expect(healthIn({ status, headers: {}, body: Buffer.from(body) }, false)).toBe(health)
  })

  test('is unknown where none came, and where it cannot be decoded', () => {
    expect(healthIn(undefined, true)).toBe('unknown')
    const garbled = { status: 401, headers: { 'content-encoding': 'gzip' }, body: Buffer.from('garbage') }
    expect(healthIn(garbled, true)).toBe('unknown')
  })

  test('an unreadable header means that a token which has worked is dead', () => {
    const answer = { status: 401, headers: {}, body: Buffer.from(refused('INVALID_AUTH_HEADER', 'INVALID_JWT_FORMAT')) }
    expect(healthIn(answer, true)).toBe('dead')
  })
})
