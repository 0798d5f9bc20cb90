import fc from './properties.ts'

/*
 * Request messages as bytes (latin1): most of them nearly well-formed, since what is nonsense from its first byte on
 * gets no further than the parser. More than half of them are damaged afterwards.
 */

const V = '/services/data/v62.0'

const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('GET', 'POST') },
  { weight: 3, arbitrary: fc.constantFrom('HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY') },
  { weight: 1, arbitrary: fc.constantFrom('TRACE', 'CONNECT', 'PRI', 'get', 'GET\t', '', 'G\u0000T', 'M-SEARCH') },
)

const served = fc.constantFrom(
  ...[`${V}/limits`, '//services//data', `${V}/query?q=SELECT+Id`, `${V}/sobjects/Account/001`, '/services/apexrest/x'],
  ...['/services/async/62.0/job', '/cometd/62.0', '/id/00D/005', '/services/oauth2/userinfo', '/Services/Data/v62.0/'],
  ...[
    `${V}/composite`,
    `${V}/composite/batch`,
    `${V}/composite/graph`,
    '/services/Soap/u/62.0',
    '/services/Soap/m/62.0',
  ],
  ...[`${V}/connect/batch`, `${V}/jobs/ingest`, `${V}/composite/sobjects?ids=001000000000001,a0Ak00000000001`],
)
const refused = fc.constantFrom(
  ...['/', '/secur/frontdoor.jsp?sid=x', '/services/oauth2/singleaccess', '/services/oauth2/revoke', '/setup/home'],
  ...[`${V}/tooling/executeAnonymous/?anonymousBody=x`, `${V}/sobjects/User/005/password`, '/services/Soap/s/62.0'],
  ...[`${V}/composite/sobjects?ids=001000000000001,0Ak000000000001`, `${V}/sobjects/AuthSession/0Ak000000000001`],
  ...['http://evil.example/', 'http://localhost/services/data', '*', 'evil.example:443', '//evil.example/x'],
)
const PIECES = [
  ...['/', '//', '/services', '/data', '/v62.0', '/query', '/tooling', '/executeAnonymous', '/composite', '/secur'],
  ...['/frontdoor.jsp', '/oauth2', '/revoke', '/sobjects/User/005', '/password', '/cometd', '/id', '/Soap/u', '/async'],
  ...[
    '..',
    '.',
    '/%2e%2e',
    '/%252e',
    '%2f',
    '%5c',
    '%',
    '%00',
    '%0d%0a',
    '%zz',
    '%c0%ae',
    '%EF%BC%8F',
    '%C4%B1',
    '%25%32%65',
  ],
  ...[
    ';x',
    ';',
    '\\',
    '?',
    '?q=%zz',
    '?_HttpMethod=DELETE',
    '?oauth_token=theirs',
    ';_HttpMethod=DELETE',
    '%3f',
    '%23',
    '&sid=theirs',
    '#',
    ' ',
    '\t',
    '\u00e4',
  ],
] as const
const assembled = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 7 }).map((pieces) => pieces.join(''))
const underApi = assembled.map((rest) => `/services/data${rest}`)
const target = fc.oneof(
  { weight: 6, arbitrary: served },
  { weight: 2, arbitrary: refused },
  { weight: 2, arbitrary: underApi },
  { weight: 2, arbitrary: assembled },
)

const host = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('Host: localhost', 'Host: 127.0.0.1:8080', 'Host: [::1]:8080') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('Host: evil.example', 'Host:', 'hOST : localhost', 'X: no host', 'Host: 0.0.0.0'),
  },
)

const CREDENTIALS = fc.constantFrom(
  ...[
    'Authorization: Bearer theirs',
    'authorization: OAuth theirs',
    'X-SFDC-Session: theirs',
    'X_SFDC_Session: theirs',
  ],
  ...['Cookie: sid=theirs', 'Proxy-Authorization: Basic dGhlaXJz', 'X-Api-Key: theirs', 'Connection: authorization'],
  ...['Connection: close, x-sfdc-session, host', 'Connection: content-length', 'Connection: transfer-encoding'],
)
const FRAMING = fc.constantFrom(
  ...['Content-Length: 0', 'Content-Length: 3', 'Content-Length: 1, 1', 'Content-Length: +3', 'content-length: 0x3'],
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked, identity', 'Transfer-Encoding : chunked'],
  ...[
    'Transfer-Encoding: gzip, chunked',
    'TE: trailers',
    'Trailer: Authorization',
    'Expect: 100-continue',
    'Expect: x',
  ],
)
const PAGES = fc.constantFrom(
  ...['Origin: null', 'Origin: https://evil.example', 'Origin: http://localhost', 'Sec-Fetch-Site: cross-site'],
  ...['Sec-Fetch-Site: none', 'Access-Control-Request-Method: GET', 'Host: evil.example', 'Host: localhost'],
)
const MEANINGS = fc.constantFrom(
  ...['Connection: Upgrade', 'Upgrade: h2c', 'Upgrade: websocket', 'HTTP2-Settings: AAMAAABk', 'Keep-Alive: 3'],
  ...[
    'X-HTTP-Method-Override: DELETE',
    'Content-Encoding: gzip',
    'Content-Type: text/xml; charset=utf-16',
    'Range: bytes=0-',
  ],
)
const NAMES = fc.constantFrom('__proto__: x', 'constructor: x', 'X:\u00e4', 'then: x', 'X-Request-Id: "', 'Via: 1.1 x')
const NO_FIELDS = fc.constantFrom('X: \u0000', ' folded', ': x', 'X', 'X: a\rY: b', 'X: a\nY: b', 'X : y')
const field = fc.oneof(
  { weight: 8, arbitrary: CREDENTIALS },
  { weight: 1, arbitrary: FRAMING },
  { weight: 1, arbitrary: PAGES },
  { weight: 3, arbitrary: MEANINGS },
  { weight: 4, arbitrary: NAMES },
  { weight: 1, arbitrary: NO_FIELDS },
  { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.nat(40_000).map((length) => `X: ${'x'.repeat(length)}`) },
)

const composite = (url: string, method = 'GET') =>
  JSON.stringify({ compositeRequest: [{ method, url, referenceId: 'r' }] })
const payload = fc.constantFrom(
  ...['', 'abc', '{}', composite(`${V}/limits`), composite('/secur/frontdoor.jsp'), composite(`${V}/x/../../../secur`)],
  ...[
    '<e:Envelope><e:Body><query/></e:Body></e:Envelope>',
    '<Envelope><Body><logout/></Body></Envelope>',
    '<Envelope><Body>',
  ],
  ...[JSON.stringify({ batchRequests: [{ method: 'GET', url: 'v62.0/tooling/executeAnonymous' }] }), '<!DOCTYPE x>'],
  ...[composite(`${V}/composite/sobjects?ids=0Ak000000000001`, 'DELETE'), '{"object":"AuthSession"}'],
  ...['<Envelope><Body><delete><ids>0Ak000000000001</ids></delete></Body></Envelope>', '{"object":"Account"}'],
)
/** A body with the field that frames it, or with none, or with a wrong one. */
const framed = payload.chain((text) =>
  fc.constantFrom(
    ...[`Content-Length: ${text.length}`, `Content-Length: ${text.length}`, `Content-Length: ${text.length + 1}`].map(
      (length) => ({ fields: [length], body: text }),
    ),
    {
      fields: ['Transfer-Encoding: chunked'],
      body: text === '' ? '0\r\n\r\n' : `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
    },
    {
      fields: ['Transfer-Encoding: chunked'],
      body: `${text.length.toString(16)};x=y\r\n${text}\n0\r\nAuthorization: theirs\r\n\r\n`,
    },
    { fields: [], body: text },
    ...[1, 2, 3].map(() => ({ fields: [], body: '' })),
  ),
)

const message = fc
  .record({
    method,
    target,
    version: fc.oneof(
      { weight: 12, arbitrary: fc.constant(' HTTP/1.1') },
      { weight: 1, arbitrary: fc.constantFrom(' HTTP/1.0', ' HTTP/2.0', ' HTTP/1.1x', ' http/1.1', '') },
    ),
    host,
    fields: fc.array(field, { maxLength: 3 }),
    framed,
    eol: fc.oneof(
      { weight: 12, arbitrary: fc.constant('\r\n') },
      { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n') },
    ),
  })
  .map(({ method: verb, target: path, version, host: named, fields, framed: { fields: framing, body }, eol }) =>
    [`${verb} ${path}${version}`, named, ...fields, ...framing, '', body].join(eol),
  )

const MARKS = [
  '\u0000',
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '/',
  '\\',
  '%',
  '?',
  '#',
  '\u000b',
  '\u007f',
  '\u00ff',
  '0',
  'é',
] as const

/** One damage: at a place (thousandths) of the message, so many bytes are replaced by others. */
const damage = fc.record({
  at: fc.nat(1_000),
  length: fc.constantFrom(0, 0, 1, 2, 8),
  put: fc.oneof(fc.constantFrom('', ...MARKS), fc.constantFrom(...PIECES)),
  repeats: fc.constantFrom(1, 1, 1, 2, 50),
})

/** The bytes of a connection, to be sent as latin1. Unbiased, or nearly every damage would be done to the first byte. */
export const connectionBytes: fc.Arbitrary<string> = fc.noBias(
  fc
    .tuple(
      message,
      fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 3, arbitrary: fc.array(damage, { minLength: 1, maxLength: 3 }) },
      ),
    )
    .map(([bytes, damages]) =>
      damages.reduce((text, { at, length, put, repeats }) => {
        const start = Math.floor((at / 1_000) * text.length)
        return text.slice(0, start) + put.repeat(repeats) + text.slice(start + length)
      }, bytes),
    ),
)
