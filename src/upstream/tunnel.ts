import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { request as httpRequest } from '../node-http.ts'

/** A company proxy did not give the tunnel that was asked for. `code` is `HTTPS_PROXY_407` and the like where it answered, else `HTTPS_PROXY_` and the network's own code. */
export class TunnelError extends Error {
  readonly code: string

  constructor(reason: string, cause?: unknown) {
    super(`The proxy of HTTPS_PROXY gives no tunnel (${reason}).`, { cause })
    this.name = 'TunnelError'
    this.code = `HTTPS_PROXY_${reason}`
  }
}

export interface TunnelOptions {
  /** http or https, with user name and password where the proxy wants them. */
  readonly proxy: URL
  /** How long each step of opening it may take. */
  readonly timeoutMs: number
  /** What is trusted where the proxy itself speaks TLS. Undefined is Node's own store. */
  readonly secureContext: SecureContext | undefined
}

/** Asks the proxy for a tunnel to `authority` (RFC 9110 §9.3.6). Rejects with a TunnelError. */
export function openTunnel(authority: string, { proxy, timeoutMs, secureContext }: TunnelOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options = {
      host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
      // Empty is the scheme's own.
      port: proxy.port,
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...credentials(proxy) },
      agent: false,
      timeout: timeoutMs,
    }
    const request =
      proxy.protocol === 'https:'
        ? httpsRequest({ ...options, ...(secureContext && { secureContext }), rejectUnauthorized: true })
        : httpRequest(options)
    request.once('connect', (response: IncomingMessage, socket: Socket, head: Buffer) => {
      // It was there for the request alone.
      socket.setTimeout(0)
      // RFC 9110 §9.3.6: any 2xx opens it.
      if (String(response.statusCode).startsWith('2')) {
        if (head.length > 0) socket.unshift(head)
        resolve(socket)
      } else {
        socket.destroy()
        reject(new TunnelError(String(response.statusCode)))
      }
    })
    request.once('timeout', () => request.destroy(new TunnelError('TIMEOUT')))
    request.on('error', (error: NodeJS.ErrnoException) => {
      reject(error instanceof TunnelError ? error : new TunnelError(String(error.code), error))
    })
    request.end()
  })
}

function credentials({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}
