import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { TokenUnavailableError, type AccessToken, type TokenSource } from '../../src/token/token-source.ts'
import type { BearerEvent } from '../../src/upstream/bearer-options.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import { connectorFor } from '../../src/upstream/connector.ts'
import { createUpstream, type UpstreamOptions } from '../../src/upstream/dispatcher.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { confirmsAs } from '../support/confirmation.ts'

const DEAD = JSON.stringify([{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
const PATH = '/services/data/v62.0/limits'

function token(value: string): AccessToken {
  return {
    value,
    fingerprint: `print-of-${value}`,
    format: 'opaque',
    instanceUrl: undefined,
    identityUrl: undefined,
    obtainedAt: 0,
  }
}

/** Holds `first` until it is refused, then `second`. */
class TwoTokens implements TokenSource {
  readonly rejected: string[] = []
  #current: AccessToken | Promise<AccessToken> = token('first')

  get(): AccessToken | Promise<AccessToken> {
    return this.#current
  }

  retire({ value }: AccessToken): void {
    this.rejected.push(value)
    if (value === 'first') this.#current = Promise.resolve(token('second'))
  }
}

function start(origin: string, options: Partial<UpstreamOptions> = {}) {
  const events: BearerEvent[] = []
  const tokens = new TwoTokens()
  const upstream = createUpstream({
    tokens,
    confirmation: confirmsAs('dead'),
    originFor: () => origin,
    connections: 4,
    queueLimit: 100,
    queueTimeoutMs: 10_000,
    connectionLifeMs: 300_000,
    clock: systemClock,
    connector: connectorFor({ timeoutMs: 1000 }),
    timeoutMs: 10_000,
    replayLimitBytes: 1024,
    bodyMemory: BodyMemory.forLimit(1024),
    onEvent: (event) => events.push(event),
    ...options,
  })
  return {
    ...upstream,
    tokens,
    events,
    [Symbol.asyncDispose]: () => upstream.destroy(),
  }
}

interface Outcome {
  status: number | undefined
  body: string
  error: Error | undefined
  contexts: unknown[]
}

function send(
  dispatcher: Dispatcher,
  { path = PATH, method = 'GET', headers = [] as string[], body = null as Readable | null } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const outcome: Outcome = { status: undefined, body: '', error: undefined, contexts: [] }
    dispatcher.dispatch(
      { path, method, headers, body, origin: 'https://not-used.invalid' },
      {
        onRequestStart: (_controller, context) => outcome.contexts.push(context),
        onResponseStart: (_controller, status) => {
          outcome.status = status
        },
        onResponseData: (_controller, chunk) => {
          outcome.body += chunk.toString()
        },
        onResponseEnd: () => {
          resolve(outcome)
        },
        onResponseError: (_controller, error) => {
          resolve({ ...outcome, error })
        },
      },
    )
  })
}

/** Refuses the token `first` as the REST API does, answers others with `ok`. */
function refusesFirst(request: IncomingMessage, response: ServerResponse): void {
  const isDead = request.headers.authorization === 'Bearer first'
  request.resume().on('end', () => {
    if (isDead) response.writeHead(401, { 'content-type': 'application/json' }).end(DEAD)
    else response.end('ok')
  })
}

describe('a refused session', () => {
  test.each(['GET', 'POST', 'PATCH', 'DELETE', 'PROPFIND'])('is replaced and a %s sent once more', async (method) => {
    await using server = await startOriginServer(refusesFirst)
    await using upstream = start(server.url)
    const body = method === 'GET' ? null : Readable.from([Buffer.from('one '), Buffer.from('two')])
    const headers = body ? ['Content-Length', '7'] : []
    const answer = await send(upstream.dispatcher, { method, body, headers })
    expect(answer).toMatchObject({ status: 200, body: 'ok', error: undefined })
    expect(answer.contexts).toMatchObject([{ sessionReplaced: true }])
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second'])
    if (body) expect(String(await server.requests[1]?.body)).toBe('one two')
    expect(upstream.tokens.rejected).toEqual(['first'])
    expect(upstream.events).toMatchObject([
      { type: 'session-replaced' },
      { type: 'replay-ended', family: 'rest', outcome: 'answered' },
    ])
  })

  test('is noticed in a gzipped answer too', async () => {
    await using server = await startOriginServer((request, response) => {
      if (request.headers.authorization === 'Bearer second') response.end('ok')
      else response.writeHead(401, { 'content-encoding': 'gzip' }).end(gzipSync(DEAD))
    })
    await using upstream = start(server.url)
    expect(await send(upstream.dispatcher)).toMatchObject({ status: 200, body: 'ok' })
  })

  test('under a body too large to be held is 503 PROXY_SESSION_REPLACED, and the next request has the new token', async () => {
    await using server = await startOriginServer(refusesFirst)
    await using upstream = start(server.url)
    const answer = await send(upstream.dispatcher, { method: 'POST', body: Readable.from([Buffer.alloc(2000)]) })
    expect(answer.error).toMatchObject({ code: 'PROXY_SESSION_REPLACED', statusCode: 503, retryAfterSeconds: 1 })
    expect(answer.status).toBeUndefined()
    expect(upstream.events.map(({ type }) => type)).toEqual(['session-lost'])
    expect(await send(upstream.dispatcher)).toMatchObject({ status: 200 })
    expect(server.requests).toHaveLength(2)
  })

  test('bodies held for a repeat share a memory that is bounded: beyond it they go, but cannot be sent again', async () => {
    const held: (() => void)[] = []
    await using server = await startOriginServer((request, response) => {
      request.resume().on('end', () => {
        if (request.headers.authorization === 'Bearer second') response.end('ok')
        else held.push(() => response.writeHead(401, { 'content-type': 'application/json' }).end(DEAD))
        // All bodies are held at this moment; no session has been refused yet.
        if (held.length === 66) for (const refuse of held.splice(0)) refuse()
      })
    })
    const bodyMemory = new BodyMemory({ totalBytes: 64_000 })
    await using upstream = start(server.url, { connections: 66, replayLimitBytes: 1000, bodyMemory })
    const body = () => Readable.from([Buffer.alloc(1000)])
    const sendings = Array.from({ length: 66 }, () => send(upstream.dispatcher, { method: 'POST', body: body() }))
    const outcomes = await Promise.all(sendings)
    expect(outcomes.filter(({ status }) => status === 200)).toHaveLength(64)
    expect(outcomes.filter(({ error }) => error !== undefined).map(({ error }) => error)).toMatchObject([
      { code: 'PROXY_SESSION_REPLACED' },
      { code: 'PROXY_SESSION_REPLACED' },
    ])
    // What was held has been let go of.
    expect(await send(upstream.dispatcher, { method: 'POST', body: body() })).toMatchObject({ status: 200 })
  })

  test('refused while the body is still coming: what was sent is sent again, and the rest follows', async () => {
    await using server = await startOriginServer((request, response) => {
      if (request.headers.authorization === 'Bearer second') request.resume().on('end', () => response.end('ok'))
      else response.writeHead(401, { 'content-length': String(DEAD.length) }).end(DEAD)
    })
    await using upstream = start(server.url)
    const body = new PassThrough()
    body.write('first half ')
    const sending = send(upstream.dispatcher, { method: 'POST', body })
    await server.arrived(2)
    body.end('second half')
    expect(await sending).toMatchObject({ status: 200, body: 'ok' })
    expect(String(await server.requests[1]?.body)).toBe('first half second half')
  })

  test('refused while the body is still coming, and more of it than can be held comes before the new token: it is sent whole', async () => {
    await using server = await startOriginServer((request, response) => {
      if (request.headers.authorization === 'Bearer second') request.resume().on('end', () => response.end('ok'))
      else response.writeHead(401, { 'content-length': String(DEAD.length) }).end(DEAD)
    })
    const refused = Promise.withResolvers<undefined>()
    const renewed = Promise.withResolvers<AccessToken>()
    let held: AccessToken | Promise<AccessToken> = token('first')
    const tokens: TokenSource = {
      get: () => held,
      retire: () => {
        held = renewed.promise
        refused.resolve(undefined)
      },
    }
    await using upstream = start(server.url, { tokens, replayLimitBytes: 1024 })
    const body = new PassThrough()
    body.write('beginning ')
    const sending = send(upstream.dispatcher, { method: 'POST', body })
    await refused.promise
    const rest = 'x'.repeat(4096)
    body.end(rest)
    await new Promise(setImmediate)
    renewed.resolve(token('second'))
    expect(await sending).toMatchObject({ status: 200, body: 'ok' })
    expect(String(await server.requests[1]?.body)).toBe(`beginning ${rest}`)
  })

  test.each(['dead', 'alive'] as const)(
    'refused while the body is still coming, and more of it than can be held comes before the token is found %s',
    async (health) => {
      await using server = await startOriginServer((request, response) => {
        if (request.headers.authorization === 'Bearer second') request.resume().on('end', () => response.end('ok'))
        else response.writeHead(401, { 'content-length': String(DEAD.length) }).end(DEAD)
      })
      const asked = Promise.withResolvers<undefined>()
      const confirmed = Promise.withResolvers<'dead' | 'alive'>()
      const confirmation = {
        ...confirmsAs(health),
        check: () => {
          asked.resolve(undefined)
          return confirmed.promise
        },
      }
      await using upstream = start(server.url, { confirmation, replayLimitBytes: 1024 })
      const body = new PassThrough()
      body.write('beginning ')
      const sending = send(upstream.dispatcher, { method: 'POST', body })
      await asked.promise
      const rest = 'x'.repeat(100_000)
      body.end(rest)
      await new Promise(setImmediate)
      confirmed.resolve(health)
      if (health === 'dead') {
        expect(await sending).toMatchObject({ status: 200, body: 'ok' })
        expect(String(await server.requests[1]?.body)).toBe(`beginning ${rest}`)
      } else {
        expect(await sending).toMatchObject({ status: 401, body: DEAD })
        // What nobody reads any more is thrown away, so that the caller's connection is free for its next request.
        if (!body.readableEnded) await once(body, 'end')
        expect(server.requests).toHaveLength(1)
      }
    },
  )

  test('refused a second time, the answer of the API is passed on', async () => {
    await using server = await startOriginServer((_, response) => response.writeHead(401).end(DEAD))
    await using upstream = start(server.url)
    const answer = await send(upstream.dispatcher)
    expect(answer).toMatchObject({ status: 401, body: DEAD })
    expect(server.requests).toHaveLength(2)
    // What is refused twice says nothing of the new token.
    expect(upstream.tokens.rejected).toEqual(['first'])
    expect(upstream.events).toMatchObject([{ type: 'session-replaced' }, { type: 'replay-ended', outcome: 'refused' }])
  })

  test('with no new token to be had, the caller gets the reason', async () => {
    await using server = await startOriginServer(refusesFirst)
    let held: AccessToken | undefined = token('first')
    const tokens: TokenSource = {
      get: () => held ?? Promise.reject(new TokenUnavailableError('no token', 9)),
      retire: () => {
        held = undefined
      },
    }
    await using upstream = start(server.url, { tokens })
    expect((await send(upstream.dispatcher)).error).toBeInstanceOf(TokenUnavailableError)
    expect(server.requests).toHaveLength(1)
    expect(upstream.events).toMatchObject([{ type: 'session-replaced' }, { type: 'replay-ended', outcome: 'failed' }])
  })
})

describe('a SOAP request', () => {
  const SOAP = '/services/Soap/u/62.0'
  const envelope = (session: string) =>
    `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>${session}</sessionId></SessionHeader></e:Header><e:Body><query xmlns="urn:partner.soap.sforce.com"><queryString>SELECT Id FROM A</queryString></query></e:Body></e:Envelope>`
  const soap = (body: string) => ({
    path: SOAP,
    method: 'POST',
    headers: ['Content-Type', 'text/xml', 'Content-Length', String(body.length)],
    body: Readable.from([Buffer.from(body.slice(0, 100)), Buffer.from(body.slice(100))]),
  })

  test('carries our session in its Header instead of the caller’s, the length kept right', async () => {
    await using server = await startOriginServer((request, response) => {
      request.resume().on('end', () => response.end('ok'))
    })
    await using upstream = start(server.url)
    expect(await send(upstream.dispatcher, soap(envelope('x')))).toMatchObject({ status: 200 })
    expect(String(await server.requests[0]?.body)).toBe(envelope('first'))
    expect(server.requests[0]?.headers['content-length']).toBe(String(envelope('first').length))
  })

  test('whose session is refused is sent again with the new one', async () => {
    const fault =
      '<S:Envelope xmlns:S="x"><S:Body><S:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode></S:Fault></S:Body></S:Envelope>'
    await using server = await startOriginServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        if (body.includes('first')) response.writeHead(500, { 'content-type': 'text/xml' }).end(fault)
        else response.end('ok')
      })
    })
    await using upstream = start(server.url)
    expect(await send(upstream.dispatcher, soap(envelope('the-callers-own')))).toMatchObject({
      status: 200,
      body: 'ok',
    })
    expect(String(await server.requests[1]?.body)).toBe(envelope('second'))
  })

  test('where no session can be placed is refused, and nothing is sent', async () => {
    await using server = await startOriginServer((_, response) => response.end())
    await using upstream = start(server.url)
    const answer = await send(upstream.dispatcher, soap('this is no XML at all, but longer than one chunk of the test'))
    expect(answer.error).toMatchObject({ code: 'PROXY_REQUEST_INVALID' })
    expect(server.connections).toBe(0)
  })

  test('refused under a token in JWT form is told apart: a new one would be refused alike', async () => {
    const fault = '<faultcode>sf:INVALID_SESSION_ID</faultcode>'
    await using server = await startOriginServer((request, response) => {
      request.resume().on('end', () => response.writeHead(500, { 'content-type': 'text/xml' }).end(fault))
    })
    const rejected: string[] = []
    const tokens: TokenSource = {
      get: () => ({ ...token('first'), format: 'jwt' }),
      retire: ({ value }) => rejected.push(value),
    }
    await using upstream = start(server.url, { tokens, confirmation: confirmsAs('alive') })
    expect(await send(upstream.dispatcher, soap(envelope('x')))).toMatchObject({ status: 500, body: fault })
    expect([server.requests.length, rejected.length]).toEqual([1, 0])
    expect(upstream.events).toMatchObject([
      { type: 'api-refused', diagnosis: expect.stringContaining('JWT') as string },
    ])
  })
})

describe('what a new token cannot mend', () => {
  test('is passed on, once, with its diagnosis', async () => {
    const refusal = JSON.stringify([
      { message: 'This session is not valid for use with the REST API', errorCode: 'INVALID_SESSION_ID' },
    ])
    await using server = await startOriginServer((_, response) => response.writeHead(401).end(refusal))
    await using upstream = start(server.url)
    expect(await send(upstream.dispatcher)).toMatchObject({ status: 401, body: refusal })
    expect(server.requests).toHaveLength(1)
    expect(upstream.tokens.rejected).toEqual([])
    expect(upstream.events).toMatchObject([{ type: 'api-refused' }])
  })

  test('an answer longer than any refusal is passed on whole', async () => {
    const long = 'x'.repeat(300_000)
    await using server = await startOriginServer((_, response) => response.writeHead(401).end(long))
    await using upstream = start(server.url)
    const answer = await send(upstream.dispatcher)
    expect(answer.status).toBe(401)
    expect(answer.body === long).toBe(true)
    expect(upstream.tokens.rejected).toEqual([])
  })

  test('a refusal that breaks off in the middle is a failure, not an answer', async () => {
    await using server = await startOriginServer((_, response) => {
      response.writeHead(401, { 'content-length': '5000' }).write('[', () => response.destroy())
    })
    await using upstream = start(server.url)
    const answer = await send(upstream.dispatcher)
    expect(answer.status).toBeUndefined()
    expect(answer.error).toBeInstanceOf(Error)
  })
})

describe('no token', () => {
  test('no request: nothing is sent, the caller gets the reason', async () => {
    await using server = await startOriginServer((_, response) => response.end())
    const tokens = { get: () => Promise.reject(new TokenUnavailableError('none', 1)), retire: () => undefined }
    await using upstream = start(server.url, { tokens })
    expect((await send(upstream.dispatcher)).error).toBeInstanceOf(TokenUnavailableError)
    expect(server.connections).toBe(0)
  })
})

describe('a connection that the upstream closed while it was idle', () => {
  /** Answers the first request of each connection and drops the connection under its second. */
  const dropsSecond = () => {
    const used = new WeakSet()
    return (request: IncomingMessage, response: ServerResponse) => {
      if (used.has(request.socket)) request.socket.resetAndDestroy()
      else request.resume().on('end', () => response.end('ok'))
      used.add(request.socket)
    }
  }

  test('costs an idempotent request a second try', async () => {
    await using server = await startOriginServer(dropsSecond())
    await using upstream = start(server.url, { connections: 1 })
    expect(await send(upstream.dispatcher)).toMatchObject({ body: 'ok' })
    expect(await send(upstream.dispatcher)).toMatchObject({ body: 'ok' })
    expect(upstream.events.map(({ type }) => type)).toEqual(['connection-replaced'])
  })

  test('is an error for a POST, which may have been applied', async () => {
    await using server = await startOriginServer(dropsSecond())
    await using upstream = start(server.url, { connections: 1 })
    expect(await send(upstream.dispatcher)).toMatchObject({ body: 'ok' })
    const answer = await send(upstream.dispatcher, { method: 'POST', body: Readable.from([Buffer.from('x')]) })
    expect(answer.error).toBeInstanceOf(Error)
    expect(server.requests).toHaveLength(2)
  })

  test('is an error for a PUT whose body can no longer be sent', async () => {
    await using server = await startOriginServer(dropsSecond())
    await using upstream = start(server.url, { connections: 1, replayLimitBytes: 0 })
    expect(await send(upstream.dispatcher)).toMatchObject({ body: 'ok' })
    const answer = await send(upstream.dispatcher, { method: 'PUT', body: Readable.from([Buffer.from('x')]) })
    expect(answer.error).toBeInstanceOf(Error)
  })
})
