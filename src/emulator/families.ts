import { text, json, type Answer } from './answer.ts'
import { apiError } from './api-error.ts'
import { header, type Call } from './call.ts'

/** The families of the API, each of which carries a session, and refuses a dead one, in its own way. */
export interface Family {
  readonly matches: RegExp
  /** False where JWT-based tokens are no good. */
  readonly takesJwt: boolean
  /** The token that the call carries. */
  token(call: Call): string | undefined
  refusal(call: Call): Answer
  /** What a live session gets, where the emulator does not speak the family. */
  unspoken?(call: Call): Answer
}

export const EXPIRED = apiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid')
const BAD_HEADER = apiError(401, 'INVALID_AUTH_HEADER', 'INVALID_HEADER_TYPE')

const bearer = (call: Call) => /^(?:Bearer|OAuth)\s+(\S+)\s*$/i.exec(header(call, 'authorization') ?? '')?.[1]

/** Any message that the family does not speak: the emulator says so rather than to pretend. */
const unspoken = 'The emulator does not speak this part of the API'

const rest: Family = {
  matches: /^\/services\/(?:data|apexrest)(?:\/|$)/,
  takesJwt: true,
  token: bearer,
  refusal(call) {
    const sent = header(call, 'authorization')
    const answer = sent !== undefined && bearer(call) === undefined ? BAD_HEADER : EXPIRED
    return { ...answer, headers: { ...answer.headers, 'www-authenticate': 'Token' } }
  },
}

const XML = 'application/xml;charset=UTF-8'

function bulkError(call: Call, status: number, code: string, message: string): Answer {
  const wantsJson = /json/i.test(`${header(call, 'accept') ?? ''} ${header(call, 'content-type') ?? ''}`)
  if (wantsJson) return json(status, { exceptionCode: code, exceptionMessage: message })
  const body = `<?xml version="1.0" encoding="UTF-8"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>${code}</exceptionCode><exceptionMessage>${message}</exceptionMessage></error>`
  return text(status, XML, body)
}

const bulk1: Family = {
  matches: /^\/services\/async(?:\/|$)/i,
  takesJwt: false,
  token: (call) => header(call, 'x-sfdc-session'),
  refusal: (call) => bulkError(call, 400, 'InvalidSessionId', 'Invalid session id'),
  unspoken: (call) => bulkError(call, 400, 'FeatureNotEnabled', unspoken),
}

function fault(code: string, message: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>sf:${code}</faultcode><faultstring>${code}: ${message}</faultstring><detail><sf:UnexpectedErrorFault xsi:type="sf:UnexpectedErrorFault"><sf:exceptionCode>${code}</sf:exceptionCode><sf:exceptionMessage>${message}</sf:exceptionMessage></sf:UnexpectedErrorFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
  return text(500, 'text/xml;charset=UTF-8', body)
}

const soap: Family = {
  matches: /^\/services\/Soap\/[ucmsT](?:\/|$)/i,
  takesJwt: false,
  token: (call) => /<(?:\w+:)?sessionId(?:\s[^>]*)?>\s*([^<\s]+)\s*<\//.exec(call.body.toString())?.[1],
  refusal: () =>
    fault(
      'INVALID_SESSION_ID',
      'Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session hash: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nThis error usually occurs after a session expires or a user logs out. Decoder: DataInDbSessionKeyDecoder',
    ),
  unspoken: () => fault('UNSUPPORTED_API_VERSION', unspoken),
}

/** Streaming refuses inside a 200. */
function bayeux(call: Call, failure: string, handshake: string): Answer {
  const channel = /"channel"\s*:\s*"([^"]+)"/.exec(call.body.toString())?.[1] ?? '/meta/handshake'
  const message =
    channel === '/meta/handshake'
      ? { ext: { sfdc: { failureReason: failure }, replay: true }, error: handshake }
      : { error: failure }
  return json(200, [{ ...message, advice: { reconnect: 'none' }, channel, successful: false }])
}

const streaming: Family = {
  matches: /^\/cometd(?:\/|$)/i,
  takesJwt: true,
  token: bearer,
  refusal: (call) =>
    header(call, 'authorization') === undefined
      ? bayeux(call, '401::Request requires authentication', '403::Handshake denied')
      : bayeux(call, '401::Authentication invalid', '403::Handshake denied'),
  unspoken: (call) => bayeux(call, `403::${unspoken}`, `403::${unspoken}`),
}

const FAMILIES = [rest, bulk1, soap, streaming]

export function familyOf(path: string): Family | undefined {
  return FAMILIES.find((family) => family.matches.test(path))
}
