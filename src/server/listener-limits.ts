import type { ServerOptions } from 'node:http'

/** Options for Fastify and its node:http server that keep one caller from starving the others. */
export interface ListenerLimits {
  readonly http: ServerOptions
  readonly keepAliveTimeout: number
  readonly requestTimeout: number
  readonly connectionTimeout: number
  /** To be set on the server itself: node:http takes it as a property only. */
  readonly maxConnections: number
}

/** `upstreamTimeoutMs` is the longest that a caller may have to wait in silence. */
export function listenerLimits(upstreamTimeoutMs: number): ListenerLimits {
  return {
    http: {
      // A head that drips is slowloris; a local caller sends it in one packet.
      headersTimeout: 10_000,
      // How often Node looks for those: the default of 30 s would make the 10 s above 40.
      connectionsCheckingInterval: 2_000,
      // The platform takes 16,384 bytes of URI and headers; cookies and client headers that we drop come on top.
      maxHeaderSize: 32 * 1024,
      // The strict parser: no CL with TE, no bare LF, no space before a colon.
      insecureHTTPParser: false,
      // Without it Node answers HTTP/1.1 requests that name no host.
      requireHostHeader: true,
      // Duplicates of single-valued fields are dropped, never joined into a value that nobody sent.
      joinDuplicateHeaders: false,
      noDelay: true,
    },
    // Longer than the 60 s that load balancers and clients assume, so that it is they who close idle connections.
    keepAliveTimeout: 72_000,
    // An upload may take as long as it keeps moving …
    requestTimeout: 0,
    // … but a socket on which nothing moves either way is closed, well after the upstream had to answer.
    connectionTimeout: upstreamTimeoutMs + 60_000,
    maxConnections: 4_096,
  }
}
