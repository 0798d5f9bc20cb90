import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createGuard } from '../../src/server/guard.ts'
import { callerKeys, OPEN, startGuarded } from '../support/guarded-app.ts'
import { head, sendRaw, statuses } from '../support/raw-bytes.ts'

const V = '/services/data/v62.0'
const GET = `GET ${V}/limits HTTP/1.1`
const post = (path: string, body: string, ...fields: string[]) =>
  head(`POST ${path} HTTP/1.1`, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...fields) + body

/** Each vector goes to a daemon that must let nothing pass, say so, and still serve. */
async function expectRefused(bytes: string, status: number, options: Parameters<typeof startGuarded>[0] = {}) {
  await using guarded = await startGuarded(options)
  const answer = await sendRaw(guarded, bytes)
  expect(guarded.passed).toEqual([])
  expect(statuses(answer)).toEqual([status])
  expect(answer.toLowerCase()).not.toContain('access-control-')
  expect(statuses(await sendRaw(guarded, head(GET, 'X-Api-Key: k3y-0001')))).toEqual([200])
  return answer
}

test('an ordinary request passes as it was sent, and twice over one connection', async () => {
  await using guarded = await startGuarded()
  const one = head(`GET //services/data//v62.0/query?q=SELECT//Id&x=%zz HTTP/1.1`)
  const answer = await sendRaw(guarded, one + post(`${V}/sobjects/Account`, '{"Name":"x"}'))
  expect(statuses(answer)).toEqual([200, 200])
  expect(guarded.passed).toMatchObject([
    { method: 'GET', url: `${V}/query?q=SELECT//Id&x=%zz`, body: '' },
    { method: 'POST', url: `${V}/sobjects/Account`, body: '{"Name":"x"}' },
  ])
})

test('a token that a refusal would repeat is blanked in it', async () => {
  const answer = await expectRefused(head(GET, 'Host: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln'), 403)
  expect(answer).toContain('It was called as \\"[redacted]\\".')
})

describe('Host', () => {
  test.each([
    ['foreign', head(GET, 'Host: evil.example')],
    ['with an allowed name in front', head(GET, 'Host: localhost.evil.example:8080')],
    ['with an allowed name behind', head(GET, 'Host: evil.localhost')],
    ['of all interfaces', head(GET, 'Host: 0.0.0.0:8080')],
    ['empty', head(GET, 'Host:')],
    ['twice', head(GET, 'Host: localhost', 'Host: evil.example')],
    ['twice the same', head(GET, 'Host: localhost', 'Host: localhost')],
    ['twice, foreign first', head(GET, 'hOsT: evil.example', 'Host: localhost')],
    ['with credentials', head(GET, 'Host: localhost@evil.example')],
    ['missing in HTTP/1.0', `GET ${V}/limits HTTP/1.0\r\n\r\n`],
  ])('%s is refused', async (_what, bytes) => {
    const answer = await expectRefused(bytes, 403)
    expect(answer).toContain('PROXY_HOST_REFUSED')
  })

  test.each([`GET ${V}/limits HTTP/1.1`, `GET ${V}/limits`])('missing in %j is refused', async (requestLine) => {
    await expectRefused(`${requestLine}\r\n\r\n`, 400)
  })

  test.each(['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]:8080', 'x.corp.example'])(
    '%s passes',
    async (host) => {
      await using guarded = await startGuarded({ allowedHosts: ['*.corp.example'] })
      expect(statuses(await sendRaw(guarded, head(GET, `Host: ${host}`)))).toEqual([200])
    },
  )
})

describe('web pages', () => {
  const preflight = (...fields: string[]) =>
    head(`OPTIONS ${V}/limits HTTP/1.1`, 'Access-Control-Request-Method: GET', ...fields)

  test.each([
    ['a simple POST', post(`${V}/sobjects/A`, 'x', 'Origin: https://evil.example', 'Content-Type: text/plain')],
    ['a sandboxed page', head(GET, 'Origin: null')],
    ['an image', head(GET, 'Sec-Fetch-Site: cross-site')],
    ['another port', head(GET, 'Host: localhost:8080', 'Origin: http://localhost:3000', 'Sec-Fetch-Site: same-site')],
    ['two origins', head(GET, 'Origin: http://localhost', 'Origin: https://evil.example')],
    ['a preflight', preflight('Origin: https://evil.example')],
    [
      'a preflight for a private network',
      preflight('Origin: https://evil.example', 'Access-Control-Request-Private-Network: true'),
    ],
  ])('%s is refused', async (_what, bytes) => {
    expect(await expectRefused(bytes, 403)).toContain('PROXY_ORIGIN_REFUSED')
  })

  test('a listed origin gets its answers, its refusals and its preflight, which goes no further', async () => {
    await using guarded = await startGuarded({
      allowedOrigins: ['https://tool.example'],
      callerKeys: callerKeys('k3y-0001'),
    })
    const asked = await sendRaw(
      guarded,
      preflight('Origin: https://tool.example', 'Access-Control-Request-Headers: x-api-key'),
    )
    expect(asked).toMatch(/^HTTP\/1\.1 204/)
    expect(asked).toMatch(/^access-control-allow-headers: x-api-key\r$/im)
    expect(guarded.passed).toEqual([])

    const answer = await sendRaw(guarded, head(GET, 'Origin: https://tool.example', 'X-Api-Key: k3y-0001'))
    expect(answer).toMatch(/^HTTP\/1\.1 200/)
    expect(answer).toMatch(/^access-control-allow-origin: https:\/\/tool\.example\r$/im)
    expect(answer).toMatch(/^vary: Accept-Encoding, Origin\r$/im)
    expect(answer).not.toMatch(/^access-control-allow-credentials/im)

    for (const [path, key] of [
      ['/setup', 'k3y-0001'],
      [`${V}/limits`, 'n0ne-such'],
    ] as const) {
      const fields = ['Origin: https://tool.example', `X-Api-Key: ${key}`]
      const refused = await sendRaw(guarded, head(`GET ${path} HTTP/1.1`, ...fields))
      expect(refused).toMatch(/^HTTP\/1\.1 403/)
      expect(refused).toMatch(/^access-control-allow-origin: https:\/\/tool\.example\r$/im)
    }
  })
})

describe('targets', () => {
  test.each([
    'http://evil.example/services/data',
    'https://localhost/services/data',
    '*',
    'evil.example:443',
    `${V}/../../../secur/frontdoor.jsp`,
    `${V}/%2e%2e/%2e%2e/x`,
    `${V}/..;/x`,
    `${V}%2fx`,
    `${V}%5cx`,
    `${V}\\x`,
    `${V}/%00`,
    `${V}/%0d%0aX:%20y`,
    `${V}/%zz`,
    `${V}/%`,
    `${V}/%252e%252e`,
    `${V}/%c0%ae%c0%ae`,
    `${V}/\u00e4`,
    `${V}/x#y`,
    `${V}/a\tb`,
    `${V}/a b`,
    `${V}/a\u0000b`,
    '',
  ])('%j is refused with 400', async (target) => {
    await expectRefused(head(`GET ${target} HTTP/1.1`), 400)
  })

  test.each([
    '/',
    '/secur/frontdoor.jsp',
    '//secur//frontdoor.jsp',
    '//evil.example/services/data',
    '/SECUR/frontdoor.jsp',
    '/services/oauth2/singleaccess',
    '/services/oauth2/singleaccess;x=1',
    '/services/oauth2/%73ingleaccess',
    '/services/oauth2/token',
    `${V}/tooling/executeAnonymous/?anonymousBody=x`,
    `${V}/tooling/EXECUTEanonymous.json?anonymousBody=x`,
    `${V}/sobjects/User/005/password`,
  ])('%s is refused with 403', async (target) => {
    expect(await expectRefused(head(`GET ${target} HTTP/1.1`), 403)).toContain('PROXY_PATH_REFUSED')
  })

  test('the rule that refused is known to the log', async () => {
    await using guarded = await startGuarded()
    await sendRaw(guarded, head('GET /services/oauth2/revoke HTTP/1.1'))
    expect(guarded.lines()).toMatchObject([{ error: 'PROXY_PATH_REFUSED', rule: '/services/oauth2/revoke' }])
  })
})

describe('methods and upgrades', () => {
  test('TRACE, which would show the injected token, is refused', async () => {
    expect(await expectRefused(head(`TRACE ${V}/limits HTTP/1.1`), 405)).toMatch(/^allow: /im)
  })

  test('CONNECT is refused and the connection closed', async () => {
    const answer = await expectRefused(head('CONNECT evil.example:443 HTTP/1.1'), 405)
    expect(answer).toMatch(/^allow: /im)
    expect(answer).toContain('"errorCode":"PROXY_METHOD_REFUSED"')
  })

  test.each([
    [
      'websocket',
      head(GET, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eA=='),
    ],
    ['several', head(GET, 'Connection: Upgrade', 'Upgrade: h2c, websocket')],
    ['unnamed connection option', head(GET, 'Upgrade: tls/1.0')],
  ])('an upgrade is refused: %s', async (_what, bytes) => {
    await expectRefused(bytes, 400)
  })

  test('an offer of h2c is passed over, as RFC 9110 allows, and the body stays a body', async () => {
    await using guarded = await startGuarded()
    const smuggled = head('GET /services/data/smuggled HTTP/1.1')
    const answer = await sendRaw(
      guarded,
      post(
        `${V}/sobjects/A`,
        smuggled,
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQ',
      ),
    )
    expect(statuses(answer)).toEqual([200])
    expect(guarded.passed).toMatchObject([{ url: `${V}/sobjects/A`, body: smuggled }])
  })

  test('HTTP/2 in clear is refused', async () => {
    await expectRefused('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004', 400)
  })
})

describe('smuggling: one request or none', () => {
  const inner = head('GET /services/data/smuggled HTTP/1.1')
  const chunked = `POST ${V}/sobjects/A HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`
  test.each([
    [
      'Content-Length with Transfer-Encoding',
      post(`${V}/sobjects/A`, `0\r\n\r\n${inner}`, 'Transfer-Encoding: chunked'),
    ],
    [
      'Transfer-Encoding with Content-Length',
      head(`POST ${V}/sobjects/A HTTP/1.1`, 'Transfer-Encoding: chunked', 'Content-Length: 4') + `0\r\n\r\n${inner}`,
    ],
    ['two Content-Length', post(`${V}/sobjects/A`, inner, 'Content-Length: 0')],
    ['a list of lengths', head(`POST ${V}/sobjects/A HTTP/1.1`, 'Content-Length: 1, 1') + 'x'],
    ['a signed length', head(`POST ${V}/sobjects/A HTTP/1.1`, 'Content-Length: +1') + 'x'],
    ['a negative length', head(`POST ${V}/sobjects/A HTTP/1.1`, 'Content-Length: -1') + 'x'],
    ['a hexadecimal length', head(`POST ${V}/sobjects/A HTTP/1.1`, 'Content-Length: 0x1') + 'x'],
    ['an endless length', head(`POST ${V}/sobjects/A HTTP/1.1`, 'Content-Length: 99999999999999999999') + 'x'],
    [
      'chunked not last',
      head(`POST ${V}/sobjects/A HTTP/1.1`, 'Transfer-Encoding: chunked, identity') + `0\r\n\r\n${inner}`,
    ],
    [
      'chunked twice',
      head(`POST ${V}/sobjects/A HTTP/1.1`, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity') +
        `0\r\n\r\n${inner}`,
    ],
    ['an unknown coding', head(`POST ${V}/sobjects/A HTTP/1.1`, 'Transfer-Encoding: xchunked') + `0\r\n\r\n${inner}`],
    [
      'space before the colon',
      head(`POST ${V}/sobjects/A HTTP/1.1`, 'Transfer-Encoding : chunked') + `0\r\n\r\n${inner}`,
    ],
    [
      'a folded field',
      head(`POST ${V}/sobjects/A HTTP/1.1`, 'Transfer-Encoding:\r\n chunked', 'Content-Length: 5') +
        `0\r\n\r\n${inner}`,
    ],
    ['a field with a bare CR', head(GET, 'X: a\rTransfer-Encoding: chunked')],
    ['bare LF lines', `GET ${V}/limits HTTP/1.1\nHost: localhost\n\n`],
    ['a bare LF in a field', head(GET, 'X: a\nContent-Length: 5')],
    ['NUL in a field', head(GET, 'X: a\u0000b')],
    ['NUL in a name', head(GET, 'X\u0000: a')],
    ['a field without a name', head(GET, ': a')],
    ['a line that is no field', head(GET, 'nonsense')],
    ['a chunk size with a sign', `${chunked}+1\r\nx\r\n0\r\n\r\n${inner}`],
    ['a chunk size with 0x', `${chunked}0x1\r\nx\r\n0\r\n\r\n${inner}`],
    ['a chunk size too large for any', `${chunked}fffffffffffffffff\r\nx`],
    ['a chunk longer than it says', `${chunked}1\r\nxyz\r\n0\r\n\r\n${inner}`],
    ['a chunk ended by LF', `${chunked}1\nx\n0\n\n${inner}`],
    ['an unknown version', head(`GET ${V}/limits HTTP/1.2`)],
  ])('%s', async (_what, bytes) => {
    await expectRefused(bytes, 400)
  })

  test('a pipelined request after a refused one is judged by itself', async () => {
    await using guarded = await startGuarded()
    const large = 'x'.repeat(100_000)
    const answer = await sendRaw(
      guarded,
      post('/setup', large) + head(GET) + post('/services/oauth2/revoke', inner) + head(`GET ${V}/query HTTP/1.1`),
    )
    expect(statuses(answer)).toEqual([403, 200, 403, 200])
    expect(guarded.passed.map(({ url }) => url)).toEqual([`${V}/limits`, `${V}/query`])
  })

  test('garbage after a request does not take the place of its answer', async () => {
    await using guarded = await startGuarded()
    const answer = await sendRaw(guarded, `${head(GET)}GARBAGE\r\n\r\n`)
    expect(guarded.passed).toHaveLength(1)
    expect(statuses(answer)).toEqual([200, 400])
    expect(statuses(await sendRaw(guarded, head(GET)))).toEqual([200])
  })
})

test('malformed bytes after two requests under way are answered behind both, and close the connection', async () => {
  await using guarded = await startGuarded()
  const answer = await sendRaw(guarded, `${post(`${V}/composite`, '{')}${head(GET)}\u0000\r\n\r\n`)
  // The composite is no JSON, the GET is served, and the rest is no request.
  expect(statuses(answer)).toEqual([403, 200, 400])
  expect(statuses(await sendRaw(guarded, head(GET)))).toEqual([200])
})

describe('keys', () => {
  const options = { callerKeys: callerKeys('etl:k3y-0001\nbi:0ther-key') }
  test.each([
    ['none', head(GET)],
    ['a wrong one', head(GET, 'X-Api-Key: k3y-000')],
    ['a wrong and a right one in one field', head(GET, 'X-Api-Key: x', 'X-Api-Key: k3y-0001')],
    ['the name for the key', head(GET, 'Authorization: Bearer etl')],
  ])('%s is refused with 403, never 401', async (_what, bytes) => {
    const answer = await expectRefused(bytes, 403, options)
    expect(answer).toContain('PROXY_KEY_REQUIRED')
    expect(answer.toLowerCase()).not.toContain('www-authenticate')
  })

  test('the log learns who called', async () => {
    await using guarded = await startGuarded(options)
    const basic = Buffer.from('user:0ther-key').toString('base64')
    await sendRaw(guarded, head(GET, 'X-Api-Key: k3y-0001') + head(GET, `Authorization: Basic ${basic}`))
    expect(guarded.lines().map(({ caller }) => caller)).toEqual(['etl', 'bi'])
  })
})

describe('composite bodies', () => {
  const part = (url: string, method = 'GET') => ({ method, url, referenceId: 'r' })
  const composite = (...parts: unknown[]) => JSON.stringify({ compositeRequest: parts })
  const path = `${V}/composite`

  test('allowed ones pass, byte for byte, with a length or in chunks', async () => {
    await using guarded = await startGuarded()
    const body = ` ${composite(part(`${V}/query`))}\n`
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    const answer = await sendRaw(
      guarded,
      post(path, body) + head(`POST ${path} HTTP/1.1`, 'Transfer-Encoding: chunked') + chunks,
    )
    expect(statuses(answer)).toEqual([200, 200])
    expect(guarded.passed.map((passed) => passed.body)).toEqual([body, body])
  })

  test.each([
    ['a denied part', post(path, composite(part(`${V}/query`), part('/secur/frontdoor.jsp')))],
    [
      'a denied part by another spelling of the path',
      post(`/Services//data/v62.0/composite.json`, composite(part('/secur'))),
    ],
    [
      'a denied part of a batch',
      post(`${path}/batch`, JSON.stringify({ batchRequests: [part('v62.0/tooling/executeAnonymous')] })),
    ],
    [
      'a denied part of a graph',
      post(`${path}/graph`, JSON.stringify({ graphs: [{ compositeRequest: [part('/setup')] }] })),
    ],
    ['gzip', post(path, 'x', 'Content-Encoding: gzip')],
    ['UTF-16', post(path, 'x', 'Content-Type: application/json; charset=utf-16')],
    ['more than the limit', post(path, composite(part(`${V}/query?${'x'.repeat(1_100)}`)))],
    ['no JSON', post(path, 'x')],
    ['nothing', post(path, '')],
    ['an overridden method', post(`${path}?_HttpMethod=PATCH`, composite())],
    ['a GET that is to be a POST', head(`GET ${path} HTTP/1.1`, 'X-HTTP-Method-Override: POST')],
  ])('%s is refused', async (_what, bytes) => {
    expect(await expectRefused(bytes, 403)).toContain('PROXY_PATH_REFUSED')
  })

  test('another method on it is refused, and so is a body that comes with a GET', async () => {
    await expectRefused(head(`PATCH ${path} HTTP/1.1`), 405)
    const body = composite(part('/secur/frontdoor.jsp'))
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const framed = [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked']
      for (const framing of framed) {
        await using guarded = await startGuarded()
        const bytes = framing.includes('chunked') ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body
        const answer = await sendRaw(guarded, head(`${method} ${path} HTTP/1.1`, framing) + bytes)
        expect([statuses(answer), guarded.passed]).toEqual([[405], []])
      }
    }
  })

  test('a GET of it passes', async () => {
    await using guarded = await startGuarded()
    expect(statuses(await sendRaw(guarded, head(`GET ${path} HTTP/1.1`)))).toEqual([200])
  })

  test('a caller who leaves half-way leaves nothing behind', async () => {
    await using guarded = await startGuarded()
    await sendRaw(guarded, head(`POST ${path} HTTP/1.1`, 'Content-Length: 100') + '{')
    expect(guarded.passed).toEqual([])
    expect(statuses(await sendRaw(guarded, head(GET)))).toEqual([200])
    // It is the caller who broke off: nothing of the proxy's failed, and nobody is alarmed.
    const [left, ...others] = guarded.lines().filter(({ reqId }) => reqId !== undefined)
    expect(left).toMatchObject({ level: 30, path, brokenOff: true })
    expect(left).not.toHaveProperty('error')
    expect(others).toMatchObject([{ path: `${V}/limits` }])
  })
})

describe('SOAP bodies', () => {
  const envelope = (operation: string) => `<e:Envelope><e:Body><${operation}/></e:Body></e:Envelope>`

  test('a call passes byte for byte, however long', async () => {
    await using guarded = await startGuarded()
    const body = envelope(`create x="${'y'.repeat(200)}"`) + ' '.repeat(300_000)
    expect(statuses(await sendRaw(guarded, post('//services/Soap/u/64.0/', body)))).toEqual([200])
    expect(guarded.passed[0]?.body).toBe(body)
  })

  test.each(['logout', 'login', 'setPassword', 'executeAnonymous'])('%s is refused', async (operation) => {
    await expectRefused(post('/services/Soap/u/64.0', envelope(operation)), 403)
  })

  test.each([
    ['a DOCTYPE', '<!DOCTYPE x><Envelope><Body><query/>'],
    ['nothing', ''],
    ['a form', 'grant_type=password'],
  ])('%s in place of an envelope is refused', async (_what, body) => {
    await expectRefused(post('/services/Soap/u/64.0', body), 403)
  })

  test('another method than POST and GET is refused, and so is a body that comes with a GET', async () => {
    await expectRefused(head('PUT /services/Soap/u/64.0 HTTP/1.1'), 405)
    const body = envelope('logout')
    await expectRefused(head('GET /services/Soap/u/64.0 HTTP/1.1', `Content-Length: ${body.length}`) + body, 405)
  })

  test('a caller who leaves after the operation leaves nothing behind', async () => {
    await using guarded = await startGuarded()
    const bytes = head('POST /services/Soap/u/64.0 HTTP/1.1', 'Content-Length: 1000') + '<Envelope><Body><query>'
    expect(statuses(await sendRaw(guarded, bytes))).not.toContain(200)
    expect(guarded.passed).toEqual([])
    expect(statuses(await sendRaw(guarded, head(GET)))).toEqual([200])
  })
})

describe('read-only', () => {
  const readOnly = { isReadOnly: true }
  const composite = (method: string) =>
    post(`${V}/composite`, JSON.stringify({ compositeRequest: [{ method, url: `${V}/sobjects/A` }] }))

  test.each([
    ['a write', post(`${V}/sobjects/Account`, '{}')],
    ['a composite with a write', composite('POST')],
    ['a GET that is overridden', head(`GET ${V}/sobjects/A/001?_HttpMethod=DELETE HTTP/1.1`)],
    ['a query that is overridden', post(`${V}/query`, '', 'X-HTTP-Method-Override: PATCH')],
    ['SOAP create', post('/services/Soap/u/64.0', '<Envelope><Body><create>')],
    ['a DELETE', head(`DELETE ${V}/jobs/query/750 HTTP/1.1`)],
  ])('%s is refused with 405', async (_what, bytes) => {
    const answer = await expectRefused(bytes, 405, readOnly)
    expect(answer).toContain('PROXY_READ_ONLY')
    expect(answer).toMatch(/^allow: GET, HEAD, OPTIONS\r$/im)
  })

  test('reads pass', async () => {
    await using guarded = await startGuarded(readOnly)
    const answer = await sendRaw(
      guarded,
      head(GET) +
        composite('GET') +
        post(`${V}/jobs/query`, '{}') +
        post('/services/Soap/u/64.0', '<Envelope><Body><query/></Body></Envelope>'),
    )
    expect(statuses(answer)).toEqual([200, 200, 200, 200])
  })
})

test('a guard that is built in by half serves nothing', () => {
  const guard = createGuard(OPEN)
  // Neither is looked at before the guard finds that it never saw the request.
  expect(() => guard.bodyOf({} as never, {} as never)).toThrow('guard.onRequest')
})

describe('exhaustion', () => {
  test('a head beyond 32 KiB is refused with 431', async () => {
    await expectRefused(head(GET, `X: ${'y'.repeat(40_000)}`), 431)
  })

  test('too many fields are refused', async () => {
    await expectRefused(head(GET, ...Array.from({ length: 300 }, (_, index) => `X${index}: 1`)), 400)
  })

  test('a flood of idle connections is capped, and serving goes on when they are gone', async () => {
    await using guarded = await startGuarded()
    const flood = Array.from({ length: 70 }, () => connect(guarded.port, '127.0.0.1').on('error', () => undefined))
    await new Promise<void>((resolve) => {
      let dropped = 0
      for (const socket of flood) {
        socket.once('close', () => {
          if ((dropped += 1) === 20) resolve()
        })
      }
    })
    expect(flood.filter((socket) => !socket.closed)).toHaveLength(50)
    for (const socket of flood) socket.destroy()
    // The server learns of the ends in its own time.
    while (statuses(await sendRaw(guarded, head(GET)))[0] !== 200) continue
  })

  test('a head that never ends is cut off while others are served', async () => {
    await using guarded = await startGuarded({}, { headersTimeout: 200, connectionsCheckingInterval: 20 })
    const slow = connect(guarded.port, '127.0.0.1')
    slow.write('GET /services/data HTTP/1.1\r\nHost: localhost\r\n')
    const [other, cut] = await Promise.all([sendRaw(guarded, head(GET)), slow.toArray()])
    expect(statuses(other)).toEqual([200])
    expect(statuses(cut.join(''))).toEqual([408])
    expect(guarded.passed).toHaveLength(1)
  })
})
