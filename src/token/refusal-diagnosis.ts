import type { Diagnosis } from './diagnosis.ts'
import type { OAuthError } from './oauth-error.ts'
import { REFUSALS, SETTINGS } from './refusal-table.ts'

const UNKNOWN: Diagnosis = {
  code: 'unknown-refusal',
  summary: 'The login host refuses the token request for a reason that the proxy does not know.',
  fix: 'The log has its words. Check steps 8 (flow enabled), 12 (Consumer Key and Secret) and 14 (Run As user).',
  externalClientApp: `${SETTINGS}, and Policies > OAuth Policies`,
  loginHistory: 'perhaps a row of the Run As user with the reason',
}

/** The row of the table that a login host's refusal belongs to. */
export function refusalDiagnosis({ error, description }: OAuthError): Diagnosis {
  const text = `${error}: ${description}`
  const row = REFUSALS.find(({ when }) => when.test(text)) ?? UNKNOWN
  const { code, summary, fix, externalClientApp, loginHistory } = row
  return { code, summary, fix, externalClientApp, loginHistory }
}
