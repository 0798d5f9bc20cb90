import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface FaultServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Requests whose head has arrived, on whatever connection. */
  readonly requests: number
  /** Connections accepted so far. */
  readonly connections: number
  /** Resolves once a connection has ended that carried a request. */
  closed(): Promise<void>
}

/** Plays the part of the upstream on a bare socket. `nth` counts the requests of this connection from 1. */
export type Play = (socket: Socket, nth: number) => void

interface FaultServerOptions {
  readonly onRequest?: Play
  /** Instead of waiting for a request. */
  readonly onConnection?: (socket: Socket) => void
}

/** A server that may do anything that bytes and sockets allow. */
export async function startFaultServer({ onRequest, onConnection }: FaultServerOptions): Promise<FaultServer> {
  const sockets = new Set<Socket>()
  let requests = 0
  let ended = Promise.withResolvers<undefined>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('end', () => socket.end())
    socket.once('close', () => {
      ended.resolve(undefined)
      ended = Promise.withResolvers()
    })
    if (onConnection) {
      onConnection(socket)
      return
    }
    let nth = 0
    let seen = ''
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1')
      // Bodies here are short and hold no empty line: a request is there with its head and what Content-Length says.
      for (;;) {
        const end = seen.indexOf('\r\n\r\n')
        const length = Number(/^content-length: *(\d+)/im.exec(seen.slice(0, end))?.[1] ?? 0)
        if (end === -1 || seen.length < end + 4 + length) return
        seen = seen.slice(end + 4 + length)
        requests += 1
        nth += 1
        onRequest?.(socket, nth)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get requests() {
      return requests
    },
    get connections() {
      return sockets.size
    },
    async closed() {
      await ended.promise
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Stands before a real server and ends the connection after exactly so many bytes of its answers; null lets all through. */
export async function startCuttingProxy(port: number) {
  const cut: { after: number | null; how: 'reset' | 'close' } = { after: null, how: 'reset' }
  const sockets = new Set<Socket>()
  let answer = Buffer.alloc(0)
  const server = createServer((client) => {
    const origin = connect(port, '127.0.0.1')
    for (const socket of [client, origin]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.pipe(origin)
    client.once('close', () => origin.destroy())
    let passed = 0
    origin.on('data', (chunk: Buffer) => {
      answer = Buffer.concat(passed === 0 ? [chunk] : [answer, chunk])
      const left = cut.after === null ? Infinity : cut.after - passed
      passed += chunk.length
      if (chunk.length < left) client.write(chunk)
      else {
        origin.destroy()
        client.write(chunk.subarray(0, left), () => (cut.how === 'reset' ? client.resetAndDestroy() : client.end()))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an AddressInfo.
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut,
    /** The bytes of the only answer that the last connection carried: of its head, and of all. */
    lastAnswer: () => ({ head: answer.indexOf('\r\n\r\n') + 4, total: answer.length }),
    /** Ends every connection, politely. */
    end() {
      for (const socket of sockets) socket.end()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
