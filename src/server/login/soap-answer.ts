import type { LocalAnswer } from './local-call.ts'
import { soapFault } from '../problem-body.ts'

const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/'
const XSI = 'http://www.w3.org/2001/XMLSchema-instance'
const NAMES = { u: 'partner', c: 'enterprise' } as const

/** An envelope whose results have neither prefix nor attribute: jsforce and simple-salesforce look for them with regular expressions. */
export function soapAnswer(service: 'u' | 'c', content: string): LocalAnswer {
  return xml(
    `<soapenv:Envelope xmlns:soapenv="${SOAP}" xmlns="urn:${NAMES[service]}.soap.sforce.com" xmlns:xsi="${XSI}"><soapenv:Body>${content}</soapenv:Body></soapenv:Envelope>`,
  )
}

/** A refusal as the platform's SOAP services tell it. SOAP 1.1 §6.2: the status is 500. */
export function soapRefusal(service: 'u' | 'c', code: string, message: string): LocalAnswer {
  const body = soapFault({ fault: `urn:fault.${NAMES[service]}.soap.sforce.com`, code, message })
  const problem = code === 'INVALID_LOGIN' ? 'PROXY_KEY_REQUIRED' : 'PROXY_REQUEST_INVALID'
  return { status: 500, contentType: 'text/xml;charset=UTF-8', body, problem }
}

function xml(envelope: string): LocalAnswer {
  return {
    status: 200,
    contentType: 'text/xml;charset=UTF-8',
    body: `<?xml version="1.0" encoding="UTF-8"?>${envelope}`,
  }
}
