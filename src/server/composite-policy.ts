import { referencesOf } from './composite-references.ts'
import type { References } from './composite-references.ts'
import { effectiveMethods } from './effective-method.ts'
import { hasManyFields, MAX_FIELDS } from '../form-fields.ts'
import { isTooDeep, MAX_JSON_DEPTH } from '../json-depth.ts'
import { hasRepeatedMember, isJsonObject, member } from './json-members.ts'
import type { JsonObject } from './json-members.ts'
import { compilePattern } from './path-pattern.ts'
import { unreadable } from './judged-body.ts'
import type { Refusal } from './refusal.ts'
import { parseTarget } from './request-target.ts'

/** The policy that a sub-request is judged by: one effective method on one policy path, with its query (`?` included, or empty) and its body. */
export type Judge = (method: string, policyPath: string, search: string, body?: unknown) => Refusal | undefined

const ROOMS = ['/services/data/*', '/services/data/*/tooling']
const COMPOSITE = [
  ...ROOMS.map((room) => `${room}/composite/**`),
  // Connect REST's batch takes every resource, as that of the REST API does (jsforce's `chatter.batch()` is one); the UI API's takes its own.
  '/services/data/*/connect/batch/**',
  '/services/data/*/connect/communities/*/batch/**',
  '/services/data/*/ui-api/aggregate-ui/**',
].map(compilePattern)
/** Below /composite, but carrying records, not requests. */
const RECORDS = ROOMS.flatMap((room) => [`${room}/composite/sobjects/**`, `${room}/composite/tree/**`]).map(
  compilePattern,
)

/** Twice what the platform takes of the largest kind, a graph. */
const MAX_SUB_REQUESTS = 1000

/** A cheap look first. */
const MAY_CARRY = /\/(?:composite|batch|aggregate-ui)(?:\/|$)/

/** Whether a POST to this policy path carries requests of its own, to be judged by {@link judgeComposite}. */
export function carriesRequests(policyPath: string): boolean {
  if (!MAY_CARRY.test(policyPath)) return false
  return COMPOSITE.some((matches) => matches(policyPath)) && !RECORDS.some((matches) => matches(policyPath))
}

/** Judges every sub-request of a composite, batch or graph body. One refused refuses all, and so does what cannot be read. */
export function judgeComposite(body: Buffer, judge: Judge): Refusal | undefined {
  const root = parsed(body)
  if (typeof root === 'string') return unreadable(root)
  const requests = subRequests(root)
  if (requests === undefined) return unreadable('Its body lists no sub-requests.')
  if (requests.length > MAX_SUB_REQUESTS) {
    return unreadable(`Its body lists ${requests.length} sub-requests, and the limit is ${MAX_SUB_REQUESTS}.`)
  }
  const references = referencesOf(requests)
  for (const request of requests) {
    const refusal = judgeSubRequest(request, references, judge)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function judgeSubRequest(request: unknown, references: References, judge: Judge): Refusal | undefined {
  if (!isJsonObject(request)) return unreadable('A sub-request is no object.')
  const method = member(request, 'method')
  const url = member(request, 'url')
  if (typeof method !== 'string' || typeof url !== 'string') return unreadable('A sub-request has no method or url.')
  // The query is free text here: JSON carries what a request line would have to encode.
  const [path = '', ...rest] = absolute(url).split('?')
  const target = parseTarget(path)
  if ('problem' in target) return unreadable(`A sub-request: ${target.problem}`)
  if (!references.mayStandIn(path)) {
    return unreadable('A sub-request puts a reference where it could change which resource is meant.')
  }
  if (carriesRequests(target.policyPath)) return unreadable('A composite inside a composite is not passed on.')
  const headers = member(request, 'httpheaders')
  // `richInput` is what a batch calls it.
  const body = [member(request, 'body'), member(request, 'richinput')]
  if (rest.length > 0 && hasManyFields(rest.join('?'))) {
    return unreadable(`The query of a sub-request has more than ${MAX_FIELDS} parameters.`)
  }
  const query = rest.length === 0 ? '' : references.atWorst(`?${rest.join('?')}`, target.policyPath)
  for (const effective of effectiveMethods(plainMethod(method), query, isJsonObject(headers) ? strings(headers) : {})) {
    const refusal = judge(effective, target.policyPath, query, body)
    if (refusal !== undefined) return { ...refusal, detail: `A sub-request of the composite: ${refusal.detail}` }
  }
  return undefined
}

/** Connect REST calls them `Get` or `HttpGet`. */
function plainMethod(method: string): string {
  return method.replace(/^http(?=[a-z])/i, '')
}

/** Batch URLs may begin with the version, with a slash before it or without. */
function absolute(url: string): string {
  if (/^\/?v\d/i.test(url)) return `/services/data/${url.startsWith('/') ? url.slice(1) : url}`
  return url.startsWith('services/') ? `/${url}` : url
}

/** The object, or why it cannot be judged. */
function parsed(body: Buffer): JsonObject | string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    if (isTooDeep(text)) return `Its body nests arrays and objects more than ${MAX_JSON_DEPTH} levels deep.`
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) && !hasRepeatedMember(text) ? value : NOT_PLAIN
  } catch {
    return NOT_PLAIN
  }
}

const NOT_PLAIN = 'Its body is not plain JSON in UTF-8 with each member named once.'

/** compositeRequest (composite), batchRequests (batch) or graphs[].compositeRequest; all that are there. */
function subRequests(root: JsonObject): readonly unknown[] | undefined {
  const graphs = member(root, 'graphs')
  const lists = [
    member(root, 'compositerequest'),
    member(root, 'batchrequests'),
    ...(Array.isArray(graphs)
      ? graphs.map((graph) => (isJsonObject(graph) ? member(graph, 'compositerequest') : null))
      : []),
  ].filter((list) => list !== undefined)
  return lists.length > 0 && lists.every(Array.isArray) ? lists.flat(1) : undefined
}

function strings(fields: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), String(value)]))
}
