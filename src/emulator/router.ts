import { text, type Answer } from './answer.ts'
import { apiError } from './api-error.ts'
import type { Call } from './call.ts'
import { control } from './control.ts'
import { familyOf, type Family } from './families.ts'
import type { AssertionCheck } from './jwt-assertion.ts'
import { oauthRoute } from './oauth-routes.ts'
import type { Org } from './org.ts'
import { restApi, versionList } from './rest-api.ts'

/** `reset` cuts the connection instead of answering. */
export type Outcome = Answer | 'reset'

/** One request, one answer: who is asked, is the session alive, is a misbehaviour switched on, and then the API. */
export async function route(org: Org, call: Call, check: AssertionCheck): Promise<Outcome> {
  if (call.path.startsWith('/__emulator/')) return control(org, call)
  const oauth = oauthRoute(org.state, call, check)
  if (oauth !== undefined) return oauth
  if (/^\/services\/data\/?$/.test(call.path)) return versionList(call)
  const family = familyOf(call.path)
  if (family === undefined)
    return text(404, 'text/html;charset=UTF-8', '<html><body>URL No Longer Exists</body></html>')
  return api(org, call, family)
}

async function api(org: Org, call: Call, family: Family): Promise<Outcome> {
  const { state } = org
  const { switches } = state
  await state.wait(state.apiDelayMs)
  if (switches.take('api-socket-reset')) return 'reset'
  if (switches.take('session-dies-before')) state.killSessions()

  const token = family.token(call)
  const isWrongKind = token?.startsWith('eyJ') === true && !family.takesJwt
  const session = token === undefined || isWrongKind ? undefined : state.sessions.use(token)
  if (session === undefined || switches.take('live-session-refused')) return family.refusal(call)

  const answer = switches.takeApiFailure() ?? family.unspoken?.(call) ?? counted(org, call)
  if (switches.take('session-dies-after')) state.killSessions()
  return answer
}

function counted(org: Org, call: Call): Answer {
  const { state } = org
  if (state.apiRequests >= state.dailyRequestLimit) {
    return withUsage(org, apiError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'))
  }
  state.apiRequests++
  return withUsage(org, call.path.startsWith('/services/data/') ? restApi(org, call) : apexRest())
}

function withUsage({ state }: Org, answer: Answer): Answer {
  const usage = `api-usage=${state.apiRequests}/${state.dailyRequestLimit}`
  return { ...answer, headers: { ...answer.headers, 'sforce-limit-info': usage } }
}

const apexRest = () => apiError(404, 'NOT_FOUND', 'Could not find a match for URL')
