import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { DrainingServer } from './draining-server.ts'
import type { DrainingServerOptions, TlsIdentity } from './draining-server.ts'
import { prepareSocket } from './unix-socket.ts'

/** What accepts connections and hands their requests on. */
export interface Listener {
  /** Stops accepting, tells callers to close, and resolves when the last connection is gone. */
  close(): Promise<void>
  /** Cuts every connection. */
  cut(): void
}

export interface TcpListener extends Listener {
  readonly port: number
  readonly addresses: readonly string[]
  /** Another certificate for the connections to come. */
  renew(identity: TlsIdentity): void
}

export interface ListenOptions extends DrainingServerOptions {
  /** A name or an address; `localhost` means both of its addresses, where the machine has both. */
  readonly host: string
  /** 0 = any free port, the same on every address. */
  readonly port: number
  /** Shares the port with other processes of this user that do so too (SO_REUSEPORT). Rejects with ENOTSUP where the system cannot. */
  readonly reusePort?: boolean
}

/** Opens one TCP server an address, all on one port. Rejects with the system's error (EADDRINUSE …) and leaves nothing open. */
export async function listen(options: ListenOptions): Promise<TcpListener> {
  const servers: DrainingServer[] = []
  const addresses: string[] = []
  const { reusePort = false } = options
  let { port } = options
  try {
    for (const address of await addressesOf(options.host)) {
      const server = new DrainingServer(options)
      try {
        port = await server.listen({ port, host: address, reusePort })
      } catch (error) {
        // Named in the hosts file, but the kernel has no IPv6.
        if (addresses.length > 0 && isAddressMissing(error)) continue
        throw error
      }
      servers.push(server)
      addresses.push(address)
    }
  } catch (error) {
    await Promise.all(servers.map((server) => server.close()))
    throw error
  }
  return {
    port,
    addresses,
    renew: (identity) => {
      for (const server of servers) server.renew(identity)
    },
    ...allOf(servers),
  }
}

/** How long a listener may take to accept a connection on the same machine. */
const ACCEPT_MS = 1000

/** Whether a process listens on the port already, at any of the addresses that `listen` would open. */
export async function isPortServed({ host, port }: Pick<ListenOptions, 'host' | 'port'>): Promise<boolean> {
  const served = (await addressesOf(host)).map((address) => isServed(address, port))
  return (await Promise.all(served)).includes(true)
}

function isServed(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port, timeout: ACCEPT_MS })
  const settle = (isServed: boolean) => () => {
    resolve(isServed)
    socket.destroy()
  }
  // A full queue of connections belongs to a listener too.
  socket.on('connect', settle(true)).on('timeout', settle(true)).on('error', settle(false))
  return promise
}

/** Opens a unix socket that its owner alone may use. Rejects with a SocketError. */
export async function listenOnSocket(path: string, options: DrainingServerOptions): Promise<Listener> {
  const place = await prepareSocket(path)
  const server = new DrainingServer(options)
  try {
    await server.listen({ path: place.listenPath })
    await place.publish()
  } catch (error) {
    await server.close()
    await place.remove()
    throw error
  }
  return {
    async close() {
      // First: nobody is to find a socket behind which nobody listens.
      await place.remove()
      await server.close()
    },
    cut: () => {
      server.cut()
    },
  }
}

/** Several as one. */
export function allOf(listeners: readonly Listener[]): Listener {
  return {
    async close() {
      await Promise.all(listeners.map((listener) => listener.close()))
    },
    cut() {
      for (const listener of listeners) listener.cut()
    },
  }
}

/** `localhost` is 127.0.0.1 and, where the machine has it, ::1: a client that tries either finds the proxy, and nobody else. */
async function addressesOf(host: string): Promise<readonly string[]> {
  if (host !== 'localhost') return [host]
  const found = await lookup(host, { all: true, family: 6 }).catch(() => [])
  return ['127.0.0.1', ...(found.some(({ address }) => address === '::1') ? ['::1'] : [])]
}

function isAddressMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT')
}
