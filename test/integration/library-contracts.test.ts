import {
  createServer as createHttpServer,
  METHODS,
  request as httpRequest,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { EventEmitter, once } from 'node:events'
import { connect, createServer as createTcpServer, Socket, type AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import httpProxy, { type FastifyHttpProxyOptions } from '@fastify/http-proxy'
import Fastify, { type FastifyInstance } from 'fastify'
import { PassThrough, type Duplex, type Readable } from 'node:stream'
import { Agent, buildConnector, Client, type Dispatcher } from 'undici'
import { expect, test, vi } from 'vitest'
import { selfSignedCertificate } from '../support/certificates.ts'
import { startFaultServer } from '../support/fault-server.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { sendRaw } from '../support/raw-http.ts'

/*
 * What we believe of the libraries on the way of a request, each belief with the decision that rests on it.
 * The bare plugin first: these are the reasons why the proxy runs its own forwarder in the plugin's `handler` seam.
 */

async function bareProxy(
  options: FastifyHttpProxyOptions,
): Promise<{ port: number; app: FastifyInstance } & AsyncDisposable> {
  const app = Fastify()
  await app.register(httpProxy, options)
  await app.listen({ port: 0, host: '127.0.0.1' })
  // A TCP listener's address is an AddressInfo.
  const { port } = app.server.address() as AddressInfo
  return { port, app, [Symbol.asyncDispose]: () => app.close() }
}

async function ask(
  port: number,
  options: { method?: string; path?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  const request = httpRequest({ port, host: '127.0.0.1', agent: false, ...options })
  request.end(options.body)
  // The 'response' event carries one IncomingMessage.
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let body = ''
  response.setEncoding('utf8')
  for await (const chunk of response) body += String(chunk)
  return { status: response.statusCode ?? 0, headers: response.headers, body }
}

test('bare http-proxy sends a request to anybody with a self-signed certificate', async () => {
  await using upstream = await startOriginServer(
    (_, response) => response.end('secret served'),
    await selfSignedCertificate(),
  )
  await using proxy = await bareProxy({ upstream: upstream.url })
  const answer = await ask(proxy.port, { headers: { authorization: 'Bearer token' } })
  expect(answer.status).toBe(200)
  expect(upstream.requests[0]?.headers.authorization).toBe('Bearer token')
})

test('bare http-proxy asks eleven times when a GET is answered 503', async () => {
  await using upstream = await startOriginServer((_, response) => {
    response.writeHead(503, { 'retry-after': '1' }).end()
  })
  await using proxy = await bareProxy({ upstream: upstream.url })
  await ask(proxy.port)
  expect(upstream.requests).toHaveLength(11)
})

test('bare http-proxy answers a refused connection with 500', async () => {
  const upstream = await startOriginServer((_, response) => response.end())
  await upstream[Symbol.asyncDispose]()
  await using proxy = await bareProxy({ upstream: upstream.url })
  expect((await ask(proxy.port)).status).toBe(500)
})

test('bare http-proxy with an undici 8 agent fails on Keep-Alive, and refuses PROPFIND and odd content types', async () => {
  await using upstream = await startOriginServer((_, response) => response.end('ok'))
  await using agent = disposable(new Agent())
  // http-proxy types `undici` by its own undici 7; at run time any object with `request` counts.
  await using proxy = await bareProxy({ upstream: upstream.url, undici: agent.agent as never })
  expect((await ask(proxy.port, { headers: { 'keep-alive': '3' } })).status).toBe(500)
  expect((await ask(proxy.port, { method: 'PROPFIND' })).status).toBe(404)
  expect((await ask(proxy.port, { method: 'POST', headers: { 'content-type': 'a b c' }, body: 'x' })).status).toBe(415)
  expect(upstream.requests).toHaveLength(0)
})

test('bare http-proxy answers a doubled leading slash with 400', async () => {
  await using upstream = await startOriginServer((_, response) => response.end('ok'))
  await using proxy = await bareProxy({ upstream: upstream.url })
  const answer = await sendRaw(
    proxy.port,
    'GET //services/data HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  )
  expect(answer).toMatch(/^HTTP\/1.1 400 /)
})

test("http-proxy's `handler` replaces reply.from wholly, and our dispatcher keeps it from building its own", async () => {
  await using upstream = await startOriginServer((_, response) => response.end('upstream'))
  let destination = ''
  await using proxy = await bareProxy({
    upstream: upstream.url,
    undici: { request: () => undefined } as never, // any object with `request` is taken as the client
    handler: (_request, reply, dest) => {
      destination = dest
      return reply.send('ours')
    },
  })
  expect((await ask(proxy.port, { path: '/a%20b?x=%zz' })).body).toBe('ours')
  expect(destination).toBe('/a%20b')
  expect(upstream.requests).toHaveLength(0)
})

test('a Fastify method declared bodyless reaches its handler unparsed, whatever its content type and length', async () => {
  const app = Fastify()
  for (const method of METHODS) {
    if (method !== 'CONNECT') app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  }
  app.route({
    method: METHODS.filter((method) => method !== 'CONNECT'),
    url: '/*',
    handler: async (request, reply) => {
      let body = ''
      for await (const chunk of request.raw) body += String(chunk)
      return reply.send(`${request.method} ${body}`)
    },
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  // A TCP listener's address is an AddressInfo.
  const { port } = app.server.address() as AddressInfo
  for (const method of ['POST', 'PROPFIND', 'DELETE', 'GET']) {
    const answer = await ask(port, { method, headers: { 'content-type': 'a b c', 'content-length': '1' }, body: 'x' })
    expect(answer.body).toBe(`${method} x`)
  }
  await app.close()
})

test('undici verifies certificates by default and sends no byte of the request to an unverified server', async () => {
  await using upstream = await startOriginServer((_, response) => response.end(), await selfSignedCertificate())
  await using agent = disposable(new Agent())
  await expect(agent.agent.request({ origin: upstream.url, path: '/', method: 'GET' })).rejects.toMatchObject({
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  })
  expect(upstream.requests).toHaveLength(0)
})

test.each(['keep-alive', 'upgrade', 'transfer-encoding', 'expect'])(
  'undici refuses to send a %s header, so none may be passed on',
  async (name) => {
    await using upstream = await startOriginServer((_, response) => response.end())
    await using agent = disposable(new Agent())
    const headers = [name, name === 'expect' ? '100-continue' : 'x']
    await expect(agent.agent.request({ origin: upstream.url, path: '/', method: 'GET', headers })).rejects.toThrow()
    expect(upstream.requests).toHaveLength(0)
  },
)

test('aborting in onRequestStart sends nothing', async () => {
  await using upstream = await startOriginServer((_, response) => response.end())
  await using agent = disposable(new Agent())
  const failure = await new Promise<Error>((resolve) => {
    agent.agent.dispatch(
      { origin: upstream.url, path: '/', method: 'GET' },
      {
        onRequestStart: (controller) => {
          controller.abort(new Error('gone'))
        },
        onResponseStart: unexpected,
        onResponseData: unexpected,
        onResponseEnd: unexpected,
        onResponseError: (_controller, error) => {
          resolve(error)
        },
      },
    )
  })
  expect(failure.message).toBe('gone')
  expect(upstream.requests).toHaveLength(0)
})

test('undici hands over interim answers by onResponseStart, raw headers as bytes, and bodies without collecting them', async () => {
  await using upstream = await startOriginServer((_, response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload' })
    response.writeHead(200, 'Fine', ['X-Case', 'Ä', 'x-twice', '1', 'x-twice', '2'])
    response.end('body')
  })
  await using agent = disposable(new Agent({ allowH2: false }))
  const events: unknown[] = []
  await new Promise<void>((resolve, reject) => {
    agent.agent.dispatch(
      { origin: upstream.url, path: '/', method: 'GET' },
      {
        onRequestStart: () => undefined,
        onResponseStart: (controller, status, _headers, statusText) => {
          // undici 8 gives rawHeaders as Buffers, name and value in turn.
          const raw = controller.rawHeaders as Buffer[]
          events.push([status, statusText, raw.slice(0, 6).map((part) => part.toString('latin1'))])
        },
        onResponseData: (_controller, chunk) => events.push(chunk.toString()),
        onResponseEnd: () => {
          resolve()
        },
        onResponseError: (_controller, error) => {
          reject(error)
        },
      },
    )
  })
  expect(events).toEqual([
    [103, 'Early Hints', ['Link', '</a>; rel=preload']],
    [200, 'Fine', ['X-Case', 'Ä', 'x-twice', '1', 'x-twice', '2']],
    'body',
  ])
})

test.each([
  [204, 'GET', {}],
  [304, 'GET', { 'content-length': '5', etag: '"x"' }],
  [200, 'HEAD', { 'content-length': '5' }],
] as const)('undici ends a %i to %s without waiting for a body', async (status, method, headers) => {
  await using upstream = await startOriginServer((_, response) => {
    response.writeHead(status, headers).end()
  })
  await using agent = disposable(new Agent())
  const answer = await agent.agent.request({ origin: upstream.url, path: '/', method })
  expect(answer.statusCode).toBe(status)
  expect(await answer.body.text()).toBe('')
})

test('a composed interceptor sees every dispatch and may answer it later', async () => {
  await using upstream = await startOriginServer((_, response) => response.end('late'))
  await using agent = disposable(new Agent())
  const later = agent.agent.compose((dispatch): Dispatcher['dispatch'] => (options, handler) => {
    queueMicrotask(() => dispatch(options, handler))
    return true
  })
  const answer = await later.request({ origin: upstream.url, path: '/', method: 'GET' })
  expect(await answer.body.text()).toBe('late')
})

test('a Node server answers Expect: 100-continue by itself', async () => {
  await using upstream = await startOriginServer((_, response) => response.end())
  expect(upstream.port).toBeGreaterThan(0)
  const app = Fastify()
  app.post('/', (request, reply) => reply.send(String(request.body)))
  await app.listen({ port: 0, host: '127.0.0.1' })
  // A TCP listener's address is an AddressInfo.
  const { port } = app.server.address() as AddressInfo
  const answer = await sendRaw(
    port,
    'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi',
  )
  expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/)
  await app.close()
})

function disposable(agent: Agent): { agent: Agent } & AsyncDisposable {
  return { agent, [Symbol.asyncDispose]: () => agent.destroy() }
}

function unexpected(): never {
  throw new Error('this must not be called')
}

test('Node writes a head that is flushed by itself as UTF-8, and one that an empty write sends as latin1', async () => {
  await using server = await startOriginServer((request, response) => {
    response.writeHead(200, { 'x-latin': '\u00e9', connection: 'close' })
    if (request.url === '/flush') response.flushHeaders()
    else response.write('', 'latin1')
    setImmediate(() => response.end())
  })
  const ask = (path: string) => sendRaw(server.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  expect(await ask('/flush')).toContain('x-latin: \u00c3\u00a9\r\n')
  expect(await ask('/write')).toContain('x-latin: \u00e9\r\n')
})

test('Node writes a text of latin1 that ends an answer with its head in one piece, byte for byte; a Buffer as a second one', async () => {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  using written = vi.spyOn(Socket.prototype as unknown as { _write: () => void }, '_write')
  using gathered = vi.spyOn(Socket.prototype as unknown as { _writev: () => void }, '_writev')
  await using origin = await startOriginServer((request, response) => {
    response.writeHead(200, ['Content-Length', '256', 'Connection', 'close'])
    if (request.url === '/text') response.end(everyByte.toString('latin1'), 'latin1')
    else response.end(everyByte)
  })
  const piecesOf = async (path: string) => {
    const head = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
    written.mockClear()
    gathered.mockClear()
    expect((await sendRaw(origin.port, head)).slice(-256)).toBe(everyByte.toString('latin1'))
    // The request is one piece more.
    return { single: written.mock.calls.length - 1, several: gathered.mock.calls.length }
  }
  expect(await piecesOf('/text')).toEqual({ single: 1, several: 0 })
  expect(await piecesOf('/buffer')).toEqual({ single: 0, several: 1 })
})

test('undici closes a connection for an unsolicited 100, after a HEAD, and after a 304 with Content-Length; `reset: false` keeps it after a HEAD', async () => {
  const connectionsFor = async (bytes: string, options: Partial<Dispatcher.RequestOptions> = {}) => {
    await using upstream = await startFaultServer({ onRequest: (socket) => socket.write(bytes) })
    await using agent = disposable(new Agent({ connections: 1 }))
    for (let n = 0; n < 3; n++) {
      const asked = agent.agent.request({ origin: upstream.url, path: '/', method: 'GET', ...options })
      await asked.then(
        ({ body }) => body.dump(),
        () => undefined,
      )
    }
    return upstream.connections
  }
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
  expect(await connectionsFor(`${ok}hello`)).toBe(1)
  expect(await connectionsFor(`HTTP/1.1 100 Continue\r\n\r\n${ok}hello`)).toBe(3)
  expect(await connectionsFor('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n')).toBe(3)
  expect(await connectionsFor(ok, { method: 'HEAD' })).toBe(3)
  expect(await connectionsFor(ok, { method: 'HEAD', reset: false })).toBe(1)
})

test('undici keeps the parser of a connection, as the connector is called back, where response-parser.ts adapts it', async () => {
  await using upstream = await startOriginServer((_, response) => response.end('ok'))
  const found: unknown[] = []
  const connector = buildConnector({})
  await using agent = disposable(
    new Agent({
      connect: (options, callback) => {
        connector(options, (...result) => {
          callback(...result)
          const socket = result[1] ?? {}
          const symbols = Object.getOwnPropertySymbols(socket).filter(({ description }) => description === 'parser')
          const parser = Reflect.get(socket, symbols[0] ?? '') as object
          const names = ['statusCode', 'headers', 'headersSize', 'contentLength', 'hasTransferEncoding'] as const
          found.push(symbols.length, typeof Reflect.get(parser, 'onHeadersComplete'))
          found.push(...names.map((name) => JSON.stringify(Reflect.get(parser, name))))
        })
      },
    }),
  )
  const answer = await agent.agent.request({ origin: upstream.url, path: '/', method: 'GET' })
  expect(await answer.body.text()).toBe('ok')
  expect(found).toEqual([1, 'function', '0', '[]', '0', '-1', 'false'])
})

test('undici tells a handler once bytes of its request were handed to the connection, and not before', async () => {
  await using upstream = await startOriginServer((request, response) => {
    request.resume().on('end', () => response.end())
  })
  await using agent = disposable(new Agent())
  const eventsOf = (body: Readable | null, onBegun: () => void = () => undefined) => {
    const events: string[] = []
    return new Promise<string[]>((resolve, reject) => {
      agent.agent.dispatch(
        { origin: upstream.url, path: '/', method: 'POST', body },
        {
          onRequestStart: () => {
            events.push('start')
            setImmediate(onBegun)
          },
          onBodySent: () => events.push('body'),
          onRequestSent: () => events.push('sent'),
          onResponseStart: () => events.push('response'),
          onResponseData: () => undefined,
          onResponseEnd: () => {
            resolve(events)
          },
          onResponseError: (_controller, error) => {
            reject(error)
          },
        },
      )
    })
  }
  expect(await eventsOf(null)).toEqual(['start', 'sent', 'response'])
  const body = new PassThrough()
  const arrivedBefore: number[] = []
  const events = eventsOf(body, () => {
    arrivedBefore.push(upstream.requests.length)
    body.end('late')
  })
  expect(await events).toEqual(['start', 'body', 'sent', 'response'])
  // The head leaves with the first bytes of the body.
  expect(arrivedBefore).toEqual([1])
})

test("Node's parser reports each read after a mistake again, shows what it read, and leaves the socket to us", async () => {
  const server = createHttpServer()
  const errors: { code?: string; rawPacket?: Buffer; bytesParsed?: number }[] = []
  server.on('clientError', (error: (typeof errors)[number], socket) => {
    errors.push(error)
    if (errors.length === 2) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP listener's address is an AddressInfo.
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET /\xe9 HTTP/1.1\r\n', 'latin1')
  await expect.poll(() => errors.length).toBe(1)
  socket.write('more')
  expect((await socket.setEncoding('latin1').toArray()).join('')).toContain('400 Bad Request')
  const [first, second] = errors
  expect(first).toMatchObject({ code: 'HPE_INVALID_URL', bytesParsed: 5 })
  expect(first?.rawPacket?.[5]).toBe(0xe9)
  expect(second).toMatchObject({ code: 'HPE_INVALID_URL' })
  server.close()
})

test('under a TLS socket that met plain HTTP the TCP socket can still be written to', async () => {
  const server = createTlsServer(await selfSignedCertificate())
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex & { _parent?: Duplex }) => {
    expect([error.code, socket.writable]).toEqual(['ERR_SSL_HTTP_REQUEST', false])
    socket._parent?.end('in the clear')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP listener's address is an AddressInfo.
  const { port } = server.address() as AddressInfo
  expect(await sendRaw(port, 'GET / HTTP/1.1\r\n\r\n')).toBe('in the clear')
  server.close()
})

/** What a server makes of a client that sends FIN behind its request; it answers once it knows of that. */
async function halfClosedAt(server: HttpServer | TlsServer, isTls: boolean) {
  const sockets: Socket[] = []
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    sockets.push(request.socket)
    request.socket.once('end', () => setImmediate(() => response.end('answer')))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP listener's address is an AddressInfo.
  const { port } = server.address() as AddressInfo
  const tcp = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(tcp, 'connect')
  const client = isTls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp
  let seen = ''
  client.on('error', () => undefined)
  client.on('data', (chunk: Buffer) => (seen += chunk.toString()))
  client.end('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(client, 'close')
  server.close()
  return { isAnswered: seen.endsWith('answer'), socket: sockets[0] }
}

test('Node answers behind a FIN with httpAllowHalfOpen, and over TLS where the connection has allowHalfOpen as well', async () => {
  const half = <T extends object>(server: T): T => Object.assign(server, { httpAllowHalfOpen: true }) // not in its types
  const identity = await selfSignedCertificate()
  const answered = async (server: HttpServer | TlsServer, isTls: boolean) =>
    (await halfClosedAt(server, isTls)).isAnswered
  expect(await answered(createHttpServer(), false)).toBe(false)
  expect(await answered(half(createHttpServer()), false)).toBe(true)
  expect(await answered(half(createTlsServer(identity)), true)).toBe(false)
  const open = (server: TlsServer) => server.on('secureConnection', (socket) => (socket.allowHalfOpen = true))
  expect(await answered(open(createTlsServer(identity)), true)).toBe(false)
  expect(await answered(open(half(createTlsServer(identity))), true)).toBe(true)
})

test('the socket below a TLS connection is its `_parent`, and a plain socket has none', async () => {
  const identity = await selfSignedCertificate()
  const tls = await halfClosedAt(createTlsServer(identity), true)
  const plain = await halfClosedAt(createHttpServer(), false)
  const parentOf = ({ socket }: { socket: Socket | undefined }): unknown => Reflect.get(socket ?? {}, '_parent')
  expect(parentOf(tls)).toBeInstanceOf(Socket)
  expect(parentOf(tls)).not.toBe(tls.socket)
  expect(parentOf(plain)).toBeNull()
})

test('Node does not notice a reset behind a FIN, but an empty write does, and sends nothing', async () => {
  const server = createTcpServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  // A TCP listener's address is an AddressInfo.
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [socket] = (await accepted) as [Socket] // what the event carries
  const errors: unknown[] = []
  socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code))
  socket.resume()
  client.resume()
  client.end()
  await once(socket, 'end')
  socket.write('')
  await new Promise(setImmediate)
  expect([errors, client.bytesRead]).toEqual([[], 0])
  client.resetAndDestroy()
  await once(client, 'close')
  await new Promise(setImmediate)
  expect(errors).toEqual([])
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write('')
  await closed
  expect(errors).toEqual([expect.stringMatching(/^(?:EPIPE|ECONNRESET)$/)])
  server.close()
})

/** What undici does with an exception out of this method of a handler. */
async function thrownOutOf(method: 'onResponseStart' | 'onResponseData' | 'onResponseEnd' | 'onResponseError') {
  await using upstream = await startOriginServer((request, response) => {
    if (method === 'onResponseError') request.socket.destroy()
    else response.end('ok')
  })
  const client = new Client(upstream.url)
  const over = Promise.withResolvers<string>()
  // An event that its types do not have.
  const emitter = client as unknown as EventEmitter
  emitter.on('error', (error: Error) => {
    over.resolve(`an 'error' event of the client: ${error.message}`)
  })
  const throwIn = (name: string) => () => {
    if (name === method) throw new Error('a mistake')
  }
  client.dispatch(
    { path: '/', method: 'GET' },
    {
      onRequestStart: () => undefined,
      onResponseStart: throwIn('onResponseStart'),
      onResponseData: throwIn('onResponseData'),
      onResponseEnd: throwIn('onResponseEnd'),
      onResponseError: (_, error) => {
        throwIn('onResponseError')()
        over.resolve(`a failure of the request: ${error.message}`)
      },
    },
  )
  const became = await over.promise
  await client.destroy()
  return became
}

test('undici takes what a handler throws for a failure of the request, or emits it where the handler is told of one', async () => {
  for (const method of ['onResponseStart', 'onResponseData', 'onResponseEnd'] as const) {
    expect(await thrownOutOf(method)).toBe('a failure of the request: a mistake')
  }
  expect(await thrownOutOf('onResponseError')).toBe("an 'error' event of the client: a mistake")
})

test('undici leaves a body alone when it finds no connection: neither read, nor destroyed, nor listened to for errors', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP listener's
  server.close()
  await once(server, 'close')
  const client = new Client(`http://127.0.0.1:${port}`)
  const body = new PassThrough()
  const failed = Promise.withResolvers<Error>()
  client.dispatch(
    { path: '/', method: 'POST', body },
    {
      onRequestStart: unexpected,
      onResponseStart: unexpected,
      onResponseData: unexpected,
      onResponseEnd: unexpected,
      onResponseError: (_, error) => {
        failed.resolve(error)
      },
    },
  )
  expect(body.listenerCount('error')).toBe(1)
  expect(await failed.promise).toMatchObject({ code: 'ECONNREFUSED' })
  expect([body.destroyed, body.listenerCount('error'), body.isPaused()]).toEqual([false, 0, false])
  await client.destroy()
})

test('Node fails a request whose caller leaves only where somebody listens for it; a stream of ours without a listener would be uncaught', async () => {
  const seen: string[] = []
  const left = Promise.withResolvers<undefined>()
  await using server = await startOriginServer((request) => {
    // collect() of the origin server reads it, and listens.
    request.on('error', (error) => seen.push(error.message))
    request.on('close', () => {
      left.resolve(undefined)
    })
  })
  const socket = connect(server.port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf')
  await server.arrived(1)
  socket.destroy()
  await left.promise
  expect(seen).toEqual(['aborted'])
  const uncaught = Promise.withResolvers<unknown>()
  const stream = new PassThrough()
  stream.emit = (event: string | symbol, ...parameters: unknown[]) => {
    try {
      return EventEmitter.prototype.emit.call(stream, event, ...parameters)
    } catch (error) {
      uncaught.resolve(error)
      return true
    }
  }
  const error = new Error('aborted')
  stream.destroy(error)
  expect(await uncaught.promise).toBe(error)
})

// So the error alone tells an instance that shares its ports of one that does not.
test('Node shares a port among servers that all set reusePort, and with no other', async () => {
  const listening = async (port: number, reusePort: boolean) => {
    const server = createTcpServer().listen({ port, host: '127.0.0.1', reusePort })
    await once(server, 'listening')
    return server
  }
  const first = await listening(0, true)
  // A TCP server that listens has an AddressInfo.
  const { port } = first.address() as AddressInfo
  const second = await listening(port, true)
  await expect(listening(port, false)).rejects.toMatchObject({ code: 'EADDRINUSE', port })
  first.close()
  second.close()
  await Promise.all([once(first, 'close'), once(second, 'close')])
  const alone = await listening(port, false)
  await expect(listening(port, true)).rejects.toMatchObject({ code: 'EADDRINUSE', port })
  alone.close()
})
