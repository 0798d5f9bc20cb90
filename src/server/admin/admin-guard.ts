import type { onRequestHookHandler } from 'fastify'
import { createAdmission } from '../admission.ts'
import { toProxyError } from '../refusal.ts'

/** What a probe or a scraper asks by the address of a pod, and what tells nothing that a stranger could use. */
const OPEN_TO_ANY_HOST = new Set(['/livez', '/readyz', '/startupz', '/metrics'])

/** Host and Origin rules of the admin listener: a page in a browser, or a rebound name, may not reach status or controls. */
export function createAdminGuard(allowedHosts: readonly string[]): onRequestHookHandler {
  const admit = createAdmission({ allowedHosts, allowedOrigins: [], callerKeys: undefined })
  return (request, _reply, done) => {
    const admitted = OPEN_TO_ANY_HOST.has(request.url) ? undefined : admit(request.raw)
    done(admitted && 'refusal' in admitted ? toProxyError(admitted.refusal) : undefined)
  }
}
