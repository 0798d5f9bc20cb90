import { errorBody } from '../errors.ts'
import { familyOf } from '../upstream/api-family.ts'
import type { HeaderFields } from './effective-method.ts'

export interface ProblemBody {
  readonly contentType: string
  readonly body: string
}

interface Asked {
  readonly method: string
  readonly policyPath: string
  readonly headers: HeaderFields
}

/**
 * An error of the proxy's own as the asked family tells its errors, so that a client shows the sentence in it and not a parser's complaint.
 * The codes beside it are the platform's: typed clients know no others.
 */
export function problemBody({ method, policyPath, headers }: Asked, code: string, message: string): ProblemBody {
  const family = familyOf(policyPath)
  const sentence = `${code}: ${message}`
  if (family === 'soap' && method === 'POST') {
    return {
      contentType: 'text/xml;charset=UTF-8',
      body: soapFault({ fault: faultNamespace(policyPath), code: 'UNKNOWN_EXCEPTION', message: sentence }),
    }
  }
  if (family === 'bulk1') return bulkError(headers, sentence)
  return { contentType: 'application/json;charset=UTF-8', body: errorBody(code, message) }
}

export interface Fault {
  /** Namespace of the service's faults. */
  readonly fault: string
  /** One of the platform's ExceptionCode. */
  readonly code: string
  readonly message: string
}

/** A SOAP 1.1 envelope with a fault, as the platform's services write theirs. */
export function soapFault({ fault, code, message }: Fault): string {
  const name = code === 'INVALID_LOGIN' ? 'LoginFault' : 'UnexpectedErrorFault'
  const text = escapedXml(message)
  const detail = `<sf:exceptionCode>${code}</sf:exceptionCode><sf:exceptionMessage>${text}</sf:exceptionMessage>`
  return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="${fault}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>sf:${code}</faultcode><faultstring>${code}: ${text}</faultstring><detail><sf:${name} xsi:type="sf:${name}">${detail}</sf:${name}></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
}

/** The namespace of the faults of the service that a path names. */
function faultNamespace(policyPath: string): string {
  const [, service = ''] = /\/soap\/+(\w)(?=[/?]|$)/i.exec(policyPath) ?? []
  switch (service.toLowerCase()) {
    case 'c':
      return 'urn:fault.enterprise.soap.sforce.com'
    case 'm':
      return 'http://soap.sforce.com/2006/04/metadata'
    default:
      return 'urn:fault.partner.soap.sforce.com'
  }
}

/** In JSON where the caller speaks it, else in XML. */
function bulkError(headers: HeaderFields, exceptionMessage: string): ProblemBody {
  const exceptionCode = 'Unknown'
  if (/json/i.test(`${String(headers.accept)} ${String(headers['content-type'])}`)) {
    return { contentType: 'application/json;charset=UTF-8', body: JSON.stringify({ exceptionCode, exceptionMessage }) }
  }
  const content = `<exceptionCode>${exceptionCode}</exceptionCode><exceptionMessage>${escapedXml(exceptionMessage)}</exceptionMessage>`
  const body = `<?xml version="1.0" encoding="UTF-8"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload">${content}</error>`
  return { contentType: 'application/xml;charset=UTF-8', body }
}

/** XML 1.0 has no form at all for most control characters: they are left out. */
export function escapedXml(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"\r]/g, (found) => `&#${String(found.charCodeAt(0))};`)
}
