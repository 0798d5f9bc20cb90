import { text, type Answer } from './answer.ts'
import { ApiError } from './api-error.ts'
import { OWN_FAILURES } from './api-failures.ts'
import { isObject, type Call } from './call.ts'
import { control } from './control.ts'
import { familyOf } from './families.ts'
import type { Family } from './family.ts'
import type { AssertionCheck } from './jwt-assertion.ts'
import { oauthRoute } from './oauth-routes.ts'
import type { Org } from './org.ts'
import { versionList } from './rest-api.ts'

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
  try {
    return await api(org, call, family)
  } catch (error) {
    return family.failure(call, error)
  }
}

async function api(org: Org, call: Call, family: Family): Promise<Outcome> {
  const { state } = org
  const { switches } = state
  await state.wait(state.apiDelayMs)
  if (switches.take('api-socket-reset', call.path)) return 'reset'
  if (switches.take('session-dies-before', call.path)) state.killSessions()

  const token = family.token(call)
  if (family.opensSession?.(call)) return family.speak(org, call, '')
  const isWrongKind = token?.startsWith('eyJ') === true && !family.takesJwt
  const session = token === undefined || isWrongKind ? undefined : state.sessions.use(token)
  if (session === undefined || switches.take('live-session-refused', call.path)) return family.refusal(call)

  const failure = switches.takeApiFailure(call.path)
  const answer = failure === undefined ? await counted(org, call, family, session.token) : told(failure, call, family)
  if (switches.take('session-dies-after', call.path)) state.killSessions()
  return answer
}

/** A failure of ours is switched on in REST's words; each family has its own for the same. */
function told(failure: Answer, call: Call, family: Family): Answer {
  if (!OWN_FAILURES.has(failure) || !Array.isArray(failure.json)) return failure
  const error: unknown = failure.json[0]
  if (!isObject(error)) return failure
  return family.failure(call, new ApiError(failure.status, String(error.errorCode), String(error.message)))
}

async function counted(org: Org, call: Call, family: Family, token: string): Promise<Answer> {
  const { state } = org
  if (family.isFree) return family.speak(org, call, token)
  if (state.apiRequests >= state.dailyRequestLimit) {
    const error = new ApiError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.')
    return withUsage(org, family.failure(call, error))
  }
  state.apiRequests++
  const answer = await spoken(org, call, family, token)
  return withUsage(org, answer)
}

async function spoken(org: Org, call: Call, family: Family, token: string): Promise<Answer> {
  try {
    return await family.speak(org, call, token)
  } catch (error) {
    return family.failure(call, error)
  }
}

function withUsage({ state }: Org, answer: Answer): Answer {
  const usage = `api-usage=${state.apiRequests}/${state.dailyRequestLimit}`
  return { ...answer, headers: { ...answer.headers, 'sforce-limit-info': usage } }
}
