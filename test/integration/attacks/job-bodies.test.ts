import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { ebcdic } from '../../support/ebcdic.ts'
import { statuses } from '../../support/raw-bytes.ts'

/* A Bulk job may be sent in forms that the proxy cannot read. What it cannot read it does not pass on. */

const V1 = '/services/async/62.0/job'
const V2 = '/services/data/v62.0/jobs/ingest'
const post = (path: string, body: string, type: string, ...fields: string[]) =>
  lastHead(
    `POST ${path} HTTP/1.1`,
    `Content-Length: ${Buffer.byteLength(body, 'latin1')}`,
    `Content-Type: ${type}`,
    ...fields,
  ) + body
const latin1 = (bytes: Buffer) => bytes.toString('latin1')
const JSON_TYPE = 'application/json'
const FORM = 'multipart/form-data; boundary=BOUNDARY'

const job = (object: string) => `{"object":"${object}","contentType":"CSV","operation":"delete"}`
const info = (object: string, encoding = 'UTF-8') =>
  `<?xml version="1.0" encoding="${encoding}"?><jobInfo xmlns="u"><operation>delete</operation><object>${object}</object></jobInfo>`
const form = (jobBody: string, data = 'Id\n500000000000001\n', type = JSON_TYPE) =>
  [
    ...['--BOUNDARY', `Content-Type: ${type}`, 'Content-Disposition: form-data; name="job"', '', jobBody],
    ...['--BOUNDARY', 'Content-Type: text/csv', 'Content-Disposition: form-data; name="content"; filename="content"'],
    ...['', data, '--BOUNDARY--', ''],
  ].join('\r\n')

test.each([
  ['EBCDIC that says so', post(V1, latin1(ebcdic(info('AuthSession', 'IBM037'))), 'application/xml')],
  ['an encoding that hides letters', post(V1, info('+AEE-uthSession', 'UTF-7'), 'application/xml')],
  ['letters written longer than they are', post(V2, job('\u00C1\u0081uthSession'), JSON_TYPE)],
  ['two charsets', post(V2, latin1(ebcdic(job('x'))), `${JSON_TYPE}; charset=utf-8; charset=IBM037`)],
  ['a charset of another name', post(V2, job('x'), `${JSON_TYPE}; charset*=IBM037''x`)],
  ['XML among parts', post(V2, form(info('&#65;uthSession'), '', 'application/xml'), FORM)],
  ['an EBCDIC part', post(V2, form(latin1(ebcdic(job('AuthSession'))), '', `${JSON_TYPE}; charset=IBM037`), FORM)],
  ['an EBCDIC part that does not say so', post(V2, form(latin1(ebcdic(job('AuthSession')))), FORM)],
  ['parts in XML', post(V2, `<x>\r\n${form(job('\\u0041uthSession'))}</x>`, `text/xml, ${FORM}`)],
  ['text, 1.0', post(V1, 'hello there', 'application/xml')],
  ['text, 2.0', post(V2, 'hello there', JSON_TYPE)],
  ['a form', post(V2, 'object=Account', 'application/x-www-form-urlencoded')],
  ['JSON and more', post(V2, `${job('Account')}x`, JSON_TYPE)],
  ['parts that do not say so', post(V2, form(job('Account')), JSON_TYPE)],
  ['JSON that says it has parts', post(V2, job('Account'), FORM)],
  ['no form, in a query', post('/services/data/v62.0/query', latin1(ebcdic('q=x')), 'text/plain')],
])('%s is refused', async (_what, bytes) => {
  await using place = await startAttacked()
  const answer = await place.attack(bytes)
  expect(statuses(answer)).toEqual([403])
  expect(answer).toContain('PROXY_PATH_REFUSED')
  await place.expectNothing()
})

const QUERY = '/services/data/v62.0/query?_HttpMethod=GET'

test.each([
  ['data that speaks of sessions', post(V2, form(job('Case'), 'Id,Subject\n5,AuthSession rows vanish'), FORM)],
  ['data that is no UTF-8', post(V2, form(job('Case'), 'Id,Subject\n5,\u00E9t\u00E9'), FORM)],
  ['parts in gzip', post(V2, latin1(gzipSync(form(job('Case')))), FORM, 'Content-Encoding: gzip')],
  ['parts of XML', post(V2, form(info('Case'), '', 'application/xml; charset=UTF-8'), FORM)],
  ['XML in UTF-8', post(V1, info('Case'), "application/xml; charset='utf-8'")],
  ['XML in Latin-1', post(V1, info('Case', 'ISO-8859-1'), 'application/xml')],
  ['a query in a form', post(QUERY, 'q=SELECT+Id+FROM+Case', 'application/x-www-form-urlencoded')],
  ['two characters', post('/services/data/v62.0/jobs/query', '{}', JSON_TYPE)],
  ['nothing', post(V2, ' ', JSON_TYPE)],
])('%s passes byte for byte', async (_what, bytes) => {
  await using place = await startAttacked()
  expect(statuses(await place.attack(bytes))).toEqual([200])
  const bodies = await Promise.all(place.reached().map(({ body }) => body))
  expect(bodies).toHaveLength(1)
  expect(bytes.endsWith(`\r\n\r\n${latin1(Buffer.concat(bodies))}`)).toBe(true)
})

test('a query in a form is read as the form that it is', async () => {
  await using place = await startAttacked()
  for (const body of ['q=SELECT+Id+FROM+%4fauthToken', '%71=SELECT+Id+FROM+OauthToken', '{"q":"\\u004fauthToken"}']) {
    const answer = await place.attack(post(QUERY, body, 'application/x-www-form-urlencoded'))
    expect(statuses(answer)).toEqual([403])
    expect(answer).toContain('oauthtoken')
    await place.expectNothing()
  }
})

test.each([["'utf-8'"], ['"utf-8"'], ['utf-8']])('SOAP in charset=%s passes', async (charset) => {
  await using place = await startAttacked()
  const envelope =
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><query xmlns="urn:partner.soap.sforce.com"/></e:Body></e:Envelope>'
  const answer = await place.attack(post('/services/Soap/u/62.0', envelope, `text/xml; charset=${charset}`))
  expect(statuses(answer)).toEqual([200])
  await place.expectOne()
})
