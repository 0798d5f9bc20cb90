import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { guardConnections } from './connection-guard.ts'
import type { ListenerLimits } from './listener-limits.ts'

export interface ListenOptions {
  /** A name or an address; `localhost` means both of its addresses, where the machine has both. */
  readonly host: string
  /** 0 = any free port, the same on every address. */
  readonly port: number
  readonly limits: ListenerLimits
  readonly handle: RequestListener
}

export interface Listener {
  readonly port: number
  readonly addresses: readonly string[]
  /** Stops accepting, tells callers to close, and resolves when the last connection is gone. */
  close(): Promise<void>
  /** Cuts every connection. */
  cut(): void
}

/** Opens one TCP server an address, all on one port. Rejects with the system's error (EADDRINUSE …) and leaves nothing open. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const servers: DrainingServer[] = []
  const addresses: string[] = []
  let { port } = options
  try {
    for (const address of await addressesOf(options.host)) {
      const server = new DrainingServer(options)
      try {
        port = await server.listen(port, address)
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
    close: async () => {
      await Promise.all(servers.map((server) => server.close()))
    },
    cut: () => {
      for (const server of servers) server.cut()
    },
  }
}

/** A node server that, once closing, keeps no connection alive beyond the answer it is giving. */
class DrainingServer {
  readonly #server: Server
  readonly #open = new Set<ServerResponse>()
  #closed: Promise<void> | undefined

  constructor({ limits, handle }: ListenOptions) {
    this.#server = createServer(limits.http, (request, response) => {
      this.#open.add(response)
      if (this.#closed) response.shouldKeepAlive = false
      response.once('close', () => {
        this.#open.delete(response)
        if (this.#closed) this.#server.closeIdleConnections()
      })
      handle(request, response)
    })
    guardConnections(this.#server, limits)
  }

  async listen(port: number, host: string): Promise<number> {
    this.#server.listen(port, host)
    await once(this.#server, 'listening')
    // A TCP server that listens has an AddressInfo.
    return (this.#server.address() as AddressInfo).port
  }

  close(): Promise<void> {
    if (this.#closed) return this.#closed
    for (const response of this.#open) {
      if (!response.headersSent) response.shouldKeepAlive = false
    }
    this.#closed = new Promise((resolve) => {
      // Its only error is that the server does not listen: closed is closed.
      this.#server.close(() => {
        resolve()
      })
    })
    return this.#closed
  }

  cut(): void {
    this.#server.closeAllConnections()
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
