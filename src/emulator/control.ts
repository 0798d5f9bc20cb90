import { json, NO_CONTENT, type Answer } from './answer.ts'
import { answerToError, ApiError, methodNotAllowed, notFound } from './api-error.ts'
import { jsonObject, type Call } from './call.ts'
import type { Org } from './org.ts'
import { isSwitchName, SWITCH_NAMES, type SwitchName } from './switches.ts'

/** `/__emulator/…`: what tests do through `org`, for those who run the emulator by itself. Arguments travel in the query. */
export function control(org: Org, call: Call): Answer {
  try {
    return perform(org, call)
  } catch (error) {
    return answerToError(error)
  }
}

function perform({ state, streaming }: Org, call: Call): Answer {
  const action = call.path.slice('/__emulator/'.length)
  if (action === 'state') return json(200, snapshot(state))
  if (call.method !== 'POST') throw methodNotAllowed(call.method, 'POST')
  switch (action) {
    case 'fail':
      state.fail(switchName(call) ?? invalid('name'), times(call), call.query.get('path') ?? undefined)
      return NO_CONTENT
    case 'heal':
      state.heal(switchName(call))
      return NO_CONTENT
    case 'kill-sessions':
      if (call.query.has('every')) state.killSessionsEvery(milliseconds(call, 'every', 0))
      else state.killSessions()
      return NO_CONTENT
    case 'publish':
      return json(200, {
        replayId: streaming.publish(call.query.get('channel') ?? invalid('channel'), jsonObject(call)),
      })
    case 'rotate-secret':
      state.rotateSecret(call.query.get('secret') ?? invalid('secret'))
      return NO_CONTENT
    case 'delay':
      state.mintDelayMs = milliseconds(call, 'mint', state.mintDelayMs)
      state.apiDelayMs = milliseconds(call, 'api', state.apiDelayMs)
      return NO_CONTENT
    case 'session-timeout':
      state.sessions.timeoutMs = milliseconds(call, 'ms', state.sessions.timeoutMs)
      return NO_CONTENT
    case 'session-lifetime':
      state.sessions.lifetimeMs = milliseconds(call, 'ms', 0) || undefined
      return NO_CONTENT
    default:
      throw notFound(
        `Actions: state, fail, heal, kill-sessions, publish, rotate-secret, delay, session-timeout, session-lifetime`,
      )
  }
}

function snapshot(state: Org['state']): object {
  return {
    orgId: state.orgId,
    username: state.username,
    clientId: state.clientId,
    tokenFormat: state.tokenFormat,
    sessions: state.sessions.count,
    sessionTimeoutMs: state.sessions.timeoutMs,
    sessionLifetimeMs: state.sessions.lifetimeMs ?? null,
    tokenRequests: state.tokenRequests,
    tokensIssued: state.tokensIssued,
    loginsLastHour: state.loginsLastHour,
    loginLimitPerHour: state.loginLimitPerHour,
    apiRequests: state.apiRequests,
    apexRuns: state.apexRuns,
    mintDelayMs: state.mintDelayMs,
    apiDelayMs: state.apiDelayMs,
    failing: state.switches.state(),
    switches: SWITCH_NAMES,
  }
}

function switchName(call: Call): SwitchName | undefined {
  const name = call.query.get('name')
  if (name === null) return undefined
  return isSwitchName(name) ? name : invalid('name')
}

function times(call: Call): number {
  const asked = call.query.get('times')
  if (asked === null) return Infinity
  return /^[1-9]\d*$/.test(asked) ? Number(asked) : invalid('times')
}

function milliseconds(call: Call, name: string, otherwise: number): number {
  const asked = call.query.get(name)
  if (asked === null) return otherwise
  return /^\d+$/.test(asked) ? Number(asked) : invalid(name)
}

function invalid(name: string): never {
  throw new ApiError(400, 'INVALID_ARGUMENT', `The query parameter ${name} is missing or makes no sense`)
}
