import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'

/**
 * The upstream of the crowd: a login host with one session at a time, and an API that answers each request as its `fate` parameter asks,
 * byte by byte. Everything that it says carries the request's own `n`, so that nobody can take another's answer for his own.
 */
export interface CrowdOrg extends AsyncDisposable {
  readonly url: string
  readonly tokenRequests: number
  /** The most token requests that were under way at once. */
  readonly tokenRequestsAtOnce: number
  /** How many times all sessions have ended. */
  readonly deaths: number
  /** Nobody listens, and every connection is reset, until the returned function is called. */
  outage(): Promise<() => Promise<void>>
}

const CONTENT = 'Content-Type: application/json;charset=UTF-8'

export async function startCrowdOrg(): Promise<CrowdOrg> {
  const sockets = new Set<Socket>()
  const killed = new Set<string>()
  let [deaths, tokenRequests, atOnce, mostAtOnce] = [0, 0, 0, 0]
  const token = () => `00D5f0000000001!AQ${'t'.repeat(20)}.${deaths}`

  const answerToken = async (request: IncomingMessage) => {
    tokenRequests += 1
    mostAtOnce = Math.max(mostAtOnce, ++atOnce)
    await readBody(request)
    await setImmediate()
    atOnce -= 1
    const id = 'https://login.salesforce.com/id/00D5f0000000001AAA/0055f0000000001AAA'
    const body = JSON.stringify({ access_token: token(), token_type: 'Bearer', id, issued_at: String(Date.now()) })
    request.socket.write(whole('200 OK', body))
  }

  const answer = async (request: IncomingMessage) => {
    const { socket } = request
    const url = new URL(request.url ?? '', 'http://org')
    if (url.pathname === '/services/oauth2/token') return answerToken(request)
    const nonce = url.searchParams.get('n') ?? ''
    const [fate = '', amount = '0'] = (url.searchParams.get('fate') ?? 'ok').split('.')
    const size = Number(url.searchParams.get('size') ?? 0)
    const good = whole('200 OK', goodBody(nonce, size), nonce, request.method)
    const early = EARLY[fate]
    if (early !== undefined) {
      early({ socket, request, good, amount: Number(amount) })
      return
    }
    const body = await readBody(request)
    if (body === undefined) return
    if (fate === 'kill' && !killed.has(nonce)) {
      killed.add(nonce)
      deaths += 1
    }
    const isAlive = sessionIn(request, body) === token()
    if (!isAlive || fate === 'refuse') {
      socket.write(refusal(url.pathname, nonce, request.method))
      return
    }
    const late = LATE[fate]
    if (late === undefined) socket.write(good)
    else await late({ socket, request, good, amount: Number(amount), nonce })
    if (fate === 'ends') deaths += 1
  }

  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (request) => {
    request.on('error', () => undefined)
    // Only the connection can fail, and then there is nobody to tell.
    answer(request).catch(() => request.socket.destroy())
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('clientError', (_error, socket) => {
    socket.destroy()
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    // A TCP server that listens has an AddressInfo.
    return (server.address() as AddressInfo).port
  }
  const close = async (how: 'resetAndDestroy' | 'destroy') => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket[how]()
    await closed
  }
  const port = await listen(0)
  return {
    url: `http://127.0.0.1:${port}`,
    get tokenRequests() {
      return tokenRequests
    },
    get tokenRequestsAtOnce() {
      return mostAtOnce
    },
    get deaths() {
      return deaths
    },
    async outage() {
      await close('resetAndDestroy')
      return async () => {
        await listen(port)
      }
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await close('destroy')
    },
  }
}

interface Scene {
  readonly socket: Socket
  readonly request: IncomingMessage
  /** The answer as it should be. */
  readonly good: Buffer
  readonly amount: number
}

/** What happens at the head of a request, before its body. */
const EARLY: Readonly<Record<string, (scene: Scene) => void>> = {
  early({ socket, request, good }) {
    request.resume()
    socket.write(good)
  },
  'early-close'({ socket, good }) {
    socket.end(closing(good))
  },
  'early-reset'({ socket, good }) {
    socket.write(closing(good), () => socket.resetAndDestroy())
  },
  reset: ({ socket, good, amount }) => {
    cut(socket, good, amount, 'reset')
  },
  close: ({ socket, good, amount }) => {
    cut(socket, good, amount, 'close')
  },
  stall: ({ socket, request, good, amount }) => {
    request.resume()
    cut(socket, good, amount, 'stall')
  },
  // Takes nothing of the body, and says nothing.
  deaf: ({ request }) => {
    request.pause()
  },
}

/** What happens once a request has come whole, with a session that is alive. */
const LATE: Readonly<Record<string, (scene: Scene & { readonly nonce: string }) => Promise<void> | void>> = {
  async slow({ socket, good }) {
    const step = Math.ceil(good.length / 5)
    for (let at = 0; at < good.length; at += step) {
      socket.write(good.subarray(at, at + step))
      await setImmediate()
    }
  },
  hints({ socket, good, amount }) {
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n'.repeat(amount))
    socket.write(good)
  },
  continue({ socket, good }) {
    socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write(good)
  },
  'late-reset': ({ socket, good, amount }) => {
    cut(socket, good, amount, 'reset')
  },
  'late-close': ({ socket, good, amount }) => {
    cut(socket, good, amount, 'close')
  },
  // Declares ten bytes more than it sends.
  long({ socket, good }) {
    socket.end(relength(good, 10))
  },
  // Declares ten bytes fewer than it sends.
  short({ socket, good }) {
    socket.write(relength(good, -10))
  },
  garbage({ socket, nonce }) {
    socket.write(
      `HTTP/1.1 200 OK\r\nX-Nonce: ${nonce}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\nhello\r\n`,
    )
  },
  nonsense({ socket }) {
    socket.end('220 smtp.example.com ESMTP\r\n')
  },
  'empty-401'({ socket, nonce, request }) {
    socket.write(whole('401 Unauthorized', '', nonce, request.method))
  },
  'html-401'({ socket, nonce, request }) {
    socket.write(
      whole('401 Unauthorized', '<html>no</html>', nonce, request.method)
        .toString()
        .replace(CONTENT, 'Content-Type: text/html'),
    )
  },
  busy({ socket, nonce, request }) {
    socket.write(
      whole('503 Service Unavailable', '[{"errorCode":"SERVER_UNAVAILABLE","message":"later"}]', nonce, request.method),
    )
  },
}

export function goodBody(nonce: string, size: number): string {
  return JSON.stringify([{ successful: true, nonce, padding: 'p'.repeat(size) }])
}

function whole(status: string, body: string, nonce = '', method = 'GET'): Buffer {
  const head = [
    `HTTP/1.1 ${status}`,
    CONTENT,
    `X-Nonce: ${nonce}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    '',
  ]
  return Buffer.from(head.join('\r\n') + (method === 'HEAD' ? '' : body))
}

const closing = (good: Buffer) => good.toString().replace('\r\n', '\r\nConnection: close\r\n')
const relength = (good: Buffer, by: number) =>
  good.toString().replace(/Content-Length: (\d+)/, (_, length) => `Content-Length: ${Math.max(Number(length) + by, 0)}`)

/** Sends so many bytes of the answer, never all of it. */
function cut(socket: Socket, good: Buffer, amount: number, how: 'reset' | 'close' | 'stall'): void {
  const part = good.subarray(0, Math.min(amount, good.length - 1))
  const done = () => {
    if (how === 'reset') socket.resetAndDestroy()
    else if (how === 'close') socket.end()
  }
  if (part.length === 0) done()
  else socket.write(part, done)
}

/** Undefined where the caller left before its end. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    // Without an encoding set, chunks are Buffers.
    for await (const chunk of request) chunks.push(chunk as Buffer)
  } catch {
    return undefined
  }
  const body = Buffer.concat(chunks)
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
}

function sessionIn({ headers, url = '' }: IncomingMessage, body: Buffer): string | undefined {
  if (url.startsWith('/services/Soap/')) return /<(?:\w+:)?sessionId>([^<]*)</.exec(body.toString())?.[1]
  if (url.startsWith('/services/async/')) return String(headers['x-sfdc-session'])
  return headers.authorization?.replace(/^(?:Bearer|OAuth) /, '')
}

const DATALOAD = 'http://www.force.com/2009/06/asyncapi/dataload'

/** The refusal of a session, as the family of this path words it. */
function refusal(path: string, nonce: string, method?: string): Buffer {
  if (path.startsWith('/services/async/')) {
    const xml = `<?xml version="1.0" encoding="UTF-8"?><error xmlns="${DATALOAD}"><exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>Invalid session id</exceptionMessage></error>`
    return Buffer.from(
      whole('400 Bad Request', xml, nonce, method).toString().replace(CONTENT, 'Content-Type: application/xml'),
    )
  }
  if (path.startsWith('/services/Soap/')) {
    const text = 'INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session'
    const xml = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>${text}</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
    return Buffer.from(
      whole('500 Server Error', xml, nonce, method).toString().replace(CONTENT, 'Content-Type: text/xml'),
    )
  }
  if (path.startsWith('/cometd/')) {
    const failed = { channel: '/meta/connect', error: '401::Authentication invalid', successful: false }
    return whole('200 OK', JSON.stringify([{ ...failed, advice: { reconnect: 'none' } }]), nonce, method)
  }
  if (path === '/services/oauth2/userinfo') {
    return Buffer.from(
      whole('403 Forbidden', 'Bad_OAuth_Token', nonce, method).toString().replace(CONTENT, 'Content-Type: text/plain'),
    )
  }
  const body = '[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'
  return whole('401 Unauthorized', body, nonce, method)
}
