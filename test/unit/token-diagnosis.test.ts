import { expect, test } from 'vitest'
import { diagnose } from '../../src/token/diagnose.ts'
import { OAuthError } from '../../src/token/oauth-error.ts'

test.each([
  ['invalid_grant', 'no client credentials user enabled', 'run-as-user-missing', 'Steps 13 to 15'],
  ['invalid_grant', 'some text: client credentials flow not enabled', 'flow-not-enabled', 'Step 8'],
  ['unsupported_grant_type', 'grant type not supported', 'grant-type-refused', 'Step 8'],
  ['invalid_grant', 'request not supported on this domain', 'wrong-login-host', 'My Domain'],
  ['invalid_client_id', 'client identifier invalid', 'consumer-key-unknown', 'Steps 10 to 12'],
  ['invalid_client', 'invalid client credentials', 'consumer-secret-refused', 'Steps 10 to 12'],
  ['invalid_client', 'app must be installed into org', 'app-not-installed', 'Connected Apps OAuth Usage'],
  ['invalid_app_access', 'user is not admin approved to access this app', 'user-not-approved', 'Step 13'],
  ['invalid_grant', "user hasn't approved this consumer", 'user-not-approved', 'Step 13'],
  ['invalid_grant', 'no valid scopes defined', 'scopes-missing', 'Step 6'],
  ['invalid_request', 'scope parameter not supported', 'request-refused', 'rewrites'],
  ['invalid_grant', 'ip restricted or invalid login hours', 'login-restricted', 'IP Relaxation'],
  ['inactive_user', 'user is inactive', 'user-inactive', 'Step 14'],
  ['invalid_grant', 'inactive user', 'user-inactive', 'Step 14'],
  ['inactive_org', 'org is locked, closed, or suspended', 'org-inactive', 'Cloudaware support'],
  ['rate_limit_exceeded', 'number of logins exceeded', 'login-rate-exceeded', 'Login History'],
  ['invalid_grant', 'login rate exceeded', 'login-rate-exceeded', 'Login History'],
  ['invalid_grant', 'token request is already being processed', 'login-host-busy', 'asks again'],
  ['invalid_grant', 'Maximum Logins Exceeded', 'maximum-logins-exceeded', 'Step 14'],
  ['invalid_grant', 'authentication failure', 'grant-refused', 'steps 13 to 15'],
  ['invalid_grant', 'Audience validation failed', 'assertion-audience', 'CLOUDAWARE_JWT_AUDIENCE'],
  ['invalid_grant', 'invalid assertion', 'assertion-refused', 'CLOUDAWARE_JWT_KEY_FILE'],
  ['invalid_grant', 'expired authorization code', 'assertion-expired', 'clock of this machine'],
  ['invalid_grant', 'activation secret invalid', 'login-restricted', 'Step 13'],
  ['unauthorized_client', '', 'grant-type-refused', 'Step 8'],
  ['invalid_request', 'HTTPS required', 'request-refused', 'https'],
  ['server_error', '', 'login-host-trouble', 'Wait'],
  ['unknown_error', 'retry your request', 'login-host-trouble', 'Wait'],
  ['something_new', 'never seen', 'unknown-refusal', 'steps 8'],
])('%s, %s: %s', (error, description, code, fix) => {
  const diagnosis = diagnose(new OAuthError({ kind: 'permanent', error, description, status: 400 }))
  expect(diagnosis.code).toBe(code)
  expect(diagnosis.fix).toContain(fix)
  expect(Object.keys(diagnosis)).toEqual(['code', 'summary', 'fix', 'externalClientApp', 'loginHistory'])
  for (const text of Object.values(diagnosis)) expect(text).not.toBe('')
})

test.each([
  ['ENOTFOUND', 'host-unknown'],
  ['EAI_AGAIN', 'dns-trouble'],
  ['ECONNREFUSED', 'connection-refused'],
  ['EHOSTUNREACH', 'network-unreachable'],
  ['timeout', 'login-host-timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'login-host-timeout'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate-untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate-untrusted'],
  ['CERT_HAS_EXPIRED', 'certificate-expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate-name'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls-failure'],
  ['ECONNRESET', 'login-host-unreachable'],
  ['secret_unreadable', 'secret-unreadable'],
  ['unreadable_private_key', 'private-key-unreadable'],
  ['refused_token_reissued', 'refused-token-reissued'],
])('without an answer, %s: %s', (error, code) => {
  expect(diagnose(new OAuthError({ kind: 'transient', error })).code).toBe(code)
})

test.each([
  ['redirected', 'redirected'],
  ['no_token_endpoint', 'no-token-endpoint'],
  ['html_answer', 'html-answer'],
  ['empty_answer', 'unusable-answer'],
  ['oversized_answer', 'unusable-answer'],
])('an answer that is none, %s: %s', (error, code) => {
  expect(diagnose(new OAuthError({ kind: 'transient', error, status: 200 })).code).toBe(code)
})
