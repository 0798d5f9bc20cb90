import type { Socket } from 'node:net'
import { errors, type buildConnector } from 'undici'

/** The part of undici's HTTP/1.1 parser (lib/dispatcher/client-h1.js) that is adapted here. library-contracts.test.ts pins it. */
interface ResponseParser {
  statusCode: number
  headers: Buffer[]
  headersSize: number
  contentLength: number
  hasTransferEncoding: boolean
  /** Returns llhttp's verdict: 1 = no body follows, -1 = stop. */
  onHeadersComplete(status: number, isUpgrade: boolean, shouldKeepAlive: boolean): number
}

/** Servers send one or two. Without a bound, a server could keep a request and its memory for as long as it likes. */
const MOST_INTERIM = 100

/**
 * The same connector, for connections whose parser
 * - skips an unsolicited 100 Continue (RFC 9110 §15.2), where undici closes the connection,
 * - fails the request at its 101st interim response, and at a 101, for which nobody asked,
 * - keeps the connection after a 304 with Content-Length or Transfer-Encoding. Both are allowed there and announce no body (RFC 9110 §8.6,
 *   RFC 9112 §6.1). undici closes as if one might follow; if one does, it still closes.
 */
export function withAdaptedParser(connector: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connector(options, (...result) => {
      // undici makes the parser in here.
      callback(...result)
      if (result[1]) adapt(result[1])
    })
  }
}

function adapt(socket: Socket): void {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser')
  // Not in undici's types. None where the connection has ended already.
  const parser = symbol && (Reflect.get(socket, symbol) as ResponseParser | null)
  if (!parser) return
  const onHeadersComplete = parser.onHeadersComplete.bind(parser)
  let interim = 0
  parser.onHeadersComplete = (status, isUpgrade, shouldKeepAlive) => {
    if (status >= 200) interim = 0
    else if (status === 101) return fail(socket, 'HPE_UNSOLICITED_UPGRADE')
    else if (++interim > MOST_INTERIM) return fail(socket, 'HPE_TOO_MANY_INTERIM_RESPONSES')
    if (status === 100) {
      // As undici does with other interim responses; its onMessageComplete does the rest.
      parser.statusCode = status
      parser.headers = []
      parser.headersSize = 0
      return 1
    }
    if (status === 304) {
      parser.contentLength = -1
      parser.hasTransferEncoding = false
    }
    return onHeadersComplete(status, isUpgrade, shouldKeepAlive)
  }
}

function fail(socket: Socket, code: string): number {
  socket.destroy(Object.assign(new errors.HTTPParserError('The upstream does not keep to HTTP/1.1.'), { code }))
  return -1
}
