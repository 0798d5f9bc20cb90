import { isReadMethod } from './effective-method.ts'
import { compilePattern } from './path-pattern.ts'
import type { Refusal } from './refusal.ts'
import { remembered } from '../remembered.ts'

/** Reads that the platform takes as POST, the query in the body. */
const READ_BY_POST = [
  ...['query', 'queryall', 'search', 'parameterizedsearch'].flatMap((resource) => [
    `/services/data/*/${resource}`,
    `/services/data/*/tooling/${resource}`,
  ]),
  // Bulk 2.0: creating a query job. Aborting or deleting one is a change to somebody's job.
  '/services/data/*/jobs/query',
  // sObject collections: POST with ids and fields on a type retrieves; creating has no type in its path.
  '/services/data/*/composite/sobjects/*',
].map(compilePattern)

/** GETs that act. */
const WRITE_BY_GET = [
  '/services/data/*/tooling/executeanonymous/**',
  '/services/data/*/tooling/runtestsasynchronous/**',
  '/services/data/*/tooling/runtestssynchronous/**',
  // Bayeux' callback-polling: messages in the query, which may be of any kind.
  '/cometd',
].map(compilePattern)

const actsByGet = remembered((policyPath) => WRITE_BY_GET.some((matches) => matches(policyPath)))

/**
 * PROXY_READ_ONLY for what the path tells: passes what can change nothing. The bodies of composite and SOAP requests are
 * judged where they are read, so those paths are not asked of this function.
 */
export function judgeReadOnly(method: string, policyPath: string): Refusal | undefined {
  const isRead = isReadMethod(method)
    ? !actsByGet(policyPath)
    : method === 'POST' && READ_BY_POST.some((matches) => matches(policyPath))
  return isRead ? undefined : readOnlyRefusal()
}

export function readOnlyRefusal(): Refusal {
  return {
    code: 'PROXY_METHOD_REFUSED',
    rule: 'PROXY_READ_ONLY',
    detail: 'It is read-only (PROXY_READ_ONLY=true), and this request could change something.',
  }
}
