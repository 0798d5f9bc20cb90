import type { IncomingMessage } from 'node:http'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { createAdmission } from '../admission.ts'
import { createHostPolicy, isAddress } from '../host-policy.ts'
import { toProxyError } from '../refusal.ts'

/** What a probe or a scraper asks, which knows the address of a pod and no name. */
const OPEN_TO_ANY_ADDRESS = new Set(['/livez', '/readyz', '/startupz', '/metrics'])

/** Host and Origin rules of the admin listener: a page in a browser, or a rebound name, may not reach status or controls. */
export function createAdminGuard(allowedHosts: readonly string[]): onRequestHookHandler {
  const admit = createAdmission({ allowedHosts, allowedOrigins: [], callerKeys: undefined })
  const judgeHost = createHostPolicy({ allowedHosts })
  return (request, _reply, done) => {
    if (isVisit(request)) {
      const refusal = judgeHost(hostsOf(request.raw))
      done(refusal && toProxyError(refusal))
      return
    }
    const isProbe = OPEN_TO_ANY_ADDRESS.has(request.url) && isNoPage(request.raw)
    const admitted = isProbe ? undefined : admit(request.raw)
    done(admitted && 'refusal' in admitted ? toProxyError(admitted.refusal) : undefined)
  }
}

/** The Host of a rebound page is the name that was rebound: never an address, and never missing as in checks by HTTP/1.0. */
function isNoPage({ httpVersion, headers: { host, origin } }: IncomingMessage): boolean {
  return origin === undefined && (host === undefined ? httpVersion === '1.0' : isAddress(host))
}

/** A link elsewhere that somebody followed to the status page: its document is the same for everybody, and may be in no frame. */
function isVisit({ method, url, headers }: FastifyRequest): boolean {
  return method === 'GET' && url === '/' && headers['sec-fetch-dest'] === 'document' && headers.origin === undefined
}

/** As sent: Node's `headers` keeps the first of several. */
function hostsOf({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_value, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'host')
}
