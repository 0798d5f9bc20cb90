import { getCACertificates } from 'node:tls'
import { buildConnector } from 'undici'
import { noProxyRule } from './no-proxy.ts'
import { openTunnel } from './tunnel.ts'

export interface ConnectorOptions {
  /** How long each step of connecting may take. */
  readonly timeoutMs: number
  /** Trusted beside Node's own store; PEM. */
  readonly ca?: string | undefined
  /** The company proxy through which https goes, and NO_PROXY: what goes directly all the same. */
  readonly proxy?: { readonly url: string; readonly except: string } | undefined
}

/** How connections to Cloudaware are made: certificates verified, HTTP/1.1, through the company's proxy where there is one. */
export function connectorFor({ timeoutMs, ca: further, proxy }: ConnectorOptions): buildConnector.connector {
  // `ca` replaces Node's list, so that has to be given too. It includes NODE_EXTRA_CA_CERTS.
  const ca = further === undefined ? undefined : [...getCACertificates('default'), further]
  const direct = buildConnector({
    timeout: timeoutMs,
    // undici offers HTTP/2 by default; the forwarder relies on HTTP/1.1's raw headers, order and case.
    allowH2: false,
    rejectUnauthorized: true,
    ...(ca && { ca }),
  })
  if (proxy === undefined) return direct
  const isDirect = noProxyRule(proxy.except)
  const tunnel = { proxy: new URL(proxy.url), timeoutMs, ca }
  return (options, callback) => {
    const { hostname, protocol } = options
    const port = Number(options.port || 443)
    // Without TLS there is only loopback.
    if (protocol !== 'https:' || isDirect(hostname, port)) {
      direct(options, callback)
      return
    }
    const host = hostname.includes(':') ? `[${hostname}]` : hostname
    openTunnel(`${host}:${port}`, tunnel).then(
      (httpSocket) => {
        direct({ ...options, httpSocket }, callback)
      },
      (error: unknown) => {
        callback(error as Error, null) // a TunnelError
      },
    )
  }
}
