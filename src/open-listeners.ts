import type { Settings } from './config.ts'
import type { HttpsIdentity } from './https-identity.ts'
import { listenerLimits } from './server/listener-limits.ts'
import { listen, type TcpListener } from './server/listeners.ts'
import { openProxyListeners, type ProxyListeners } from './server/proxy-listeners.ts'
import type { ProxyServer } from './server/server.ts'

export interface Listeners {
  readonly proxy: ProxyListeners
  readonly admin: TcpListener | undefined
}

export interface Served {
  readonly proxyServer: ProxyServer
  readonly adminServer: ProxyServer
  readonly https: HttpsIdentity | undefined
}

/** Opens what the settings ask for, or nothing. Rejects with what stood in the way. */
export async function openListeners(
  settings: Settings,
  { proxyServer, adminServer, https }: Served,
): Promise<Listeners> {
  const limits = listenerLimits(settings.UPSTREAM_TIMEOUT_MS)
  const proxy = await openProxyListeners({
    host: settings.PROXY_HOST,
    port: settings.PROXY_PORT,
    tls: https && { port: settings.PROXY_TLS_PORT ?? 0, identity: https.certificate.identity },
    socketPath: settings.PROXY_SOCKET,
    limits,
    handle: proxyServer.handle,
  })
  https?.certificate.onRenewal((identity) => proxy.secure?.renew(identity))
  if (settings.ADMIN_PORT === 'off') return { proxy, admin: undefined }
  try {
    const admin = await listen({
      host: settings.ADMIN_HOST,
      port: settings.ADMIN_PORT,
      limits,
      handle: adminServer.handle,
    })
    return { proxy, admin }
  } catch (error) {
    await proxy.close()
    throw error
  }
}

/** An address as people type it; IPv6 in brackets, and a wildcard as the loopback name it includes. */
export function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}
