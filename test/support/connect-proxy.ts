import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type AddressInfo, type Socket } from 'node:net'

export interface ConnectProxy extends AsyncDisposable {
  readonly url: string
  /** The tunnels that were asked for, in order. */
  readonly asked: readonly { readonly authority: string; readonly headers: IncomingMessage['headers'] }[]
  /** Breaks every tunnel that is open. */
  cut(): void
}

interface ConnectProxyOptions {
  /** Where every tunnel ends, whatever its authority. */
  readonly port: number
  readonly tls?: { key: string; cert: string }
  /** What it answers instead of opening a tunnel; null is nothing at all. */
  readonly refuses?: string | null
}

/** A company's proxy, as far as CONNECT goes. */
export async function startConnectProxy({ port, tls, refuses }: ConnectProxyOptions): Promise<ConnectProxy> {
  const asked: { authority: string; headers: IncomingMessage['headers'] }[] = []
  const sockets = new Set<Socket>()
  const server = tls ? createTlsServer(tls) : createServer()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }
  server.on('connection', keep)
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    keep(client)
    asked.push({ authority: request.url ?? '', headers: request.headers })
    if (refuses === null) return
    if (refuses !== undefined) {
      client.end(`HTTP/1.1 ${refuses}\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    const origin = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(origin).pipe(client)
    })
    keep(origin)
    client.once('close', () => origin.destroy())
    origin.once('close', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an AddressInfo.
  const address = server.address() as AddressInfo
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    asked,
    cut,
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
