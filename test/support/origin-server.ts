import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { once } from 'node:events'

export interface Seen {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingMessage['headers']
  /** Resolves with the whole body once it has arrived; rejects when the sender breaks off. */
  readonly body: Promise<Buffer>
}

export interface OriginServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly requests: readonly Seen[]
  /** Resolves when so many requests have arrived in all. */
  arrived(count: number): Promise<void>
  /** Bytes received on all sockets, before any parsing. */
  received(): Buffer
  readonly connections: number
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A real HTTP(S) server on loopback that writes down everything it is sent and answers as it is told. */
export async function startOriginServer(answer: Answer, tls?: { key: string; cert: string }): Promise<OriginServer> {
  const requests: Seen[] = []
  const bytes: Buffer[] = []
  const sockets = new Set<Duplex>()
  const listener: RequestListener = (request, response) => {
    const body = collect(request)
    body.catch(() => undefined)
    const { method = '', url: target = '', rawHeaders, headers } = request
    requests.push({ method, target, rawHeaders, headers, body })
    answer(request, response)
  }
  // The platform's own limits are not to be met here.
  const maxHeaderSize = 256 * 1024
  const server = tls ? createTlsServer({ ...tls, maxHeaderSize }, listener) : createServer({ maxHeaderSize }, listener)
  server.on('checkContinue', listener)
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket)
    socket.prependListener('data', (chunk: Buffer) => bytes.push(chunk))
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // `server.address()` of a listening TCP server is an AddressInfo.
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    async arrived(count) {
      while (requests.length < count) await once(server, 'request')
    },
    received: () => Buffer.concat(bytes),
    get connections() {
      return sockets.size
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      if (server.listening) await once(server, 'close')
    },
  }
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  // The stream of an IncomingMessage without an encoding yields Buffers.
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
