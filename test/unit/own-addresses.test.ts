import { describe, expect, test } from 'vitest'
import {
  addressForm,
  isLoginAnswer,
  mayHoldAddresses,
  withCallerAddresses,
  type AddressForm,
} from '../../src/upstream/own-addresses.ts'

const ORG = 'https://acme.my.salesforce.com'
const HERE = 'http://localhost:8080'

const rewritten = (text: string, form: AddressForm = 'json') =>
  withCallerAddresses(text, form, { upstreamOrigin: ORG, callerOrigin: HERE })

describe('which requests may be answered with addresses', () => {
  test.each([
    ['rest', 'GET', '/services/data/v62.0'],
    ['rest', 'GET', '/services/data/v62.0/?x=y'],
    ['rest', 'GET', '//services/Data/V62.0'],
    ['identity', 'GET', '/id/00D000000000001EAA/005000000000001AAA'],
    ['identity', 'GET', '/id/00D000000000001EAA/005000000000001AAA?format=json'],
    ['identity', 'POST', '/services/oauth2/userinfo'],
    ['soap', 'POST', '/services/Soap/u/62.0'],
  ] as const)('%s: %s %s', (family, method, target) => {
    expect(mayHoldAddresses(family, method, target)).toBe(true)
  })

  test.each([
    ['rest', 'HEAD', '/services/data/v62.0'],
    ['rest', 'GET', '/services/data'],
    ['rest', 'GET', '/services/data/v62.0/limits'],
    ['rest', 'GET', '/services/data/v62.0/query?q=/services/data/v62.0'],
    ['identity', 'HEAD', '/services/oauth2/userinfo'],
    ['identity', 'GET', '/id/00D000000000001EAA'],
    ['soap', 'GET', '/services/Soap/u/62.0'],
    ['bulk1', 'GET', '/services/async/62.0/job'],
    ['streaming', 'POST', '/cometd/62.0'],
  ] as const)('not %s: %s %s', (family, method, target) => {
    expect(mayHoldAddresses(family, method, target)).toBe(false)
  })
})

describe('which answers are read', () => {
  const JSON_TYPE = { 'content-type': 'application/json;charset=UTF-8' }

  test.each([
    ['rest', JSON_TYPE, 'json'],
    ['rest', { ...JSON_TYPE, 'content-encoding': 'GZIP', 'content-length': '900' }, 'json'],
    ['identity', { 'content-type': 'application/xml' }, 'xml'],
    ['soap', { 'content-type': 'text/xml; charset=utf-8' }, 'soap'],
    ['soap', { 'content-type': 'application/soap+xml' }, 'soap'],
    ['soap', JSON_TYPE, undefined],
    ['identity', { 'content-type': 'text/html' }, undefined],
    ['identity', {}, undefined],
    ['rest', { ...JSON_TYPE, 'content-length': '70000' }, undefined],
    ['rest', { ...JSON_TYPE, 'content-encoding': 'gzip, br' }, undefined],
    ['rest', { ...JSON_TYPE, 'cache-control': 'private, no-transform' }, undefined],
  ] as const)('%s %j: %s', (family, headers, form) => {
    expect(addressForm(family, 200, headers)).toBe(form)
  })

  test.each([201, 206, 304, 401, 500])('never a %i', (status) => {
    expect(addressForm('rest', status, JSON_TYPE)).toBeUndefined()
  })
})

describe('a SOAP answer', () => {
  const envelope = (body: string) =>
    `<?xml version="1.0"?><soapenv:Envelope xmlns="urn:x"><soapenv:Header><x/></soapenv:Header><soapenv:Body>${body}`

  test.each([
    ['<loginResponse>', true],
    ['<ns1:getUserInfoResponse xmlns:ns1="urn:x">', true],
    ['\n <queryResponse>', false],
    ['<loginResponseOfAnother>', false],
    ['<soapenv:Fault>', false],
    ['<loginResp', undefined],
    ['', undefined],
  ])('whose Body begins with %j is a login’s: %s', (body, isLogin) => {
    expect(isLoginAnswer(envelope(body))).toBe(isLogin)
  })

  test('has its two addresses rewritten, and no other text', () => {
    const answer = (origin: string) =>
      `<metadataServerUrl>${origin}/services/Soap/m/62.0/00D</metadataServerUrl><sf:serverUrl>${origin}/services/Soap/u/62.0/00D</sf:serverUrl><note>${ORG}/services/Soap/u</note><serverUrl/>`
    expect(rewritten(answer(ORG), 'soap')).toBe(answer(HERE).replace(`<note>${HERE}`, `<note>${ORG}`))
  })
})

describe('an address in JSON', () => {
  test.each([
    [`{"identity":"https://login.salesforce.com/id/00D/005"}`, `{"identity":"${HERE}/id/00D/005"}`],
    [`{"custom_domain" : "${ORG}"}`, `{"custom_domain" : "${HERE}"}`],
    [`{"rest":"${ORG}/services/data/v{version}/","n":1}`, `{"rest":"${HERE}/services/data/v{version}/","n":1}`],
    [`{"a":"https:\\/\\/acme.my.salesforce.com\\/services\\/Soap"}`, `{"a":"${HERE}\\/services\\/Soap"}`],
  ])('of the org becomes the caller’s: %s', (from, to) => {
    expect(rewritten(from)).toBe(to)
  })

  test.each([
    // An identifier, that clients compare.
    '{"sub":"https://login.salesforce.com/id/00D/005"}',
    // A page for people.
    `{"profile":"${ORG}/005000000000001AAA"}`,
    `{"picture":"https://acme.file.force.com/services/x"}`,
    '{"a":"https://salesforce.com.attacker.example/services/data"}',
    '{"a":"https://notsalesforce.com/services/data"}',
    '{"a":"http://login.salesforce.com/services/data"}',
    '{"a":"https://[/services/data"}',
    '{"a":"/services/data/v62.0"}',
    `{"a":"see ${ORG}/services/data"}`,
    `{"a":["${ORG}/services/data"]}`,
  ])('of another kind stays: %s', (text) => {
    expect(rewritten(text)).toBe(text)
  })
})

test('an address in XML becomes the caller’s', () => {
  const xml = (origin: string) =>
    `<user><id>${origin}/id/1/2</id><p>${ORG}/005</p><custom_domain>${origin}</custom_domain></user>`
  expect(rewritten(xml(ORG), 'xml')).toBe(xml(HERE))
})

test('text that looks like many addresses takes no time to speak of', () => {
  const text = `{"a":"${'https://'.repeat(8000)}`
  expect(rewritten(text)).toBe(text)
  const xml = '>https://a'.repeat(6000)
  expect(rewritten(xml, 'xml')).toBe(xml)
  for (const keys of ['"'.repeat(60_000), '\\"'.repeat(30_000), '"a"'.repeat(20_000), `"a"${' '.repeat(60_000)}`]) {
    expect(rewritten(keys)).toBe(keys)
  }
})
