import type { DrainingServerOptions, TlsIdentity } from './draining-server.ts'
import { allOf, listen, listenOnSocket } from './listeners.ts'
import type { Listener, TcpListener } from './listeners.ts'

export interface ProxyListenersOptions extends Omit<DrainingServerOptions, 'identity' | 'otherScheme'> {
  readonly host: string
  readonly port: number
  /** The https listener on the same host. */
  readonly tls: { readonly port: number; readonly identity: TlsIdentity } | undefined
  /** Of the ports. */
  readonly reusePort: boolean
  /** The path of a unix socket. */
  readonly socket: string | undefined
}

export interface ProxyListeners extends Listener {
  readonly plain: TcpListener
  readonly secure: TcpListener | undefined
}

/** Opens every way in to the proxy, or none. Rejects with what stood in the way of the first that could not be opened. */
export async function openProxyListeners(options: ProxyListenersOptions): Promise<ProxyListeners> {
  const { host, port, reusePort, tls, socket, limits, handle, connections, onRejected } = options
  const open: Listener[] = []
  const ports: { plain?: number; secure?: number } = {}
  const otherScheme = () =>
    ports.secure === undefined
      ? 'use http://, or set PROXY_TLS_PORT for https://.'
      : `use http://, or https:// on port ${ports.secure} (PROXY_TLS_PORT).`
  const server = { limits, handle, connections, onRejected, otherScheme }
  try {
    const plain = await listen({ ...server, host, port, reusePort })
    open.push(plain)
    ports.plain = plain.port
    const secured = {
      ...server,
      otherScheme: () => `use https://, or http:// on port ${String(ports.plain)} (PROXY_PORT).`,
    }
    const secure = tls && (await listen({ ...secured, host, port: tls.port, reusePort, identity: tls.identity }))
    if (secure) {
      open.push(secure)
      ports.secure = secure.port
    }
    if (socket !== undefined) open.push(await listenOnSocket(socket, server))
    return { plain, secure, ...allOf(open) }
  } catch (error) {
    await allOf(open).close()
    throw error
  }
}
