import { diagnose } from '../token/diagnose.ts'
import { OAuthError } from '../token/oauth-error.ts'
import type { ApiFamily } from '../upstream/api-family.ts'
import { readRefusal } from '../upstream/dead-session.ts'
import { CheckFailure } from './finding.ts'
import { ask, type Reply } from './reply.ts'
import { errorOf, inItsWords, serviceFailure } from './service-failure.ts'
import { obtainToken } from './token-steps.ts'
import { adviceOf } from './trouble.ts'
import type { Visit } from './visit.ts'

/**
 * A GET of the API as the proxy makes it: where the session turns out dead, once more with a new token.
 * Throws CheckFailure for refusals of the session and failures of the service; other answers are the caller's to judge.
 */
export async function callApi(visit: Visit, path: string, family: ApiFamily, signal: AbortSignal): Promise<Reply> {
  const { settings } = visit
  const first = visit.token
  if (first === undefined) throw new Error('an API call before a token')
  const url = new URL(path, settings.CLOUDAWARE_API_URL ?? first.instanceUrl ?? settings.CLOUDAWARE_URL)
  const reply = await ask(visit, url, { signal, token: first.value })
  if (!isRefused(reply, family)) return reply
  const { value } = await obtainToken(visit, signal)
  const again = await ask(visit, url, { signal, token: value })
  if (isRefused(again, family)) throw refusedAgain(again)
  return again
}

function isRefused(reply: Reply, family: ApiFamily): boolean {
  const { status, headers, body } = reply
  const failure = serviceFailure(reply)
  if (failure) throw failure
  if (status < 400) return false
  const refusal = readRefusal({ family, runsOrgCode: false }, { status, headers, body })
  // Only the platform's own resources are asked here: none of them refuses a living session without a reason.
  if (refusal?.diagnosis === undefined) return refusal !== undefined
  const [errorCode] = errorOf(reply.json)
  // Both of these are about the address: the session itself is good.
  const isAddress = errorCode === 'URL_NOT_RESET' || errorCode === 'INVALID_AUTH_HEADER'
  throw new CheckFailure(
    isAddress ? 'settings' : 'permissions',
    isAddress ? `${reply.url.host} is not the address of the API.` : 'The API refuses the session of the Run As user.',
    { fix: refusal.diagnosis, answered: inItsWords(reply) },
    { httpStatus: status, errorCode },
  )
}

function refusedAgain(reply: Reply): CheckFailure {
  const diagnosis = diagnose(new OAuthError({ kind: 'permanent', error: 'refused_token_reissued' }))
  const facts = { diagnosis: diagnosis.code, httpStatus: reply.status }
  return new CheckFailure(
    'credentials',
    'The API refuses the token that the login host has just issued.',
    { ...adviceOf(diagnosis), answered: inItsWords(reply) },
    facts,
  )
}
