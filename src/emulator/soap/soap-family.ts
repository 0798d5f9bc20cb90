import { ApiError } from '../api-error.ts'
import type { Family } from '../family.ts'
import { soapApi } from './soap-api.ts'
import { readSoap, sessionOf, soapFault } from './soap-message.ts'

const DEAD =
  'Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session hash: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nThis error usually occurs after a session expires or a user logs out. Decoder: DataInDbSessionKeyDecoder'

/** The session stands in the envelope, and every refusal is a fault with status 500. */
export const soap: Family = {
  matches: /^\/services\/Soap\/[ucmsT](?:\/|$)/i,
  takesJwt: false,
  token: (call) => sessionOf(readSoap(call)),
  opensSession: (call) => readSoap(call).operation.name === 'login',
  refusal: (call) => soapFault(call.path, 'INVALID_SESSION_ID', DEAD),
  failure: ({ path }, error) => {
    const code = error instanceof ApiError ? error.errorCode : 'UNKNOWN_EXCEPTION'
    return soapFault(path, code, error instanceof Error ? error.message : 'An unexpected error occurred')
  },
  speak: (org, call, token) => soapApi(org, readSoap(call), token),
}
