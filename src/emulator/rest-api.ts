import { json, type Answer } from './answer.ts'
import { answerToError, apiError, methodNotAllowed, notFound } from './api-error.ts'
import type { ApiCall, Call } from './call.ts'
import type { Org } from './org.ts'
import { bulkIngest } from './bulk-ingest.ts'
import { bulkQuery } from './bulk-query.ts'
import { compositeApi } from './composite.ts'
import { parameterizedSearch, searchApi } from './search-api.ts'
import { queryApi } from './query-api.ts'
import { sobjectsApi } from './sobjects-api.ts'
import { limits, resources, VERSIONS } from './versions.ts'

type Route = (org: Org, call: ApiCall) => Answer

const ROUTES: Record<string, Route> = {
  limits: (org) => json(200, limits(org.state)),
  sobjects: sobjectsApi,
  query: queryApi,
  queryall: queryApi,
  search: searchApi,
  parameterizedsearch: parameterizedSearch,
  composite: (org, call) => compositeApi(org, call, (_, part) => restApi(org, part, call.session)),
  jobs: jobsApi,
  recent: () => json(200, []),
  tabs: () => json(200, []),
  theme: () => json(200, { themeItems: [] }),
  graphql: () => apiError(501, 'NOT_IMPLEMENTED', 'The emulator does not speak GraphQL'),
  tooling: () => apiError(501, 'NOT_IMPLEMENTED', 'The emulator has no Tooling API'),
  wave: () => apiError(501, 'NOT_IMPLEMENTED', 'The emulator has no Analytics API'),
}

const READ_ONLY = ['limits', 'query', 'queryall', 'search', 'recent', 'tabs', 'theme']

const isRead = (method: string) => method === 'GET' || method === 'HEAD'

/** `GET /services/data`: open to all, and free of charge. */
export function versionList(call: Call): Answer {
  return isRead(call.method) ? json(200, VERSIONS) : answerToError(methodNotAllowed(call.method, 'GET,HEAD'))
}

/** The call as the API sees it; undefined for a path that names no version it has. */
export function apiCall(call: Call, session: string): ApiCall | undefined {
  const match = /^\/services\/data\/v(\d+\.0)(\/.*)?$/.exec(call.path)
  const version = match?.[1]
  if (version === undefined || !VERSIONS.some((known) => known.version === version)) return undefined
  const segments = (match?.[2] ?? '').split('/').filter(Boolean).map(decoded)
  // Clients behind proxies that know GET and POST only say the method in the query.
  const method = call.method === 'POST' ? (call.query.get('_HttpMethod') ?? 'POST') : call.method
  return { ...call, method, version, segments, session }
}

/** Answers one call below `/services/data/vNN.0`; whatever a route throws becomes its answer. */
export function restApi(org: Org, call: Call, session: string): Answer {
  const versioned = apiCall(call, session)
  if (versioned === undefined) return answerToError(notFound())
  try {
    const [resource] = versioned.segments
    if (resource === undefined) return json(200, resources(versioned, org.state.identityUrl()))
    const route = ROUTES[resource.toLowerCase()]
    if (route === undefined) throw notFound()
    if (READ_ONLY.includes(resource.toLowerCase()) && !isRead(versioned.method)) {
      throw methodNotAllowed(versioned.method, 'GET,HEAD')
    }
    return route(org, versioned)
  } catch (error) {
    return answerToError(error)
  }
}

function jobsApi(org: Org, call: ApiCall): Answer {
  if (call.segments[1] === 'query') return bulkQuery(org, call)
  if (call.segments[1] === 'ingest') return bulkIngest(org, call)
  throw notFound()
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
