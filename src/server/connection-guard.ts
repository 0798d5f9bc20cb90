import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorBody, PROXY_ERRORS, proxyStatus } from '../errors.ts'
import type { ProxyErrorCode } from '../errors.ts'

interface ConnectionGuard {
  /** Fastify's `clientErrorHandler`: answers what the parser refused, without ever answering in another request's place. */
  answerClientError: (error: Error & { code?: string }, socket: Duplex) => void
  /** Refuses tunnels on this server. Call it for each server that listens. */
  refuseUpgrades: (server: Server) => void
}

const STATUS_BY_PARSER_ERROR: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Answers on the bare socket where there is no request to reply to: malformed heads, CONNECT. */
export function createConnectionGuard(): ConnectionGuard {
  const underWay = new WeakMap<Duplex, Set<Exchange>>()

  return {
    answerClientError(error, socket) {
      const exchanges = [...(underWay.get(socket) ?? [])]
      // Bytes sent now would be taken for the answer to the request under way. Where its own body is what is malformed, they are.
      const isOurTurn = exchanges.length === 0 || (exchanges.length === 1 && exchanges.every(isStillSending))
      const isGone = error.code === 'ECONNRESET' || !socket.writable
      if (isGone || !isOurTurn) socket.destroy()
      else answer(socket, STATUS_BY_PARSER_ERROR[error.code ?? ''] ?? 400, 'PROXY_REQUEST_INVALID')
    },

    refuseUpgrades(server) {
      server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        const exchange = { request, response }
        const exchanges = underWay.get(request.socket) ?? new Set()
        underWay.set(request.socket, exchanges.add(exchange))
        response.once('close', () => exchanges.delete(exchange))
      })
      server.on('connect', (_request, socket) => {
        // Node hands the socket over bare: without a listener a reset would crash the process.
        socket.on('error', () => socket.destroy())
        answer(socket, 405, 'PROXY_METHOD_REFUSED')
      })
      // There is no 'upgrade' listener: without one Node goes on in HTTP/1.1, and the guard refuses what needs more than that.
    },
  }
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
}

function isStillSending({ request, response }: Exchange): boolean {
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
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
