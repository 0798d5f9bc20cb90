import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { errorBody, ProxyError, proxyStatus } from '../errors.ts'
import { STATUS_CODES } from '../node-http.ts'
import type { ListenerLimits } from './listener-limits.ts'
import type { OpenExchange, OpenExchanges } from './open-exchanges.ts'
import { rejectionOf, type ParserError } from './rejected-request.ts'
import { requestIdOf } from './request-id.ts'

/** A request that no handler saw: it could not be read, or is a CONNECT. */
export interface RejectedRequest {
  readonly id: string
  /** `-` where it could not be read. */
  readonly method: string
  readonly problem: ProxyError
  /** Undefined where it was cut off without an answer. */
  readonly status: number | undefined
  readonly bytesOut: number
}

export interface ConnectionGuardOptions {
  readonly limits: ListenerLimits
  /** Those of the server. */
  readonly open: Pick<OpenExchanges, 'on'>
  /** How to reach the same service by the other scheme, for callers who took the wrong port: a sentence. */
  readonly otherScheme: () => string
  readonly onRejected: (rejected: RejectedRequest) => void
}

/** How long, and for how many reads, a rejected caller may go on sending: an answer that a reset follows would be lost. */
const LINGER_MS = 2_000
const LINGER_READS = 256

/**
 * Answers on the bare socket where there is no request to reply to: malformed heads, CONNECT, the wrong port.
 * For every server that listens, before it does; it owns 'clientError', so give Fastify a `clientErrorHandler` that does nothing.
 */
export function guardConnections<T extends Server | TlsServer>(server: T, options: ConnectionGuardOptions): T {
  const { limits, open, otherScheme, onRejected } = options
  // Not in its types. A FIN ends what the client sends, not its wait for the response: Node would close the connection.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.setTimeout(limits.socketTimeoutMs)
  /** What is read after a rejection, which the parser rejects again. */
  const readsSince = new WeakMap<Duplex, number>()

  server.on('clientError', (error: ParserError, socket: Duplex) => {
    const reads = readsSince.get(socket)
    readsSince.set(socket, (reads ?? 0) + 1)
    if (reads !== undefined) {
      if (reads > LINGER_READS) socket.destroy()
      return
    }
    const { bytesRead = 0 } = socket as Partial<Socket> // of both servers it is one
    const bytesBefore = bytesRead - (error.rawPacket?.length ?? 0)
    const problem = rejectionOf(error, { maxHeaderBytes: limits.http.maxHeaderSize ?? 0, bytesBefore, otherScheme })
    if (problem === undefined) {
      socket.destroy()
      return
    }
    const exchanges = open.on(socket)
    const [underWay] = exchanges
    // Its own body is what is malformed: it has its answer and its line in the log as any other.
    if (underWay?.request.complete === false && exchanges.length === 1) {
      const { request, response } = underWay
      // A body that ends too early is a caller who leaves, and Node has the request end as such.
      if (error.code !== 'HPE_INVALID_EOF_STATE' && request.emit(MALFORMED, problem)) return
      if (response.headersSent) socket.destroy()
      else answer(socket, requestIdOf(request), problem)
      return
    }
    const id = randomUUID()
    // A connection that never sent anything made no request.
    const isSilent = problem.code === 'PROXY_REQUEST_TIMEOUT' && bytesRead === 0
    inTurn(exchanges, socket, (writable) => {
      const bytesOut = writable === undefined ? 0 : answer(writable, id, problem)
      if (isSilent) return
      onRejected({ id, method: '-', problem, status: writable && problem.statusCode, bytesOut })
    })
  })

  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    // Node hands the socket over bare: without a listener a reset would crash the process.
    socket.on('error', () => undefined)
    const problem = new ProxyError('PROXY_METHOD_REFUSED', {
      cause: { rule: 'CONNECT' },
      detail: 'It is not for HTTPS_PROXY: call it as the base URL of the API.',
    })
    const id = requestIdOf(request)
    inTurn(open.on(socket), socket, (writable) => {
      const bytesOut = writable === undefined ? 0 : answer(writable, id, problem)
      onRejected({ id, method: 'CONNECT', problem, status: writable && problem.statusCode, bytesOut })
    })
  })
  return server
}

/**
 * Answers a rejected request behind the responses to those that were read before it on the connection: bytes sent now would pass for theirs.
 * Where one of them is incomplete, no response can be told from another, and the connection is cut. `send` gets no stream where none is left.
 */
function inTurn(before: readonly OpenExchange[], socket: Duplex, send: (writable: Duplex | undefined) => void): void {
  const last = before.at(-1)
  if (last === undefined || before.some(({ request }) => !request.complete)) {
    const writable = last === undefined ? writableOf(socket) : undefined
    if (writable === undefined) socket.destroy()
    send(writable)
    return
  }
  last.response.once('close', () => {
    send(last.response.writableFinished ? writableOf(socket) : undefined)
  })
}

/** The event of a request whose body turns out to be malformed, with the ProxyError. */
export const MALFORMED = Symbol('malformed')

/** Where an answer can be written. A TLS handshake that met plain HTTP ends the TLS socket, but not the one below it. */
function writableOf(socket: Duplex & { readonly _parent?: Duplex }): Duplex | undefined {
  return [socket, socket._parent].find((stream) => stream?.writable === true)
}

/** Returns how many bytes the body has. */
function answer(socket: Duplex, id: string, { code, message, statusCode, type }: ProxyError): number {
  const body = errorBody(code, message)
  const bytes = Buffer.byteLength(body)
  const head = [
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${bytes}`,
    'Cache-Control: no-store',
    `X-Request-Id: ${id}`,
    `Proxy-Status: ${proxyStatus({ type, details: code })}`,
    ...(statusCode === 405 ? ['Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'] : []),
    'Connection: close',
  ]
  const destroy = () => socket.destroy()
  const { setTimeout } = socket as Partial<Pick<Socket, 'setTimeout'>> // of both servers it is one
  setTimeout?.call(socket, LINGER_MS, destroy)
  const hasEnded = socket.readableEnded
  if (!hasEnded) socket.once('end', destroy).resume()
  socket.on('error', destroy).end(`${head.join('\r\n')}\r\n\r\n${body}`, hasEnded ? destroy : undefined)
  return bytes
}
