import { json, text, type Answer } from './answer.ts'
import { formBody, header, type Call } from './call.ts'
import { identity, userinfo } from './identity.ts'
import type { AssertionCheck } from './jwt-assertion.ts'
import type { OrgState } from './org-state.ts'
import { clientRefusal, credentials, tokenEndpoint } from './token-endpoint.ts'

/** `/services/oauth2/*` and `/id/*`; undefined for a path that is none of them. */
export function oauthRoute(org: OrgState, call: Call, check: AssertionCheck): Promise<Answer> | Answer | undefined {
  switch (call.path.replace(/\/$/, '')) {
    case '/services/oauth2/token':
      return tokenEndpoint(org, call, check)
    case '/services/oauth2/introspect':
      return introspect(org, call)
    case '/services/oauth2/revoke':
      return revoke(org, call)
    case '/services/oauth2/userinfo':
      return withIdentity(org, call, userinfo)
    case '/services/oauth2/singleaccess':
      return withIdentity(org, call, () => ({
        frontdoor_uri: `${call.origin}/secur/frontdoor.jsp?otp=emulated`,
      }))
    case `/id/${org.orgId}/${org.userId}`:
    case `/id/${org.orgId.slice(0, 15)}/${org.userId.slice(0, 15)}`:
      return withIdentity(org, call, identity)
    case '/id/keys':
      return org.signer.keySet().then((keys) => json(200, keys))
    default:
      return undefined
  }
}

function introspect(org: OrgState, call: Call): Answer {
  const form = formBody(call)
  const refusal = clientRefusal(org, credentials(call, form))
  if (refusal !== undefined) return json(401, refusal.json)
  if (org.switches.take('introspect-not-allowed', call.path)) {
    return json(403, { error: 'insufficient_scope', error_description: 'token introspection not allowed for this app' })
  }
  const session = org.sessions.find(form.get('token') ?? '')
  if (session === undefined) return json(200, { active: false })
  const issuedAt = Math.floor(session.createdAt / 1000)
  return json(200, {
    active: true,
    scope: 'api',
    client_id: org.clientId,
    username: org.username,
    sub: org.identityUrl(),
    token_type: 'access_token',
    exp: Math.floor(org.sessions.endsAt(session) / 1000),
    iat: issuedAt,
    nbf: issuedAt,
  })
}

/** Needs no client authentication, and listens to GET: one client's logout ends the session of all. */
function revoke(org: OrgState, call: Call): Answer {
  const token = call.query.get('token') ?? formBody(call).get('token')
  if (token !== null && org.sessions.end(token)) return text(200, 'text/html;charset=UTF-8', '')
  return json(400, { error: 'invalid_token', error_description: 'invalid token' })
}

/** The identity family refuses with 403 and plain text, not with 401. */
function withIdentity(org: OrgState, call: Call, body: (org: OrgState, origin: string) => object): Answer {
  const bearer = /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(header(call, 'authorization') ?? '')?.[1]
  const token = bearer ?? call.query.get('oauth_token') ?? call.query.get('access_token')
  if (token === null) return text(403, 'text/plain;charset=UTF-8', 'Missing_OAuth_Token')
  if (org.switches.take('session-dies-before', call.path)) org.killSessions()
  const isRefused = org.sessions.use(token) === undefined || org.switches.take('live-session-refused', call.path)
  if (isRefused) return text(403, 'text/plain;charset=UTF-8', 'Bad_OAuth_Token')
  const answer = json(200, body(org, call.origin))
  if (org.switches.take('session-dies-after', call.path)) org.killSessions()
  return answer
}
