import type { IncomingMessage } from 'node:http'
import { identifyCaller, type CallerKey } from './caller-key.ts'
import type { ProxyServer } from './server.ts'

/** The keys of callers, whose sessions take some 30 ms of another thread each to derive: they are, when a request needs one, or after the first. */
export interface CallerSessions {
  /** The keys that are good now; without sessions until these are derived. */
  readonly current: () => readonly CallerKey[]
  readonly areDerived: boolean
  deriveSessions(): Promise<void>
}

/** Handles a request at once where no session can matter; else when they are derived. */
export function withSessionsDue(
  handle: ProxyServer['handle'],
  sessions: CallerSessions | undefined,
): ProxyServer['handle'] {
  if (sessions === undefined) return handle
  return (request, response) => {
    if (sessions.areDerived) handle(request, response)
    else if (needsNone(request, sessions.current())) {
      // After its answer, for the start is over then; and not later, for asking this costs each request.
      response.on('close', () => void sessions.deriveSessions())
      handle(request, response)
    } else {
      void sessions.deriveSessions().then(() => {
        // The caller has left meanwhile, and no event would follow that ends the request.
        if (!response.destroyed) handle(request, response)
      })
    }
  }
}

/** What no path policy would read as another path than it looks like, and where nobody logs in. */
const DATA = /^\/services\/data(?:\/\w[\w.-]*)*\/?(?:\?|$)/

/** A key names the caller by itself, and no login is answered. */
function needsNone({ url = '', headers }: IncomingMessage, keys: readonly CallerKey[]): boolean {
  return DATA.test(url) && identifyCaller(keys, headers) !== undefined
}
