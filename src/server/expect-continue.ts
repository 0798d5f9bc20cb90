import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'

/**
 * RFC 9110 §10.1.1: a caller that announced its body with `Expect: 100-continue` is told to send it once somebody begins to read it; so a request
 * that is refused by its head, or finds neither token nor connection, gets its final answer without a byte of the body. Node by itself would invite every body.
 */
export function inviteBodiesWhenRead(server: Server | TlsServer): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    const { shouldKeepAlive } = response
    // Whether an uninvited body follows nobody knows: such a connection ends with its answer.
    response.shouldKeepAlive = false
    const onListener = (event: string | symbol) => {
      // Both ways of reading a stream begin with a listener.
      if (event !== 'data' && event !== 'readable') return
      request.off('newListener', onListener)
      if (response.headersSent || response.destroyed) return
      response.shouldKeepAlive = shouldKeepAlive
      // Behind a pipelined request Node would put the head of the final response before it: it waits for its turn.
      if (response.socket === null) response.once('socket', invite)
      else invite()
    }
    const invite = () => {
      if (!response.headersSent && !response.destroyed) response.writeContinue()
    }
    request.on('newListener', onListener)
    server.emit('request', request, response)
  })
  // Any other expectation, which Node would answer with a bare 417: a request like all others, and refused as they are.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response)
  })
}
