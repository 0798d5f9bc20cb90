import type http from 'node:http'
import { createRequire } from 'node:module'

/**
 * Node's HTTP without the rest: an import from an ES module reads every name that `node:http` exports, and some of those (WebSocket,
 * MessageEvent) are read by loading Node's own undici, HTTP/2, worker threads and web streams: 7 MiB and 50 ms.
 */
export const { createServer, METHODS, request, STATUS_CODES } = createRequire(import.meta.url)(
  'node:http',
) as typeof http // what `require` answers is untyped
