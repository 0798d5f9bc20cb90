import type { Answer } from './answer.ts'
import { apiError } from './api-error.ts'
import type { Call } from './call.ts'
import type { OrgState } from './org-state.ts'

/**
 * Apex REST with a single class, `/services/apexrest/relay`. Its callout to another org is refused, and it returns that refusal as its
 * own: a 401 that says nothing of the caller's session. By then the class has run, so sending the request again would run it twice.
 */
export function apexRest(state: OrgState, { path }: Call): Answer {
  if (!/^\/services\/apexrest\/relay\/?$/i.test(path)) return NO_CLASS
  state.apexRuns++
  return apiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid')
}

const NO_CLASS = apiError(404, 'NOT_FOUND', 'Could not find a match for URL')
