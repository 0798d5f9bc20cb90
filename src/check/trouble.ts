import { diagnose } from '../token/diagnose.ts'
import type { Diagnosis } from '../token/diagnosis.ts'
import { toOAuthError, type OAuthError } from '../token/oauth-error.ts'
import { CheckFailure, type Trouble } from './finding.ts'

/** Diagnoses that are not about the credentials or the app. */
const TROUBLE_OF: Readonly<Record<string, Trouble>> = {
  'host-unknown': 'network',
  'dns-trouble': 'network',
  'connection-refused': 'network',
  'network-unreachable': 'network',
  'login-host-timeout': 'network',
  'login-host-unreachable': 'network',
  'login-host-trouble': 'network',
  'login-host-busy': 'network',
  'html-answer': 'network',
  'unusable-answer': 'network',
  'certificate-untrusted': 'tls',
  'certificate-expired': 'tls',
  'certificate-name': 'tls',
  'tls-failure': 'tls',
  'company-proxy-credentials': 'settings',
  'company-proxy-refuses': 'network',
  'company-proxy-unreachable': 'network',
  redirected: 'settings',
  'no-token-endpoint': 'settings',
  'wrong-login-host': 'settings',
}

/** A token request that brought no token, with what mends it. */
export function tokenFailure(thrown: unknown): CheckFailure {
  const failure = toOAuthError(thrown)
  const diagnosis = diagnose(failure)
  const { error, description, status, secret } = failure
  return new CheckFailure(
    TROUBLE_OF[diagnosis.code] ?? 'credentials',
    diagnosis.summary,
    { ...adviceOf(diagnosis), answered: inItsWords(failure) },
    { diagnosis: diagnosis.code, error, description, httpStatus: status, credential: secret },
  )
}

/** A request that brought no answer at all. The table speaks of the login host, which is not always the one that was asked. */
export function networkFailure(thrown: unknown, host: string): CheckFailure {
  if (thrown instanceof CheckFailure) return thrown
  const { error } = toOAuthError(thrown)
  const diagnosis = diagnose(toOAuthError(thrown))
  return new CheckFailure(
    TROUBLE_OF[diagnosis.code] ?? 'network',
    diagnosis.summary.replace(/the (name of the )?login host/i, host),
    { fix: diagnosis.fix, answered: error },
    { diagnosis: diagnosis.code, error },
  )
}

export function adviceOf({ fix, externalClientApp, loginHistory }: Diagnosis) {
  return { fix, externalClientApp, loginHistory }
}

function inItsWords({ error, description, status }: OAuthError): string {
  const words = description === '' ? error : `${error}: ${description}`
  return status === undefined ? words : `${words} (HTTP ${status})`
}
