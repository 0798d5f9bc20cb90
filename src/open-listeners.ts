import type { Settings } from './config.ts'
import type { DrainingServerOptions, TlsIdentity } from './server/draining-server.ts'
import { listenerLimits } from './server/listener-limits.ts'
import { isPortServed, listen, type TcpListener } from './server/listeners.ts'
import { openProxyListeners, type ProxyListeners } from './server/proxy-listeners.ts'

type Serving = Pick<DrainingServerOptions, 'handle' | 'connections' | 'onRejected'>

/** Opens the ways in to the proxy that the settings ask for, or none. Rejects with what stood in the way. */
export function openFrontListeners(
  settings: Settings,
  { identity, ...server }: Serving & { identity: TlsIdentity | undefined },
): Promise<ProxyListeners> {
  return openProxyListeners({
    host: settings.PROXY_HOST,
    port: settings.PROXY_PORT,
    reusePort: settings.PROXY_REUSE_PORT,
    tls: identity && { port: settings.PROXY_TLS_PORT ?? 0, identity },
    socket: settings.PROXY_SOCKET,
    limits: listenerLimits([settings.UPSTREAM_TIMEOUT_MS, settings.PROXY_UPLOAD_SILENCE_MS]),
    ...server,
  })
}

/** Which of the proxy's ports other processes listen on already. */
export async function portsServedByOthers({
  PROXY_HOST: host,
  PROXY_PORT,
  PROXY_TLS_PORT,
}: Settings): Promise<number[]> {
  const ports = [PROXY_PORT, PROXY_TLS_PORT].filter((port) => port !== undefined)
  const served = await Promise.all(ports.map((port) => isPortServed({ host, port })))
  return ports.filter((_, at) => served[at])
}

/** Undefined where ADMIN_PORT turns it off. */
export async function openAdminListener(settings: Settings, server: Serving): Promise<TcpListener | undefined> {
  if (settings.ADMIN_PORT === 'off') return undefined
  return listen({
    host: settings.ADMIN_HOST,
    port: settings.ADMIN_PORT,
    limits: listenerLimits([settings.UPSTREAM_TIMEOUT_MS]),
    otherScheme: () => 'the admin listener has no other; use http://.',
    ...server,
  })
}

/** An address as people type it; IPv6 in brackets, and a wildcard as the loopback name it includes. */
export function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}
