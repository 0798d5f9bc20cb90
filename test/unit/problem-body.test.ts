import { SaxesParser } from 'saxes'
import { expect, test } from 'vitest'
import { problemBody } from '../../src/server/problem-body.ts'

const MESSAGE = 'It is <refused> & "so" on.'
const body = (method: string, url: string, headers = {}) =>
  problemBody({ method, policyPath: url, headers }, 'PROXY_PATH_REFUSED', MESSAGE)

/** The text of each element, by name; throws where the document is not well-formed. */
function texts(xml: string): Record<string, string> {
  const found: Record<string, string> = {}
  const parser = new SaxesParser({ xmlns: true })
  let name = ''
  parser.on('opentag', (tag) => {
    name = tag.name
  })
  parser.on('text', (text) => {
    found[name] = text
  })
  parser.write(xml).close()
  return found
}

test.each([
  ['GET', '/services/data/v62.0/limits'],
  ['POST', '/services/apexrest/x'],
  ['GET', '/services/Soap/u/64.0'],
  ['POST', '/cometd/62.0'],
  ['GET', '/nowhere'],
])('%s %s is told in JSON', (method, url) => {
  const { contentType, body: text } = body(method, url)
  expect(contentType).toBe('application/json;charset=UTF-8')
  expect(JSON.parse(text)).toEqual([{ errorCode: 'PROXY_PATH_REFUSED', message: MESSAGE }])
})

test.each([
  ['/services/Soap/u/64.0', 'urn:fault.partner.soap.sforce.com'],
  ['//services/Soap/c/64.0/00D', 'urn:fault.enterprise.soap.sforce.com'],
  ['/services/soap/m', 'http://soap.sforce.com/2006/04/metadata'],
  ['/services/Soap/class/My', 'urn:fault.partner.soap.sforce.com'],
])('a POST to %s is told by a fault', (url, namespace) => {
  const { contentType, body: text } = body('POST', url)
  expect(contentType).toBe('text/xml;charset=UTF-8')
  expect(text).toContain(`xmlns:sf="${namespace}"`)
  expect(texts(text)).toEqual({
    faultcode: 'sf:UNKNOWN_EXCEPTION',
    faultstring: `UNKNOWN_EXCEPTION: PROXY_PATH_REFUSED: ${MESSAGE}`,
    'sf:exceptionCode': 'UNKNOWN_EXCEPTION',
    'sf:exceptionMessage': `PROXY_PATH_REFUSED: ${MESSAGE}`,
  })
})

test('Bulk 1.0 is told in XML, or in the JSON that it speaks', () => {
  const job = '/services/async/62.0/job'
  const inXml = body('POST', job, { 'content-type': 'application/xml' })
  expect(inXml.contentType).toBe('application/xml;charset=UTF-8')
  const told = { exceptionCode: 'Unknown', exceptionMessage: `PROXY_PATH_REFUSED: ${MESSAGE}` }
  expect(texts(inXml.body)).toEqual(told)
  for (const headers of [{ 'content-type': 'application/json' }, { accept: 'application/json' }]) {
    expect(JSON.parse(body('POST', job, headers).body)).toEqual(told)
  }
})
