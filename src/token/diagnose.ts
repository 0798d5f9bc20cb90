import type { Diagnosis } from './diagnosis.ts'
import { networkDiagnosis } from './network-diagnosis.ts'
import type { OAuthError } from './oauth-error.ts'
import { refusalDiagnosis } from './refusal-diagnosis.ts'

/** What a failed token request means and which knob mends it: there is always an answer. */
export function diagnose(failure: OAuthError): Diagnosis {
  return networkDiagnosis(failure) ?? refusalDiagnosis(failure)
}
