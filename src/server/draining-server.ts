import type { RequestListener, Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { once } from 'node:events'
import type { ListenOptions as Place, Socket } from 'node:net'
import { createServer } from '../node-http.ts'
import { guardConnections, type ConnectionGuardOptions } from './connection-guard.ts'
import type { ConnectionLimit } from './connection-limit.ts'
import { inviteBodiesWhenRead } from './expect-continue.ts'
import type { ListenerLimits } from './listener-limits.ts'
import { OpenExchanges } from './open-exchanges.ts'

/** A certificate chain and its private key, PEM. */
export interface TlsIdentity {
  readonly cert: string
  readonly key: string
}

export interface DrainingServerOptions extends Pick<ConnectionGuardOptions, 'otherScheme' | 'onRejected'> {
  readonly limits: ListenerLimits
  readonly handle: RequestListener
  /** Shared by all listeners that have the limit in common. */
  readonly connections: ConnectionLimit
  /** Makes it an https server. */
  readonly identity?: TlsIdentity | undefined
}

/** A node server that, once closing, keeps no connection alive beyond the answer it is giving. */
export class DrainingServer {
  readonly #server: Server | TlsServer
  readonly #connections: ConnectionLimit
  readonly #open = new OpenExchanges(({ connection }) => {
    this.#connections.end(connection)
    if (this.#closed) this.#server.closeIdleConnections()
  })
  /** Of an https server: connections that have not finished their handshake, which node itself keeps no account of. */
  readonly #shaking = new Map<string, Socket>()
  #closed: Promise<void> | undefined

  constructor({ limits, handle, identity, connections, otherScheme, onRejected }: DrainingServerOptions) {
    this.#connections = connections
    const listener: RequestListener = (request, response) => {
      // Not by a listener of its own, for which Node would copy the list of them at each request.
      this.#open.add(request, response, connections.begin(request.socket))
      if (this.#closed) this.#endBehind(request.socket)
      handle(request, response)
    }
    this.#server =
      identity === undefined
        ? createServer(limits.http, listener)
        : createTlsServer({ ...limits.http, ...limits.tls, ...identity }, listener)
    this.#server.on('connection', (socket: Socket) => {
      connections.add(socket)
    })
    if (identity !== undefined) this.#followHandshakes()
    guardConnections(this.#server, { limits, open: this.#open, otherScheme, onRejected })
    inviteBodiesWhenRead(this.#server)
  }

  /** Resolves to the port, 0 for a unix socket. */
  async listen(place: Place): Promise<number> {
    this.#server.listen(place)
    await once(this.#server, 'listening')
    // Of accept(2): without a listener it would end the process.
    this.#server.on('error', (error: NodeJS.ErrnoException) => {
      this.#connections.acceptFailed(error.code ?? error.name)
    })
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Connections from now on see the new certificate; those that are open keep theirs. */
  renew(identity: TlsIdentity): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext({ ...identity })
  }

  close(): Promise<void> {
    if (this.#closed) return this.#closed
    for (const socket of new Set(Array.from(this.#open, ({ request }) => request.socket))) this.#endBehind(socket)
    this.#dropHandshakes()
    this.#closed = new Promise((resolve) => {
      // Its only error is that the server does not listen: closed is closed.
      this.#server.close(() => {
        resolve()
      })
    })
    return this.#closed
  }

  /** The connection ends with its last response: the requests that were pipelined before that are answered as well. */
  #endBehind(socket: Socket): void {
    const exchanges = this.#open.on(socket)
    for (const [index, { response }] of exchanges.entries()) {
      if (!response.headersSent) response.shouldKeepAlive = index < exchanges.length - 1
    }
  }

  cut(): void {
    this.#server.closeAllConnections()
    this.#dropHandshakes()
  }

  #followHandshakes(): void {
    // The two events carry different sockets of one connection.
    const nameOf = ({ remoteAddress, remotePort }: Socket) => `${String(remoteAddress)} ${String(remotePort)}`
    this.#server.on('connection', (socket: Socket) => {
      const name = nameOf(socket)
      this.#shaking.set(name, socket)
      socket.once('close', () => {
        if (this.#shaking.get(name) === socket) this.#shaking.delete(name)
      })
    })
    this.#server.on('secureConnection', (socket: Socket) => {
      const name = nameOf(socket)
      const transport = this.#shaking.get(name)
      if (transport !== undefined) this.#connections.secured(transport, socket)
      this.#shaking.delete(name)
      // As node:http has it. As an option of the server it would keep connections that end within their handshake.
      socket.allowHalfOpen = true
    })
  }

  #dropHandshakes(): void {
    for (const socket of this.#shaking.values()) socket.destroy()
  }
}
