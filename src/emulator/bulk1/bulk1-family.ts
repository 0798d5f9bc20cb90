import { json, text, type Answer } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import { header, type Call } from '../call.ts'
import type { Family } from '../family.ts'
import { toXml } from '../xml.ts'
import { bulk1Api } from './bulk1-api.ts'
import { DATALOAD, wantsJson, XML_TYPE } from './bulk1-form.ts'

/** REST's codes in Bulk API 1.0's own words. */
const CODES: Readonly<Record<string, string>> = {
  API_CURRENTLY_DISABLED: 'FeatureNotEnabled',
  API_DISABLED_FOR_ORG: 'FeatureNotEnabled',
  INVALID_SESSION_ID: 'InvalidSessionId',
  JSON_PARSER_ERROR: 'InvalidJob',
  METHOD_NOT_ALLOWED: 'InvalidUrl',
  NOT_FOUND: 'InvalidUrl',
  REQUEST_LIMIT_EXCEEDED: 'ExceededQuota',
}

function refusal(call: Call, status: number, exceptionCode: string, exceptionMessage: string): Answer {
  const error = { exceptionCode, exceptionMessage }
  if (wantsJson(call)) return json(status, error)
  const xml = toXml('error', { '@xmlns': DATALOAD, ...error })
  return text(status, XML_TYPE, `<?xml version="1.0" encoding="UTF-8"?>${xml}`)
}

/** The session has a header of its own, and every refusal has status 400. */
export const bulk1: Family = {
  matches: /^\/services\/async(?:\/|$)/i,
  takesJwt: false,
  token: (call) => header(call, 'x-sfdc-session'),
  refusal: (call) => refusal(call, 400, 'InvalidSessionId', 'Invalid session id'),
  failure(call, error) {
    if (!(error instanceof ApiError)) return refusal(call, 500, 'Unknown', 'An unexpected error occurred')
    const code = CODES[error.errorCode] ?? (/^[A-Z]+[a-z]/.test(error.errorCode) ? error.errorCode : 'Unknown')
    return refusal(call, error.status >= 500 ? error.status : 400, code, error.message)
  },
  speak: bulk1Api,
}
