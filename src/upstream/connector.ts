import type { SecureContext } from 'node:tls'
import { buildConnector } from 'undici'
import { noProxyRule } from './no-proxy.ts'
import { withAdaptedParser } from './response-parser.ts'
import { openTunnel } from './tunnel.ts'

export interface ConnectorOptions {
  /** How long each step of connecting may take. */
  readonly timeoutMs: number
  /** Made by `trusting`; undefined is Node's own store. */
  readonly secureContext?: SecureContext | undefined
  /** The company proxy through which https goes, and NO_PROXY: what goes directly all the same. */
  readonly proxy?: { readonly url: string; readonly except: string } | undefined
}

/** How connections to Cloudaware are made: certificates verified, HTTP/1.1, through the company's proxy where there is one. */
export function connectorFor({ timeoutMs, secureContext, proxy }: ConnectorOptions): buildConnector.connector {
  const direct = withAdaptedParser(
    buildConnector({
      timeout: timeoutMs,
      // undici offers HTTP/2 by default; the forwarder relies on HTTP/1.1's raw headers, order and case.
      allowH2: false,
      rejectUnauthorized: true,
      ...(secureContext && { secureContext }),
    }),
  )
  if (proxy === undefined) return direct
  const isDirect = noProxyRule(proxy.except)
  const tunnel = { proxy: new URL(proxy.url), timeoutMs, secureContext }
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
