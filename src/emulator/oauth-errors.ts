import { json, text, type Answer } from './answer.ts'

function refusal(error: string, description: string, status = 400): Answer {
  return json(status, { error, error_description: description }, { 'cache-control': 'no-cache, no-store' })
}

/** What the token endpoint answers, by the name under which it can be switched on. The texts are Salesforce's, letter for letter. */
export const TOKEN_FAILURES = {
  'no-run-as-user': refusal('invalid_grant', 'no client credentials user enabled'),
  'flow-not-enabled': refusal('invalid_grant', 'client credentials flow not enabled'),
  'unsupported-grant': refusal('unsupported_grant_type', 'grant type not supported'),
  'wrong-domain': refusal('invalid_grant', 'request not supported on this domain'),
  'wrong-key': refusal('invalid_client_id', 'client identifier invalid'),
  'wrong-secret': refusal('invalid_client', 'invalid client credentials'),
  'app-not-installed': refusal('invalid_client', 'app must be installed into org'),
  'admin-approval': refusal('invalid_app_access', 'user is not admin approved to access this app'),
  'user-approval': refusal('invalid_grant', "user hasn't approved this consumer"),
  'no-valid-scopes': refusal('invalid_grant', 'no valid scopes defined'),
  'scope-sent': refusal('invalid_request', 'scope parameter not supported'),
  'ip-or-hours': refusal('invalid_grant', 'ip restricted or invalid login hours'),
  'inactive-user': refusal('inactive_user', 'user is inactive'),
  'inactive-user-old': refusal('invalid_grant', 'inactive user'),
  'inactive-org': refusal('inactive_org', 'org is locked, closed, or suspended'),
  'login-rate': refusal('rate_limit_exceeded', 'number of logins exceeded'),
  'login-rate-text': refusal('invalid_grant', 'login rate exceeded'),
  'max-logins': refusal('invalid_grant', 'Maximum Logins Exceeded'),
  'authentication-failure': refusal('invalid_grant', 'authentication failure'),
  'expired-token': refusal('invalid_grant', 'expired access/refresh token'),
  'already-processed': refusal('invalid_grant', 'token request is already being processed'),
  'expired-code': refusal('invalid_grant', 'expired authorization code'),
  'invalid-assertion': refusal('invalid_grant', 'invalid assertion'),
  'invalid-audience': refusal('invalid_grant', 'Audience validation failed'),
  'activation-secret': refusal('invalid_grant', 'activation secret invalid'),
  'unauthorized-client': json(400, { error: 'unauthorized_client' }),
  'https-required': refusal('invalid_request', 'HTTPS required'),
  'must-use-post': refusal('invalid_request', 'must use HTTP POST'),
  'server-error': refusal('server_error', 'An unexpected error occurred'),
  'unknown-error': refusal('unknown_error', 'retry your request'),
  'invalid-client-401': refusal('invalid_client', 'invalid client credentials', 401),
  'html-503': text(503, 'text/html;charset=UTF-8', '<html>Service Unavailable</html>', { 'x-sfdc-edge-err': 'true' }),
  'empty-body': text(200, 'application/json;charset=UTF-8', ''),
  redirect: { status: 302, headers: { location: 'https://renamed.my.salesforce.com/services/oauth2/token' } },
  hang: { status: 200, hangs: true },
} as const satisfies Record<string, Answer>

export type TokenFailure = keyof typeof TOKEN_FAILURES
