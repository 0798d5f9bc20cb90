import { expect, test } from 'vitest'
import { lastHead, startAttacked } from '../support/attacked.ts'
import { startGuarded } from '../support/guarded-app.ts'
import { sendRaw, statuses } from '../support/raw-bytes.ts'

/* A path that is spelt oddly means to the whole proxy what it means to the policy. */

const envelope = (operation: string) => `<Envelope><Body><${operation}/></Body></Envelope>`
const post = (path: string, body: string, ...fields: string[]) =>
  lastHead(`POST ${path} HTTP/1.1`, `Content-Length: ${body.length}`, ...fields) + body

test.each([
  ['/services/%53oap/u/62.0', 'soap', '<soapenv:Fault>'],
  ['//services/Soap;x=y/U/62.0', 'soap', 'urn:fault.partner.soap.sforce.com'],
  ['/services/S%6fap/%6d/62.0', 'soap', 'http://soap.sforce.com/2006/04/metadata'],
  ['/services/%61sync/62.0/job', 'bulk1', '<exceptionCode>'],
  ['/%63ometd/62.0', 'streaming', 'PROXY_METHOD_REFUSED'],
])('what is refused at %s is told and logged as %s', async (path, family, words) => {
  await using guarded = await startGuarded({ isReadOnly: true })
  const answer = await sendRaw(guarded, post(path, envelope('merge')), 'stay')
  expect(statuses(answer)).toEqual([405])
  expect(answer).toContain(words)
  expect(guarded.lines()).toContainEqual(expect.objectContaining({ msg: 'request', family, status: 405 }))
})

test('a caller who may not ask is told so in the language of the family', async () => {
  await using guarded = await startGuarded()
  const path = '/services/%53oap/u/62.0'
  for (const fields of [['Sec-Fetch-Site: cross-site'], ['Origin: https://evil.example'], ['Upgrade: websocket']]) {
    const answer = await sendRaw(guarded, post(path, envelope('query'), ...fields), 'stay')
    expect(answer).toContain('<soapenv:Fault>')
  }
  expect(guarded.lines().map(({ family }) => family)).toEqual(['soap', 'soap', 'soap'])
})

test.each([
  ['/services/%53oap/%75/62.0', 'urn:partner.soap.sforce.com'],
  ['/services/Soap/%63lass/pkg/M%79Class', 'http://soap.sforce.com/schemas/class/pkg/MyClass'],
])('an envelope without a session, sent to %s, gets ours in its namespace', async (path, namespace) => {
  await using place = await startAttacked({ PROXY_ALLOWED_PATHS: '/services/Soap/class' })
  expect(statuses(await place.attack(post(path, envelope('query'))))).toEqual([200])
  const { target, body } = await place.expectOne()
  expect(target).toBe(path)
  expect((await body).toString()).toContain(`<SessionHeader xmlns="${namespace}"><sessionId>00D`)
})
