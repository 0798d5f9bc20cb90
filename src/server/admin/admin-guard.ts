import type { IncomingMessage } from 'node:http'
import type { onRequestHookHandler } from 'fastify'
import { createAdmission } from '../admission.ts'
import { isAddress } from '../host-policy.ts'
import { toProxyError } from '../refusal.ts'

/** What a probe or a scraper asks, which knows the address of a pod and no name. */
const OPEN_TO_ANY_ADDRESS = new Set(['/livez', '/readyz', '/startupz', '/metrics'])

/** Host and Origin rules of the admin listener: a page in a browser, or a rebound name, may not reach status or controls. */
export function createAdminGuard(allowedHosts: readonly string[]): onRequestHookHandler {
  const admit = createAdmission({ allowedHosts, allowedOrigins: [], callerKeys: undefined })
  return (request, _reply, done) => {
    const isProbe = OPEN_TO_ANY_ADDRESS.has(request.url) && isNoPage(request.raw)
    const admitted = isProbe ? undefined : admit(request.raw)
    done(admitted && 'refusal' in admitted ? toProxyError(admitted.refusal) : undefined)
  }
}

/** The Host of a rebound page is the name that was rebound: never an address, and never missing as in checks by HTTP/1.0. */
function isNoPage({ headers: { host, origin } }: IncomingMessage): boolean {
  return origin === undefined && (host === undefined || isAddress(host))
}
