import { answerToError, apiError } from './api-error.ts'
import { header, type Call } from './call.ts'
import { apexRest } from './apex-rest.ts'
import type { Family } from './family.ts'
import { restApi } from './rest-api.ts'

export const EXPIRED = apiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid')
const BAD_HEADER = apiError(401, 'INVALID_AUTH_HEADER', 'INVALID_HEADER_TYPE')

export const bearer = (call: Call) => /^(?:Bearer|OAuth)\s+(\S+)\s*$/i.exec(header(call, 'authorization') ?? '')?.[1]

/** `/services/data` and Apex REST. */
export const rest: Family = {
  matches: /^\/services\/(?:data|apexrest)(?:\/|$)/,
  takesJwt: true,
  token: bearer,
  refusal(call) {
    const sent = header(call, 'authorization')
    const answer = sent !== undefined && bearer(call) === undefined ? BAD_HEADER : EXPIRED
    return { ...answer, headers: { ...answer.headers, 'www-authenticate': 'Token' } }
  },
  failure: (_call, error) => answerToError(error),
  speak: (org, call, token) =>
    call.path.startsWith('/services/data/') ? restApi(org, call, token) : apexRest(org.state, call),
}
