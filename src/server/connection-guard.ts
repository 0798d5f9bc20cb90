import type { IncomingMessage, Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { errorBody, PROXY_ERRORS, proxyStatus } from '../errors.ts'
import type { ProxyErrorCode } from '../errors.ts'
import { STATUS_CODES } from '../node-http.ts'
import type { ListenerLimits } from './listener-limits.ts'
import type { OpenExchange } from './open-exchanges.ts'

const STATUS_BY_PARSER_ERROR: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

export interface ConnectionGuardOptions {
  readonly limits: ListenerLimits
  /** Those of the server. */
  readonly open: Iterable<OpenExchange>
}

/**
 * Sets the limits of a server and answers on the bare socket where there is no request to reply to: malformed heads, CONNECT.
 * For every server that listens, before it does; it owns 'clientError', so give Fastify a `clientErrorHandler` that does nothing.
 */
export function guardConnections<T extends Server | TlsServer>(server: T, { limits, open }: ConnectionGuardOptions): T {
  server.maxConnections = limits.maxConnections
  // Not in its types.
  Object.assign(server, {
    // A worker of a cluster would otherwise hand what is too much to the next one, and that one on, without an end.
    dropMaxConnection: true,
    // A FIN ends what the client sends, not its wait for the response. Node would close the connection.
    httpAllowHalfOpen: true,
  })
  server.setTimeout(limits.socketTimeoutMs)

  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
    const exchanges = Array.from(open).filter(({ request }) => request.socket === socket)
    // Bytes sent now would pass for the answer to the request under way. They are, where its own body is what is malformed.
    const isOurTurn = exchanges.length === 0 || (exchanges.length === 1 && exchanges.every(isStillSending))
    if (isOurTurn && socket.writable) {
      const status = STATUS_BY_PARSER_ERROR[error.code ?? ''] ?? 400
      answer(socket, status, status === 408 ? 'PROXY_REQUEST_TIMEOUT' : 'PROXY_REQUEST_INVALID')
    } else socket.destroy()
  })

  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    // Node hands the socket over bare: without a listener a reset would crash the process.
    socket.on('error', () => undefined)
    answer(socket, 405, 'PROXY_METHOD_REFUSED')
  })
  return server
}

function isStillSending({ request, response }: OpenExchange): boolean {
  return !request.complete && !response.headersSent
}

function answer(socket: Duplex, status: number, code: ProxyErrorCode): void {
  const { message, type } = PROXY_ERRORS[code]
  const body = errorBody(code, message)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Proxy-Status: ${proxyStatus({ type })}`,
    ...(status === 405 ? ['Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'] : []),
    'Connection: close',
  ]
  // The parser has given up on this connection, so nothing more is read from it.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
