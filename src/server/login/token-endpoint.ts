import { createHmac } from 'node:crypto'
import { keyAmong, keyWithin, type CallerKey } from '../caller-key.ts'
import { placeholderToken } from '../caller-session.ts'
import type { LocalAnswer, LocalCall } from './local-call.ts'
import type { LoginContext } from './login-context.ts'
import { readParameters } from './token-request.ts'

/** Whatever a tool believes that it has; the browser's flows are not among them, since nothing here could show a login page. */
const GRANTS: ReadonlySet<string> = new Set([
  'password',
  'client_credentials',
  'refresh_token',
  'authorization_code',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
])

/** `POST …/services/oauth2/token`: a placeholder in the shape of the platform's own answer. What was presented ends here. */
export async function answerToken(call: LocalCall, context: LoginContext): Promise<LocalAnswer> {
  if (call.method !== 'POST') return oauthError('invalid_request', 'must use HTTP POST')
  const parameters = await readParameters(call)
  if ('problem' in parameters) return oauthError('invalid_request', parameters.problem)
  const grant = parameters.get('grant_type') ?? ''
  if (!GRANTS.has(grant))
    return oauthError('unsupported_grant_type', parameters.has('response_type') ? NO_BROWSER : NO_GRANT)
  const keys = context.callerKeys?.()
  const key = keys && keyOf(keys, call, parameters)
  if (keys && key === undefined) return oauthError('invalid_grant', WRONG_KEY)

  const { orgId, userId } = await context.ids()
  const id = `${context.origin}/id/${orgId}/${userId}`
  const issuedAt = String(context.now())
  const answer = {
    access_token: placeholderToken(orgId, key?.session),
    instance_url: context.origin,
    id,
    token_type: 'Bearer',
    issued_at: issuedAt,
    // As the platform does it, so that a client who checks it with its own secret is content.
    signature: createHmac('sha256', parameters.get('client_secret') ?? '')
      .update(id + issuedAt)
      .digest('base64'),
    scope: 'api',
  }
  return { ...json(200, answer), caller: key?.name }
}

/** `…/services/oauth2/revoke`: the caller's placeholder is no session, and the real one is not his to end. RFC 7009 §2.2 wants 200 all the same. */
export function answerRevoke(call: LocalCall): LocalAnswer {
  if (call.method !== 'POST' && call.method !== 'GET') return oauthError('invalid_request', 'must use HTTP POST')
  return { status: 200, contentType: 'text/html;charset=UTF-8', body: '' }
}

const NO_BROWSER =
  'this proxy has no login page: use a grant that needs no browser, such as password; any credentials will do'
const NO_GRANT = 'grant type not supported'
const WRONG_KEY =
  'authentication failure: this proxy asks for its key (PROXY_API_KEY) as the password, as the security token after it, or as the client secret'

function keyOf(
  keys: readonly CallerKey[],
  call: LocalCall,
  parameters: ReadonlyMap<string, string>,
): CallerKey | undefined {
  if (call.caller !== undefined) return keys.find(({ name }) => name === call.caller)
  const whole = ['client_secret', 'refresh_token', 'code'].flatMap((name) => parameters.get(name) ?? [])
  return keyAmong(keys, whole) ?? keyWithin(keys, parameters.get('password') ?? '')
}

function oauthError(error: string, description: string): LocalAnswer {
  const problem = error === 'invalid_grant' ? 'PROXY_KEY_REQUIRED' : 'PROXY_REQUEST_INVALID'
  return { ...json(400, { error, error_description: description }), problem }
}

function json(status: number, body: object): LocalAnswer {
  return { status, contentType: 'application/json;charset=UTF-8', body: JSON.stringify(body) }
}
