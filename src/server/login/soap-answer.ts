import type { LocalAnswer } from './local-call.ts'
import { element } from './xml.ts'

const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/'
const XSI = 'http://www.w3.org/2001/XMLSchema-instance'
const NAMES = { u: 'partner', c: 'enterprise' } as const

/** An envelope whose results have neither prefix nor attribute: jsforce and simple-salesforce look for them with regular expressions. */
export function soapAnswer(service: 'u' | 'c', content: string): LocalAnswer {
  return xml(
    200,
    `<soapenv:Envelope xmlns:soapenv="${SOAP}" xmlns="urn:${NAMES[service]}.soap.sforce.com" xmlns:xsi="${XSI}"><soapenv:Body>${content}</soapenv:Body></soapenv:Envelope>`,
  )
}

/** A refusal as the platform's SOAP services tell it. SOAP 1.1 §6.2: the status is 500. */
export function soapFault(service: 'u' | 'c', code: string, message: string): LocalAnswer {
  const name = code === 'INVALID_LOGIN' ? 'LoginFault' : 'UnexpectedErrorFault'
  const detail = element('sf:exceptionCode', code) + element('sf:exceptionMessage', message)
  const fault = `<faultcode>sf:${code}</faultcode>${element('faultstring', `${code}: ${message}`)}<detail><sf:${name} xsi:type="sf:${name}">${detail}</sf:${name}></detail>`
  return xml(
    500,
    `<soapenv:Envelope xmlns:soapenv="${SOAP}" xmlns:sf="urn:fault.${NAMES[service]}.soap.sforce.com" xmlns:xsi="${XSI}"><soapenv:Body><soapenv:Fault>${fault}</soapenv:Fault></soapenv:Body></soapenv:Envelope>`,
  )
}

function xml(status: number, envelope: string): LocalAnswer {
  return { status, contentType: 'text/xml;charset=UTF-8', body: `<?xml version="1.0" encoding="UTF-8"?>${envelope}` }
}
