import type { ServerOptions } from 'node:http'
import type { TlsOptions } from 'node:tls'

/** What keeps one caller from starving the others. For node:http and node:https alike. */
export interface ListenerLimits {
  /** For `createServer`. */
  readonly http: ServerOptions
  /** For `createServer` of node:https, beside those above. */
  readonly tls: TlsOptions
  /** To be set on the server by guardConnections: createServer does not take it. */
  readonly socketTimeoutMs: number
}

/** `quietMs`: the longest times for which a caller may have to wait, or an upload may pause; 0 is any time. */
export function listenerLimits(quietMs: readonly number[]): ListenerLimits {
  return {
    http: {
      // A head that drips is slowloris; a local caller sends it in one packet.
      headersTimeout: 10_000,
      // How often Node looks for those: its default of 30 s would make the 10 s above 40.
      connectionsCheckingInterval: 2_000,
      // An upload may take as long as it keeps moving: see body-pace.ts.
      requestTimeout: 0,
      // Longer than the 60 s after which most clients drop an idle connection, so that it is they who close it.
      keepAliveTimeout: 72_000,
      // The platform takes 16,384 bytes of URI and headers; cookies and client headers that we drop come on top.
      maxHeaderSize: 32 * 1024,
      // The strict parser: no CL with TE, no bare LF, no space before a colon.
      insecureHTTPParser: false,
      // Node would answer by itself, without a word: the admission does it.
      requireHostHeader: false,
      // Duplicates of single-valued fields are dropped, never joined into a value that nobody sent.
      joinDuplicateHeaders: false,
      noDelay: true,
      // A request without a body needs no stream that tells of its end.
      optimizeEmptyRequests: true,
      // Fastify listens for upgrades on the second address of localhost, and would leave those sockets without an answer.
      shouldUpgradeCallback: () => false,
    },
    tls: {
      // The limits above begin to count after the handshake.
      handshakeTimeout: 10_000,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
    },
    // A socket on which nothing moves either way is closed, well after the upstream had to answer.
    socketTimeoutMs: quietMs.includes(0) ? 0 : Math.max(...quietMs) + 60_000,
  }
}
