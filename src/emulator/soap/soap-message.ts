import { text, type Answer } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import type { Call } from '../call.ts'
import { childOf, parseXml, textOf, toXml, type XmlElement } from '../xml.ts'

/** The services that the emulator speaks: partner, enterprise, metadata. */
export type SoapService = 'u' | 'c' | 'm'

/** One SOAP request, taken apart. */
export interface SoapRequest {
  readonly service: SoapService
  /** Such as `62.0`. */
  readonly version: string
  readonly origin: string
  readonly header: XmlElement | undefined
  /** The first element of the Body. */
  readonly operation: XmlElement
}

const PATH = /^\/services\/Soap\/([ucmsT])(?:\/(\d+\.0))?(?:\/|$)/i

const NAMESPACES: Record<SoapService, { own: string; sobject: string; fault: string }> = {
  u: {
    own: 'urn:partner.soap.sforce.com',
    sobject: 'urn:sobject.partner.soap.sforce.com',
    fault: 'urn:fault.partner.soap.sforce.com',
  },
  c: {
    own: 'urn:enterprise.soap.sforce.com',
    sobject: 'urn:sobject.enterprise.soap.sforce.com',
    fault: 'urn:fault.enterprise.soap.sforce.com',
  },
  m: {
    own: 'http://soap.sforce.com/2006/04/metadata',
    sobject: 'http://soap.sforce.com/2006/04/metadata',
    fault: 'http://soap.sforce.com/2006/04/metadata',
  },
}

/** Throws the ApiError of a request that is no SOAP, or for a service that is not spoken. */
export function readSoap(call: Call): SoapRequest {
  const [, service = '', version] = PATH.exec(call.path) ?? []
  if (call.method !== 'POST') throw new ApiError(405, 'UNKNOWN_EXCEPTION', 'SOAP requests are sent by POST')
  const envelope = parseXml(call.body.toString())
  const operation = childOf(envelope, 'Body')?.children[0]
  if (envelope.name !== 'Envelope' || operation === undefined) {
    throw new ApiError(500, 'UNKNOWN_EXCEPTION', 'No operation available for request: the body is no SOAP envelope')
  }
  if (version === undefined) {
    throw new ApiError(500, 'UNSUPPORTED_API_VERSION', 'Invalid Api version specified on URL')
  }
  return {
    service: spoken(service),
    version,
    origin: call.origin,
    header: childOf(envelope, 'Header'),
    operation,
  }
}

function spoken(service: string): SoapService {
  const name = service.toLowerCase()
  if (name === 'u' || name === 'c' || name === 'm') return name
  throw new ApiError(500, 'UNSUPPORTED_API_VERSION', 'The emulator does not speak this part of the API')
}

/** The caller's session, wherever it stands in the header. */
export function sessionOf({ header }: SoapRequest): string | undefined {
  return textOf(childOf(header, 'SessionHeader'), 'sessionId')
}

export const XSI = 'http://www.w3.org/2001/XMLSchema-instance'

/** An answer whose Body holds `<operationResponse>` with a `result` each; none for an operation that returns nothing. */
export function soapAnswer({ service, operation }: SoapRequest, results: readonly unknown[]): Answer {
  const { own, sobject } = NAMESPACES[service]
  const body = toXml(`${operation.name}Response`, { result: results })
  const xml = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="${own}" xmlns:sf="${sobject}" xmlns:xsi="${XSI}"><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`
  return text(200, 'text/xml;charset=UTF-8', xml)
}

/** What the detail of a fault is called, where it has a name of its own. */
const FAULTS: Readonly<Record<string, string>> = {
  INVALID_FIELD: 'InvalidFieldFault',
  INVALID_LOGIN: 'LoginFault',
  INVALID_QUERY_LOCATOR: 'InvalidQueryLocatorFault',
  INVALID_TYPE: 'InvalidSObjectFault',
  MALFORMED_ID: 'InvalidIdFault',
  MALFORMED_QUERY: 'MalformedQueryFault',
}

/** A refusal as SOAP tells it: 500, the code as the fault's. */
export function soapFault(path: string, code: string, message: string): Answer {
  const service = PATH.exec(path)?.[1]?.toLowerCase()
  const { fault } = NAMESPACES[service === 'c' || service === 'm' ? service : 'u']
  const name = `sf:${FAULTS[code] ?? 'UnexpectedErrorFault'}`
  const detail = toXml(name, { '@xsi:type': name, 'sf:exceptionCode': code, 'sf:exceptionMessage': message })
  const inner = `<faultcode>sf:${code}</faultcode>${toXml('faultstring', `${code}: ${message}`)}<detail>${detail}</detail>`
  const xml = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="${fault}" xmlns:xsi="${XSI}"><soapenv:Body><soapenv:Fault>${inner}</soapenv:Fault></soapenv:Body></soapenv:Envelope>`
  return text(500, 'text/xml;charset=UTF-8', xml)
}
