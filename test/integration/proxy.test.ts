import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ask, readReply } from '../support/http-client.ts'
import { startOriginServer, type Answer, type OriginServer } from '../support/origin-server.ts'
import { openRaw, sendRaw } from '../support/raw-http.ts'
import { startStack, type StackOptions } from '../support/stack.ts'
import { selfSignedCertificate } from '../support/certificates.ts'

const TOKEN = '00D000000000001!AQEAQ.test.token'

/** An upstream that gives the token to whoever asks the token endpoint, and `answer` to the API. */
function orgAnswering(answer: Answer): Answer {
  return (request, response) => {
    if (request.url !== '/services/oauth2/token') {
      answer(request, response)
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ access_token: TOKEN, token_type: 'Bearer' }))
  }
}

async function setUp(answer: Answer, options: StackOptions = {}) {
  const org = await startOriginServer(orgAnswering(answer))
  const app = await startStack(org, options)
  return {
    app,
    org,
    port: app.port,
    api: () => apiRequests(org),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

const apiRequests = ({ requests }: OriginServer) => requests.filter(({ target }) => target !== '/services/oauth2/token')

const ok: Answer = (request, response) => {
  request.resume().on('end', () => response.end('ok'))
}

describe('a request', () => {
  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'MERGE', 'SEARCH'])(
    '%s goes through with its body, carrying our token and not the caller’s',
    async (method) => {
      await using stack = await setUp(ok)
      const reply = await ask(stack.port, '/services/data/v62.0/x', {
        method,
        headers: { authorization: 'Bearer mine', 'content-type': 'no such type', 'content-length': '5' },
        body: 'hello',
      })
      expect(reply.status).toBe(200)
      const [seen] = stack.api()
      expect(seen?.method).toBe(method)
      expect(seen?.headers.authorization).toBe(`Bearer ${TOKEN}`)
      expect(seen?.rawHeaders.filter((name) => name.toLowerCase() === 'authorization')).toHaveLength(1)
      expect(String(await seen?.body)).toBe('hello')
    },
  )

  test.each([
    '/services/data/v62.0/query?q=SELECT+Id%2CName%20FROM%20CA10__CaAwsInstance__c',
    '/services/data/v62.0/query?q=a%zz&b=?x&&c=%C3%A4&d',
    '/services/data/v62.0/query/01g000000000001AAA-2000',
    "/services/data/v62.0/sobjects/A__c/Ext__c/a'b(c)*d!~,;@$",
    '/services/apexrest/mine?',
  ])('keeps the target %s byte for byte', async (target) => {
    await using stack = await setUp(ok)
    await ask(stack.port, target)
    expect(stack.api()[0]?.target).toBe(target)
  })

  test('collapses the doubled slash that some clients send', async () => {
    await using stack = await setUp(ok)
    await ask(stack.port, '//services//data?q=//x')
    expect(stack.api()[0]?.target).toBe('/services/data?q=//x')
  })

  test('streams a body as it comes, without waiting for its end', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>()
    await using stack = await setUp((request, response) => {
      arrived.resolve(request)
      request.resume().on('end', () => response.end('ok'))
    })
    const request = httpRequest({ host: '127.0.0.1', port: stack.port, method: 'POST', path: '/services/data/x' })
    request.write('first')
    const upstream = await arrived.promise
    const [chunk] = (await once(upstream, 'data')) as [unknown] // as the event is documented
    expect(String(chunk)).toBe('first')
    request.end('last')
    await once(request, 'response')
    expect(String(await stack.api()[0]?.body)).toBe('firstlast')
  })

  test('carries a large body both ways unchanged', async () => {
    await using stack = await setUp((request, response) => void request.pipe(response))
    const body = randomBytes(20_000_000)
    const reply = await ask(stack.port, '/services/data/v62.0/x', { method: 'POST', body })
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    expect(digest(reply.body)).toBe(digest(body))
  })

  test.each([
    ['Expect: 100-continue\r\n', /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/],
    ['Keep-Alive: timeout=3\r\n', /^HTTP\/1.1 200/],
    ['Upgrade: h2c\r\n', /^HTTP\/1.1 200/],
    ['Connection: close, Upgrade\r\nUpgrade: h2c\r\n', /^HTTP\/1.1 200/],
    ['Connection: authorization\r\n', /^HTTP\/1.1 200/],
    ['Proxy-Connection: keep-alive\r\nTE: gzip\r\n', /^HTTP\/1.1 200/],
  ])('%j does no harm', async (header, answer) => {
    await using stack = await setUp(ok)
    const close = header.includes('Connection: close') ? '' : 'Connection: close\r\n'
    const reply = await sendRaw(
      stack.port,
      `POST /services/data/x HTTP/1.1\r\nHost: localhost\r\n${header}${close}Content-Length: 2\r\n\r\nhi`,
    )
    expect(reply).toMatch(answer)
    const [seen] = stack.api()
    expect(seen?.headers.authorization).toBe(`Bearer ${TOKEN}`)
    expect(String(await seen?.body)).toBe('hi')
  })

  test('waits for the first token instead of failing', async () => {
    const release = Promise.withResolvers<undefined>()
    await using org = await startOriginServer((request, response) => {
      if (request.url === '/services/oauth2/token')
        void release.promise.then(() => {
          orgAnswering(ok)(request, response)
        })
      else ok(request, response)
    })
    await using app = await startStack(org)
    const reply = ask(app.port, '/services/data/x')
    await org.arrived(1)
    release.resolve(undefined)
    expect((await reply).status).toBe(200)
  })
})

describe('an answer', () => {
  test('keeps status, message, headers in order and case, and duplicates', async () => {
    await using stack = await setUp((_, response) => {
      response.sendDate = false
      response.writeHead(201, 'Made', [
        'Sforce-Limit-Info',
        'api-usage=1/2',
        'X-Twice',
        'a',
        'X-Twice',
        'b',
        'ETag',
        '"x-gzip"',
      ])
      response.end('{}')
    })
    const reply = await ask(stack.port, '/services/data/x')
    expect(reply.status).toBe(201)
    expect(reply.rawHeaders.slice(0, 8)).toEqual([
      'Sforce-Limit-Info',
      'api-usage=1/2',
      'X-Twice',
      'a',
      'X-Twice',
      'b',
      'ETag',
      '"x-gzip"',
    ])
    expect(reply.text).toBe('{}')
  })

  test.each([
    [204, 'GET', {}],
    [304, 'GET', { 'content-length': '5', etag: '"x"' }],
    [200, 'HEAD', { 'content-length': '5' }],
  ] as const)('%i to %s passes', async (status, method, headers) => {
    await using stack = await setUp((_, response) => response.writeHead(status, headers).end())
    const reply = await ask(stack.port, '/services/data/x', { method })
    expect(reply.status).toBe(status)
    expect(reply.headers).toMatchObject(headers)
    expect(reply.text).toBe('')
  })

  test('interim answers pass before the final one', async () => {
    await using stack = await setUp((_, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      response.end('final')
    })
    const request = httpRequest({ host: '127.0.0.1', port: stack.port, path: '/services/data/x' }).end()
    const final = once(request, 'response')
    const [interim] = (await once(request, 'information')) as [unknown] // as the event is documented
    expect(interim).toMatchObject({ statusCode: 103, headers: { link: '</style.css>; rel=preload' } })
    // The 'response' event carries one IncomingMessage.
    const [response] = (await final) as [IncomingMessage]
    expect((await readReply(response)).text).toBe('final')
  })

  test('a 503 of the API is asked for once and passed on as it is', async () => {
    const body = '[{"errorCode":"SERVER_UNAVAILABLE","message":"x"}]'
    await using stack = await setUp((_, response) => response.writeHead(503, { 'retry-after': '1' }).end(body))
    const reply = await ask(stack.port, '/services/data/x')
    expect([reply.status, reply.text]).toEqual([503, body])
    expect(stack.api()).toHaveLength(1)
  })

  test('a redirect is passed on, not followed', async () => {
    await using stack = await setUp((_, response) =>
      response.writeHead(302, { location: 'https://elsewhere.example/x' }).end(),
    )
    const reply = await ask(stack.port, '/services/data/x')
    expect([reply.status, reply.headers.location]).toEqual([302, 'https://elsewhere.example/x'])
    expect(stack.api()).toHaveLength(1)
  })

  test('the head of a stream does not wait for its first byte, nor a piece for the next', async () => {
    const arrived = Promise.withResolvers<ServerResponse>()
    await using stack = await setUp((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      arrived.resolve(response)
    })
    using client = openRaw(stack.port)
    client.socket.write('GET /services/data/x HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const upstream = await arrived.promise
    await client.until('text/event-stream')
    upstream.write('data: 1\n\n')
    await client.until('data: 1')
    upstream.write('data: 2\n\n')
    await client.until('data: 2')
  })

  test('bytes beyond ASCII in a field stay what they are, also where the head leaves before the body', async () => {
    const release = Promise.withResolvers<undefined>()
    await using stack = await setUp((_, response) => {
      response.socket?.write(
        Buffer.from('HTTP/1.1 200 OK\r\nX-Latin: caf\u00e9 \u0085\r\nContent-Length: 2\r\n\r\n', 'latin1'),
      )
      void release.promise.then(() => response.socket?.end('ok'))
    })
    using client = openRaw(stack.port)
    client.socket.write('GET /services/data/x HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await client.until('\r\n\r\n')).toContain('\r\nX-Latin: caf\u00e9 \u0085\r\n')
    release.resolve(undefined)
    await client.until('ok')
  })

  test('trailers pass', async () => {
    await using stack = await setUp((_, response) => {
      response.writeHead(200, { trailer: 'x-sum' })
      response.write('body')
      response.addTrailers({ 'x-sum': '42' })
      response.end()
    })
    expect((await ask(stack.port, '/services/data/x')).trailers).toEqual({ 'x-sum': '42' })
  })

  test('trailers that would mean something of the message itself do not pass', async () => {
    await using stack = await setUp((_, response) => {
      response.socket?.end(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\n' +
          'Transfer-Encoding: chunked\r\nSet-Cookie: sid=1\r\nLocation: /x\r\nX-Sum: 42\r\nx-sum: 43\r\n\r\n',
      )
    })
    const answer = await sendRaw(
      stack.port,
      'GET /services/data/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    )
    expect(answer).toMatch(/\r\n0\r\nX-Sum: 42\r\nx-sum: 43\r\n\r\n$/)
  })

  test('trailers of a request end at the proxy, its body goes on whole', async () => {
    await using stack = await setUp(ok)
    const answer = await sendRaw(
      stack.port,
      'POST /services/data/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\nAuthorization: Bearer mine\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1.1 200/)
    const [seen] = stack.api()
    expect(String(await seen?.body)).toBe('hello')
    expect(seen?.headers).not.toHaveProperty('x-sum')
    expect(seen?.headers.authorization).toBe(`Bearer ${TOKEN}`)
    expect(stack.org.received().toString()).not.toMatch(/X-Sum|mine/)
  })

  test('a caller that leaves ends the upstream call', async () => {
    const closed = Promise.withResolvers<undefined>()
    const arrived = Promise.withResolvers<undefined>()
    await using stack = await setUp((_, response) => {
      response.once('close', () => {
        closed.resolve(undefined)
      })
      response.writeHead(200).write('begin')
      arrived.resolve(undefined)
    })
    const client = openRaw(stack.port)
    client.socket.write('GET /services/data/x HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await arrived.promise
    client.socket.destroy()
    await closed.promise
  })

  test('an upstream that breaks off in the middle breaks the connection: half is never taken for the whole', async () => {
    await using stack = await setUp((_, response) => {
      response.write('half', () => response.destroy())
    })
    const answer = await sendRaw(stack.port, 'GET /services/data/x HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(answer).toContain('half')
    expect(answer).not.toContain('0\r\n\r\n')
  })

  test('an early answer to a large upload is the answer, and the next request on the connection gets its own', async () => {
    await using stack = await setUp((request, response) => {
      if (request.method === 'POST') response.writeHead(400).end('early')
      else response.end('second')
    })
    using client = openRaw(stack.port)
    const size = 8_000_000
    client.socket.write(`POST /services/data/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n`)
    client.socket.write(Buffer.alloc(1000))
    await client.until('early')
    client.socket.write(Buffer.alloc(size - 1000))
    client.socket.write('GET /services/data/x HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await client.until('second')
  })
})

describe('when it cannot be done', () => {
  test('no token: 503 in Salesforce’s shape, with Proxy-Status and Retry-After, and nothing goes upstream', async () => {
    await using org = await startOriginServer((_, response) => {
      response.writeHead(400, { 'content-type': 'application/json' })
      response.end('{"error":"invalid_client","error_description":"invalid client credentials"}')
    })
    await using app = await startStack(org)
    const reply = await ask(app.port, '/services/data/x')
    expect(reply.status).toBe(503)
    expect(reply.json()).toMatchObject([{ errorCode: 'PROXY_TOKEN_UNAVAILABLE' }])
    expect(reply.text).toMatch(/Consumer Secret/)
    expect(reply.headers['proxy-status']).toMatch(/^cloudaware-proxy; error=/)
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    expect(reply.headers['content-type']).toMatch(/^application\/json/)
    expect(apiRequests(org)).toEqual([])
  })

  test('a self-signed upstream: 502, and no byte of the token or the secret leaves', async () => {
    await using tokens = await startOriginServer(orgAnswering(ok))
    await using impostor = await startOriginServer(ok, await selfSignedCertificate())
    await using app = await startStack(tokens, { env: { CLOUDAWARE_API_URL: impostor.url } })
    const reply = await ask(app.port, '/services/data/x')
    expect(reply.status).toBe(502)
    expect(reply.json()).toMatchObject([{ errorCode: 'PROXY_UPSTREAM_TLS' }])
    expect(reply.headers['proxy-status']).toContain('error=tls_certificate_error')
    expect(impostor.requests).toEqual([])
  })

  test('a self-signed token endpoint gets no secret', async () => {
    await using impostor = await startOriginServer(orgAnswering(ok), await selfSignedCertificate())
    await using app = await startStack(impostor, { env: { TOKEN_WAIT_MS: '2000' } })
    const reply = await ask(app.port, '/services/data/x')
    expect([reply.status, reply.json()]).toMatchObject([503, [{ errorCode: 'PROXY_TOKEN_UNAVAILABLE' }]])
    expect(impostor.requests).toEqual([])
  })

  test('a certificate of CLOUDAWARE_CA_FILE is trusted', async () => {
    const certificate = await selfSignedCertificate()
    await using org = await startOriginServer(orgAnswering(ok), certificate)
    await using app = await startStack(org, { ca: certificate.cert })
    expect((await ask(app.port, '/services/data/x')).status).toBe(200)
  })

  test('a refused connection is 502', async () => {
    const gone = await startOriginServer(ok)
    await gone[Symbol.asyncDispose]()
    await using tokens = await startOriginServer(orgAnswering(ok))
    await using app = await startStack(tokens, { env: { CLOUDAWARE_API_URL: gone.url } })
    const reply = await ask(app.port, '/services/data/x')
    expect([reply.status, reply.json()]).toMatchObject([502, [{ errorCode: 'PROXY_UPSTREAM_UNREACHABLE' }]])
    expect(reply.headers['proxy-status']).toContain('error=connection_refused')
  })

  test('an upstream that says nothing is 504', async () => {
    await using stack = await setUp(() => undefined, { env: { UPSTREAM_TIMEOUT_MS: '1000' } })
    const reply = await ask(stack.port, '/services/data/x')
    expect([reply.status, reply.json()]).toMatchObject([504, [{ errorCode: 'PROXY_UPSTREAM_TIMEOUT' }]])
  })

  test('an upstream that talks nonsense is 502', async () => {
    await using stack = await setUp((request) => request.socket.end('nonsense\r\n\r\n'))
    const reply = await ask(stack.port, '/services/data/x')
    expect([reply.status, reply.json()]).toMatchObject([502, [{ errorCode: 'PROXY_UPSTREAM_CLOSED' }]])
  })

  test('TRACE, which would echo the session, is 405', async () => {
    await using stack = await setUp(ok)
    const reply = await ask(stack.port, '/services/data/x', { method: 'TRACE' })
    expect([reply.status, reply.json()]).toMatchObject([405, [{ errorCode: 'PROXY_METHOD_REFUSED' }]])
    expect(reply.headers.allow).toContain('GET')
    expect(stack.api()).toEqual([])
  })

  test('an error to HEAD has no body, and the connection goes on', async () => {
    await using stack = await setUp(ok)
    using client = openRaw(stack.port)
    client.socket.write(
      'HEAD /setup HTTP/1.1\r\nHost: localhost\r\n\r\nGET /services/data/x HTTP/1.1\r\nHost: localhost\r\n\r\n',
    )
    const answers = await client.until('\r\n\r\nok')
    expect(answers).toMatch(/^HTTP\/1.1 403[^]*HTTP\/1.1 200/)
    expect(answers).not.toContain('errorCode')
  })
})

test('nothing printed at level trace holds the secret, a token, or what a caller sent', async () => {
  await using stack = await setUp(ok)
  await ask(stack.port, '/services/data/x?access_token=caller-token', {
    method: 'POST',
    headers: { authorization: 'Bearer caller-bearer', cookie: 'sid=caller-sid', 'x-sfdc-session': 'caller-session' },
    body: 'caller-body',
  })
  await ask(stack.port, '/setup/home')
  const log = stack.app.log()
  expect(log).toContain('token obtained')
  expect(log).toContain('/services/data/x')
  for (const secret of [
    TOKEN,
    'test-client-secret',
    'caller-token',
    'caller-bearer',
    'caller-sid',
    'caller-session',
    'caller-body',
  ]) {
    expect(log).not.toContain(secret)
  }
})
