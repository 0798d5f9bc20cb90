import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startGuarded } from '../support/guarded-app.ts'
import { sendRaw, statuses } from '../support/raw-bytes.ts'

const method = fc.constantFrom('GET', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'get', '')
const target = fc
  .array(
    fc.constantFrom(
      ...['/', '//', '/services', '/data', '/v62.0', '/query', '/tooling', '/executeAnonymous', '/composite', '/secur'],
      ...[
        '/frontdoor.jsp',
        '/oauth2',
        '/revoke',
        '..',
        '/%2e%2e',
        '%2f',
        ';x',
        '\\',
        '%',
        '%00',
        '?q=%zz',
        '#',
        ' ',
        'http:/',
      ],
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((pieces) => pieces.join(''))
const field = fc.oneof(
  fc.constantFrom(
    'Host: localhost',
    'Host: [::1]:8080',
    'Host: evil.example',
    'Host:',
    'Origin: null',
    'Sec-Fetch-Site: none',
  ),
  fc.constantFrom(
    'Content-Length: 3',
    'Content-Length: 0',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding : x',
    'Expect: 100-continue',
  ),
  fc.constantFrom(
    'Connection: Upgrade',
    'Upgrade: h2c',
    'Upgrade: websocket',
    '__proto__: x',
    'X: \u0000',
    ' folded',
    'X:\u00e4',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const valid = fc.constantFrom(
  '/services/data/v62.0/limits',
  '//services/data',
  '/services/data/v62.0/composite',
  '/id/0/1',
)
const bytes = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constant('GET') }, method),
    fc.oneof(valid, target),
    fc.oneof({ weight: 3, arbitrary: fc.constant(['Host: localhost']) }, fc.constant([])),
    fc.array(field, { maxLength: 4 }),
    fc.constantFrom('', 'abc', '0\r\n\r\n', '3\r\nabc\r\n0\r\n\r\n', '{}'),
    fc.oneof({ weight: 8, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '\r')),
  )
  .map(([verb, path, host, fields, body, eol]) => [`${verb} ${path} HTTP/1.1`, ...host, ...fields, '', body].join(eol))

test('whatever bytes come, nothing forbidden passes, the proxy does not fail, and it still serves', async () => {
  await using guarded = await startGuarded()
  let served = 0
  await fc.assert(
    fc.asyncProperty(bytes, async (request) => {
      guarded.passed.length = 0
      const answer = await sendRaw(guarded, request)
      for (const status of statuses(answer)) expect(status).toBeLessThan(500)
      served += guarded.passed.length
      for (const { method: verb, url, headers } of guarded.passed) {
        expect(verb).not.toBe('TRACE')
        expect(url).toMatch(/^\/(?:services\/data|id)(?:[/?]|$)/)
        expect(decodeURIComponent(url.split('?')[0] ?? '')).not.toMatch(
          /\/\/|\.\.|\\|executeAnonymous|frontdoor|revoke/,
        )
        const names = headers.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
        expect(names).not.toEqual(
          expect.arrayContaining([expect.stringMatching(/^(?:host|origin|authorization|cookie)$/)]),
        )
      }
    }),
    { numRuns: 1_000 },
  )
  // Else the above would have been asked of nothing.
  expect(served).toBeGreaterThan(30)
  const one = await sendRaw(guarded, 'GET /services/data HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(statuses(one)).toEqual([200])
})
