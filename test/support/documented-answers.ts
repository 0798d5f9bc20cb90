import { gzipSync } from 'node:zlib'

/*
 * Answers of the platform as its documentation, its clients' sources and public reports show them, byte for byte as they stand on the wire.
 */

const EDGE = [
  'Date: Tue, 16 Jun 2026 09:41:07 GMT',
  'Vary: Accept-Encoding',
  'Strict-Transport-Security: max-age=63072000; includeSubDomains',
  'X-Content-Type-Options: nosniff',
  'X-Robots-Tag: none',
  'Cache-Control: no-cache,must-revalidate,max-age=0,no-store,private',
  'Set-Cookie: CookieConsentPolicy=0:1; path=/; expires=Wed, 16-Jun-2027 09:41:07 GMT; Max-Age=31536000; secure',
  'Set-Cookie: BrowserId=rXq3VmmbEfGZJ1Ws; domain=.salesforce.com; path=/; expires=Wed, 16-Jun-2027 09:41:07 GMT; Max-Age=31536000',
  'Server: sfdcedge',
  'X-SFDC-Request-Id: 1f0f3b4a5c6d7e8f90a1b2c3d4e5f607',
]
const USAGE = 'Sforce-Limit-Info: api-usage=25/5000; per-app-api-usage=17/250(appName=sample-connected-app)'
const JSON_TYPE = 'Content-Type: application/json;charset=UTF-8'
const XML_TYPE = 'Content-Type: text/xml; charset=utf-8'

const RECORDS =
  '{"totalSize":2,"done":true,"records":[{"attributes":{"type":"CA10__CaAwsInstance__c","url":"/services/data/v62.0/sobjects/CA10__CaAwsInstance__c/a035f0000000000AAA"},"Name":"web-ü-1"},{"attributes":{"type":"CA10__CaAwsInstance__c","url":"/services/data/v62.0/sobjects/CA10__CaAwsInstance__c/a035f0000000001AAA"},"Name":null}]}'

export const DOCUMENTED_ANSWERS: Readonly<Record<string, Buffer>> = {
  'a query, gzipped and chunked, with the ETag of that coding': chunked(
    '200 OK',
    [...EDGE, USAGE, JSON_TYPE, 'ETag: "Jbjuzw7dbhaEG3fd90kJbx6A0ow=-gzip"', 'Content-Encoding: gzip'],
    gzipSync(RECORDS),
  ),
  'a created record': sized(
    '201 Created',
    [...EDGE, USAGE, JSON_TYPE, 'Location: /services/data/v62.0/sobjects/CA10__CaAwsInstance__c/a035f0000000999AAA'],
    '{"id":"a035f0000000999AAA","success":true,"errors":[]}',
  ),
  'an update': bare('204 No Content', [...EDGE, USAGE]),
  'several records of one external id': sized(
    '300 Multiple Choices',
    [...EDGE, USAGE, JSON_TYPE],
    '["/services/data/v62.0/sobjects/A/1","/services/data/v62.0/sobjects/A/2"]',
  ),
  'nothing new': bare('304 Not Modified', [...EDGE, 'ETag: "Jbjuzw7dbhaEG3fd90kJbx6A0ow="', 'Content-Length: 400']),
  'a malformed query': sized(
    '400 Bad Request',
    [...EDGE, USAGE, JSON_TYPE, 'Warning: 299 - "This API is retired for versions below 31.0."'],
    '[{"message":"\\nSELECT Nothing FROM Nowhere\\n                    ^\\nERROR at Row:1:Column:21","errorCode":"INVALID_TYPE"}]',
  ),
  'the daily limit': sized(
    '403 Forbidden',
    [...EDGE, 'Sforce-Limit-Info: api-usage=5001/5000', JSON_TYPE],
    '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]',
  ),
  'no route at the edge': bare('420 unused', ['x-sfdc-edge-err: true', 'Server: sfdcedge', 'Content-Length: 0']),
  'maintenance, in HTML and up to the end of the connection': Buffer.from(
    head('503 Service Unavailable', ['Content-Type: text/html;charset=UTF-8', 'Retry-After: 1', 'Connection: close']) +
      '<html><head><title>Service Unavailable</title></head><body>We are down for maintenance.</body></html>',
  ),
  'results of a Bulk 2.0 query': chunked(
    '200 OK',
    [
      ...EDGE,
      'Sforce-Locator: MTAwMDA',
      'Sforce-NumberOfRecords: 2',
      'Content-Type: text/csv',
      'Content-Disposition: attachment; filename=x.csv',
    ],
    Buffer.from('"Id","Name"\n"a035f0000000000AAA","a, ""b""\nc"\n"a035f0000000001AAA",""\n'),
  ),
  'a Bulk 1.0 job': sized(
    '201 Created',
    [...EDGE, 'Location: /services/async/62.0/job/750R0000000zlh9IAA', 'Content-Type: application/xml;charset=UTF-8'],
    '<?xml version="1.0" encoding="UTF-8"?><jobInfo\n   xmlns="http://www.force.com/2009/06/asyncapi/dataload">\n <id>750R0000000zlh9IAA</id>\n <state>Open</state>\n</jobInfo>',
  ),
  'a SOAP fault': sized(
    '500 Internal Server Error',
    [...EDGE, XML_TYPE],
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:MALFORMED_QUERY</faultcode><faultstring>MALFORMED_QUERY: unexpected token</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>',
  ),
  'a file, with bytes of every kind': sized(
    '200 OK',
    [
      ...EDGE,
      'Content-Type: application/octetstream',
      'Content-Security-Policy: default-src none',
      'Accept-Ranges: bytes',
    ],
    Buffer.from(Array.from({ length: 1024 }, (_, n) => n % 256)),
  ),
}

function head(status: string, fields: readonly string[]): string {
  return [`HTTP/1.1 ${status}`, ...fields, '', ''].join('\r\n')
}

function bare(status: string, fields: readonly string[]): Buffer {
  return Buffer.from(head(status, fields))
}

function sized(status: string, fields: readonly string[], body: string | Buffer): Buffer {
  const bytes = Buffer.from(body)
  return Buffer.concat([bare(status, [...fields, `Content-Length: ${bytes.length}`]), bytes])
}

/** In two chunks, as the edge sends what it compresses. */
function chunked(status: string, fields: readonly string[], body: Buffer): Buffer {
  const half = Math.ceil(body.length / 2)
  const parts = [body.subarray(0, half), body.subarray(half)].flatMap((part) => [
    Buffer.from(`${part.length.toString(16)}\r\n`),
    part,
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([bare(status, [...fields, 'Transfer-Encoding: chunked']), ...parts, Buffer.from('0\r\n\r\n')])
}
