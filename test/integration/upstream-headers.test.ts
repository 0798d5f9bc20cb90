import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { Agent, request, type Dispatcher } from 'undici'
import { describe, expect, test } from 'vitest'
import { withLengthGrownBy } from '../../src/upstream/header-list.ts'
import { upstreamHeaders, withSession } from '../../src/upstream/request-headers.ts'
import { callerHeaders } from '../../src/upstream/response-headers.ts'
import { soapBody } from '../../src/upstream/soap-body.ts'
import { SoapSession } from '../../src/upstream/soap-session.ts'
import fc from '../support/properties.ts'

async function listen(listener: RequestListener) {
  const server = createServer({ keepAlive: true }, listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is never a string.
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Answers with the header list that arrived. */
function echo() {
  return listen((received, answer) => {
    received.resume().on('end', () => answer.end(JSON.stringify(received.rawHeaders)))
  })
}

async function arrived(origin: string, headers: string[], dispatcher: Dispatcher, body?: string): Promise<string[]> {
  const method = body === undefined ? 'GET' : 'POST'
  const answer = await request(origin, { dispatcher, headers, method, body: body ?? null })
  // The echo above sends a list of strings.
  return (await answer.body.json()) as string[]
}

/** The list without the two fields that undici writes itself. */
function withoutFraming(rawHeaders: string[]): string[] {
  return rawHeaders.filter((_, at) => !['host', 'connection'].includes(String(rawHeaders[at - (at % 2)])))
}

describe('towards the API, through undici', () => {
  test('what a caller may throw at a socket arrives as the list that was made, with the Host of the upstream', async () => {
    await using upstream = await echo()
    await using scope = new AsyncDisposableStack()
    const agent = scope.adopt(new Agent(), (pool) => pool.close())
    const made: string[][] = []
    const seen: string[][] = []
    await using front = await listen((received, answer) => {
      const headers = withSession(upstreamHeaders(received.rawHeaders, { family: 'bulk1', version: '1' }), 'bulk1', 'T')
      made.push(headers)
      void arrived(upstream.origin, headers, agent, '12345').then((list) => {
        seen.push(list)
        answer.end()
      })
    })
    const socket = connect(front.port, '127.0.0.1')
    const fields = [
      ...['Host: evil.example', 'Connection: close, authorization, x-sfdc-session, host, X-Hop', 'X-Hop: 1'],
      ...[
        'Keep-Alive: 3',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABk',
        'TE: trailers',
        'Trailer: x',
        'Proxy-Connection: x',
      ],
      ...['Expect: 100-continue', 'Authorization: Bearer stolen', 'X-SFDC-Session: stolen', 'X_SFDC_Session: stolen'],
      ...[
        'Cookie: sid=stolen',
        '__proto__: x',
        'Content-Length: 5',
        'X-Latin: caf\u00e9',
        'X-Empty:',
        'User-Agent: curl/8',
      ],
    ]
    socket.write(Buffer.from(`POST / HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n12345`, 'latin1'))
    await once(socket.resume(), 'close')

    expect(made).toEqual([
      [
        ...['__proto__', 'x', 'Content-Length', '5', 'X-Latin', 'caf\u00e9', 'X-Empty', ''],
        ...['User-Agent', 'curl/8 cloudaware-proxy/1', 'Via', '1.1 cloudaware-proxy'],
        ...['Authorization', 'Bearer T', 'X-SFDC-Session', 'T'],
      ],
    ])
    // undici writes the Host first and the length last.
    const passed = made.flat().filter((_, at) => at !== 2 && at !== 3)
    const host = upstream.origin.slice('http://'.length)
    expect(seen).toEqual([['host', host, 'connection', 'keep-alive', ...passed, 'content-length', '5']])
  })

  test('any list that Node can receive is accepted, in order and case', async () => {
    await using upstream = await echo()
    await using scope = new AsyncDisposableStack()
    const agent = scope.adopt(new Agent(), (pool) => pool.close())
    const anyName = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
    const hopName = fc.constantFrom(
      'Connection',
      'keep-alive',
      'Upgrade',
      'Expect',
      'Transfer-Encoding',
      'TE',
      'Host',
      'Cookie',
    )
    const value = fc.stringMatching(/^[!-~\u00a1-\u00ff]([\t -~\u00a1-\u00ff]{0,10}[!-~\u00a1-\u00ff])?$/)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.oneof(anyName, hopName), value)), async (pairs) => {
        const made = upstreamHeaders(pairs.flat(), { family: 'streaming', version: '1' })
        expect(withoutFraming(await arrived(upstream.origin, made, agent))).toEqual(made)
      }),
      { numRuns: 150 },
    )
  })

  test('a SOAP request with a length arrives whole, with our session and the length put right', async () => {
    await using upstream = await listen((received, answer) => {
      void text(received).then((body) => answer.end(`${String(received.headers['content-length'])} ${body}`))
    })
    await using scope = new AsyncDisposableStack()
    const dispatcher = scope.adopt(new Agent(), (pool) => pool.close())
    const soap = (id: string) =>
      `<Envelope><Header><SessionHeader><sessionId>${id}</sessionId></SessionHeader></Header><Body>${'é'.repeat(100_000)}</Body></Envelope>`
    const sent = Buffer.from(soap('short'))
    const { body, delta } = await soapBody(
      Readable.from([sent]),
      new SoapSession('a-longer-token', '/services/Soap/u/62.0'),
    )
    const headers = withLengthGrownBy(['Content-Length', String(sent.length)], delta)
    const answer = await request(upstream.origin, { dispatcher, method: 'POST', headers, body })
    const expected = soap('a-longer-token')
    expect(await answer.body.text()).toBe(`${Buffer.byteLength(expected)} ${expected}`)
  })
})

describe('towards the caller, through Node', () => {
  test("undici's raw list of an answer is written as it came, without the upstream's own connection", async () => {
    const sent = [
      ...['Sforce-Limit-Info', 'api-usage=1/5', 'x-Twice', 'a', 'X-Twice', 'b', 'X-Latin', 'caf\u00e9'],
      ...['ETag', '"a=-gzip"', 'Date', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Content-Length', '2'],
    ]
    const dropped = [
      'Keep-Alive',
      'timeout=5',
      'Strict-Transport-Security',
      'max-age=1',
      'Set-Cookie',
      'a=1',
      'Alt-Svc',
      'clear',
    ]
    await using upstream = await listen((_received, answer) => {
      answer.sendDate = false
      // A string as the body would make Node write the head as UTF-8.
      answer.writeHead(200, [...dropped, ...sent, 'Location', `${upstream.origin}/next?a=1`]).end(Buffer.from('ok'))
    })
    await using scope = new AsyncDisposableStack()
    const agent = scope.adopt(new Agent(), (pool) => pool.close())
    await using front = await listen((_received, answer) => {
      agent.dispatch(
        { origin: upstream.origin, path: '/', method: 'GET' },
        {
          onRequestStart: () => undefined,
          onResponseStart(controller, status) {
            const { rawHeaders } = controller
            // undici's HTTP/1.1 client gives a flat array of Buffers.
            const headers = callerHeaders(rawHeaders as Buffer[], {
              family: 'rest',
              origins: { upstreamOrigin: () => upstream.origin, callerOrigin: front.origin },
            })
            answer.writeHead(status, headers)
          },
          onResponseData: (_controller, chunk) => answer.write(chunk),
          onResponseEnd: () => answer.end(),
          onResponseError: (_controller, error) => answer.destroy(error),
        },
      )
    })
    const socket = connect(front.port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    await once(socket, 'close')

    const [head = '', body] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n')
    const pairs = [
      ...sent,
      'Location',
      `${front.origin}/next?a=1`,
      'Via',
      '1.1 cloudaware-proxy',
      'Connection',
      'close',
    ]
    const lines = pairs.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${String(pairs[at + 1])}`] : []))
    expect(head.split('\r\n')).toEqual(['HTTP/1.1 200 OK', ...lines])
    expect(body).toBe('ok')
  })
})
