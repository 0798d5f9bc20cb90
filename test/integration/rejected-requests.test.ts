import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { startGuarded } from '../support/guarded-app.ts'
import { startOrgAnswering } from '../support/org-answering.ts'
import { head, sendRaw, statuses } from '../support/raw-bytes.ts'
import { seriesOf } from '../support/scrape.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/* Requests that no handler sees, since the parser rejects them: each has its answer, its id, its line in the log and its count. */

const SECRET = 'Authorization: Bearer 00D-not-to-be-seen'
const GET = 'GET /services/data HTTP/1.1'
const POST = 'POST /services/data/v62.0/sobjects/Account HTTP/1.1'
const CLIENT_HELLO = Buffer.from('16030100c8010000c40303', 'hex').toString('latin1') + '\0'.repeat(100)

const REJECTED: readonly (readonly [what: string, bytes: string, status: number, rule: string, words: string])[] = [
  ['TLS', CLIENT_HELLO, 400, 'TLS on the plain port', 'This is the plain HTTP port: use http://.'],
  ['HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, 400, 'HTTP/2', 'the proxy speaks HTTP/1.1'],
  ['an unknown method', head('FETCH / HTTP/1.1', SECRET), 400, 'method', 'HTTP method in capital letters'],
  ['a method in small letters', head('get / HTTP/1.1', SECRET), 400, 'method', 'HTTP method in capital letters'],
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 400, 'method', 'HTTP method in capital letters'],
  ['non-ASCII path', head('GET /caf\xe9 HTTP/1.1', SECRET), 400, 'non-ASCII target', 'percent-encode non-ASCII'],
  ['non-ASCII query', head('GET /a?q=\xc3\xa9 HTTP/1.1', SECRET), 400, 'non-ASCII target', 'percent-encode non-ASCII'],
  ['a space in the URL', head('GET /a?q=SELECT Id HTTP/1.1', SECRET), 400, 'request line', 'percent-encode spaces'],
  ['a control character in the URL', head('GET /a\x01 HTTP/1.1', SECRET), 400, 'target', 'a control character'],
  ['a target without a slash', head('GET limits HTTP/1.1', SECRET), 400, 'target', 'begins with a slash'],
  ['an unknown version', head('GET / HTTP/3.9', SECRET), 400, 'request line', 'HTTP/1.1 or HTTP/1.0'],
  [
    'a target too long',
    head(`GET /${'x'.repeat(40_000)} HTTP/1.1`),
    414,
    'target length',
    'longer than the 16,384 bytes',
  ],
  [
    'a header too large',
    head(GET, SECRET, `X: ${'y'.repeat(40_000)}`),
    431,
    'header size',
    'header section is too large',
  ],
  [
    '2 MB of header',
    head(GET, SECRET, `X: ${'y'.repeat(2_000_000)}`),
    431,
    'header size',
    'header section is too large',
  ],
  ['a space before the colon', head(GET, SECRET, 'X : 1'), 400, 'header field', 'header field name contains a space'],
  ['a non-ASCII name', head(GET, SECRET, 'X\xe9: 1'), 400, 'header field', 'name contains a non-ASCII character'],
  ['a control character', head(GET, SECRET, 'X: \x01'), 400, 'header field', 'value contains a control character'],
  ['a folded field', head(GET, SECRET, 'X: 1', ' 2'), 400, 'header field', 'goes on in a second line'],
  ['a length that is none', head(POST, SECRET, 'Content-Length: x'), 400, 'Content-Length', 'not a number'],
  [
    'two lengths',
    head(POST, SECRET, 'Content-Length: 1', 'Content-Length: 2'),
    400,
    'Content-Length',
    'two Content-Lengths',
  ],
  ['half a head', `${GET}\r\n${SECRET}`, 400, 'incomplete', 'ended before the request did'],
  ['no Host', `${GET}\r\n${SECRET}\r\n\r\n`, 400, 'host missing', 'no Host header'],
  ['CONNECT', head('CONNECT a.example:443 HTTP/1.1', SECRET), 405, 'CONNECT', 'not for HTTPS_PROXY'],
  [
    'malformed chunks',
    head(POST, SECRET, 'Transfer-Encoding: chunked') + 'x\r\n',
    400,
    'chunks',
    'chunks of its body are malformed',
  ],
  [
    'chunk extensions without end',
    head(POST, SECRET, 'Transfer-Encoding: chunked') + `1;${'x'.repeat(20_000)}\r\n`,
    413,
    'chunk extensions',
    'chunk extensions are too long',
  ],
]

describe('what the parser rejects says what is wrong, to the caller and in the log', () => {
  test.each(REJECTED)('%s', async (_what, bytes, status, rule, words) => {
    await using guarded = await startGuarded()
    const answer = await sendRaw(guarded, bytes)
    expect(statuses(answer)).toEqual([status])
    expect(answer).toContain(words)
    const [, id = 'none'] = /^x-request-id: (\S+)\r$/im.exec(answer) ?? []
    await expect
      .poll(() => guarded.lines())
      .toEqual([
        expect.objectContaining({
          msg: 'request',
          reqId: id,
          status,
          rule,
          error: expect.stringMatching(/^PROXY_/) as unknown,
        }),
      ])
    expect(JSON.stringify(guarded.lines()) + answer).not.toContain('not-to-be-seen')
  })

  test('bytes behind a request name the likely cause, in a response of their own behind that of the request', async () => {
    await using guarded = await startGuarded()
    const answer = await sendRaw(guarded, head(POST, 'Content-Length: 2') + '{}{}')
    expect(statuses(answer)).toEqual([200, 400])
    expect(answer).toContain('Content-Length too small')
    await expect
      .poll(() => guarded.lines())
      .toContainEqual(expect.objectContaining({ rule: 'surplus bytes', status: 400 }))
  })
})

test('a connection that is opened and never used is no request', async () => {
  await using guarded = await startGuarded({}, { headersTimeout: 100, connectionsCheckingInterval: 20 })
  const socket = connect(guarded.port, '127.0.0.1')
  await once(socket.resume(), 'close')
  await sendRaw(guarded, head(GET))
  expect(guarded.lines()).toHaveLength(1)
})

test('rejected requests are counted, on all listeners, and each port names the other', async () => {
  await using place = await temporaryDirectory()
  await using org = await startOrgAnswering((_request, response) => response.end('ok'), {
    env: { PROXY_TLS_PORT: '0' },
    stateDirectory: place.file('state'),
  })
  const { app } = org
  const tlsPort = Number(new URL(String(app.tls?.url)).port)
  const adminPort = Number(new URL(String(app.adminUrl)).port)
  expect(await sendRaw(app, CLIENT_HELLO)).toContain(`or https:// on port ${tlsPort} (PROXY_TLS_PORT).`)
  expect(await sendRaw({ port: tlsPort }, head(GET))).toContain(`or http:// on port ${app.port} (PROXY_PORT).`)
  const encrypted = connectTls({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false })
  encrypted.end(head('GET /caf\xe9 HTTP/1.1'), 'latin1')
  expect((await encrypted.setEncoding('latin1').toArray()).join('')).toContain('percent-encode non-ASCII')
  expect(await sendRaw({ port: adminPort }, CLIENT_HELLO)).toContain('This is the plain HTTP port')
  await app.logged('request rejected')

  const series = seriesOf(await (await fetch(`${String(app.adminUrl)}/metrics`)).text())
  const rejected = series.find(
    ({ name, labels }) => name === 'cloudaware_proxy_refusals_total' && labels.reason === 'PROXY_REQUEST_INVALID',
  )
  expect(rejected?.value).toBe(3)
})
