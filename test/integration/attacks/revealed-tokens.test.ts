import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

/* OauthToken tells tokens, and what ends them at the login host without a login (DeleteToken). Queries are the only way to it. */

const V = '/services/data/v62.0'
const SOQL = 'SELECT DeleteToken FROM OauthToken'
const ask = (request: string) => lastHead(`${request} HTTP/1.1`)
const send = (request: string, body: string, ...fields: string[]) =>
  lastHead(`${request} HTTP/1.1`, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...fields) + body
const q = (soql: string) => soql.replaceAll(' ', '+')
const envelope = (operation: string, soql: string) =>
  `<Envelope><Body><${operation}><queryString>${soql}</queryString></${operation}></Body></Envelope>`
const latin1 = (bytes: Buffer) => bytes.toString('latin1')
const gzipped = (text: string) => latin1(gzipSync(text))

describe('a query for tokens reaches no org', () => {
  test.each([
    ['by REST', ask(`GET ${V}/query?q=${q(SOQL)}`)],
    ['in small letters', ask(`GET ${V}/query/?q=${q(SOQL).toLowerCase()}`)],
    ['encoded', ask(`GET ${V}/query?q=SELECT%20Id%20FROM%20%4f%41uth%54oken%20LIMIT%201`)],
    ['encoded throughout', ask(`GET ${V}/query?%71=FROM%20%6F%61%75%74%68%74%6F%6B%65%6e`)],
    ['of the deleted', ask(`GET ${V}/queryAll?q=${q(SOQL)}`)],
    ['of tooling', ask(`GET ${V}/tooling/query?q=${q(SOQL)}`)],
    ['explained', ask(`GET ${V}/query?explain=${q(SOQL)}`)],
    ['in a body', send(`POST ${V}/query`, JSON.stringify({ query: SOQL }))],
    ['in the body of a GET', send(`GET ${V}/query`, JSON.stringify({ query: SOQL }))],
    [
      'of GraphQL',
      send(`POST ${V}/graphql`, '{"query":"{ uiapi { query { \\u004fauthToken { edges { node { Id } } } } } }"}'),
    ],
    ['by a Bulk 2.0 job', send(`POST ${V}/jobs/query`, JSON.stringify({ operation: 'query', query: SOQL }))],
    [
      'by a Bulk 2.0 job in gzip',
      send(`POST ${V}/jobs/query`, gzipped(JSON.stringify({ query: SOQL })), 'Content-Encoding: gzip'),
    ],
    ['by a Bulk 1.0 job', send('POST /services/async/62.0/job', '<jobInfo><object>OauthToken</object></jobInfo>')],
    [
      'in a composite',
      send(
        `POST ${V}/composite`,
        JSON.stringify({ compositeRequest: [{ method: 'GET', url: `${V}/query?q=${SOQL}` }] }),
      ),
    ],
    [
      'in the body of a part',
      send(
        `POST ${V}/composite/batch`,
        JSON.stringify({ batchRequests: [{ method: 'POST', url: 'v62.0/query', richInput: { q: SOQL } }] }),
      ),
    ],
    ['by SOAP', send('POST /services/Soap/u/62.0', envelope('query', SOQL))],
    ['by SOAP, of the deleted', send('POST /services/Soap/c/62.0', envelope('queryAll', SOQL))],
    [
      'by SOAP, in pieces',
      send('POST /services/Soap/T/62.0', envelope('query', 'SELECT Id FROM O&#97;uth<!-- -->To<![CDATA[ken]]>')),
    ],
    [
      'by SOAP, in gzip',
      send('POST /services/Soap/u/62.0', gzipped(envelope('query', SOQL)), 'Content-Encoding: gzip'),
    ],
  ])('%s', async (_how, bytes) => {
    await using place = await startAttacked({ PROXY_LOGIN: 'off' })
    const answer = await place.attack(bytes)
    expect(statuses(answer)).toEqual([403])
    expect(answer).toContain('sobjects/oauthtoken/**')
    await place.expectNothing()
  })
})

test('who names the rule may ask, by any of them', async () => {
  await using place = await startAttacked({ PROXY_ALLOWED_PATHS: '/services/data/*/sobjects/OauthToken/**' })
  for (const bytes of [
    ask(`GET ${V}/query?q=${q(SOQL)}`),
    send(`POST ${V}/jobs/query`, JSON.stringify({ query: SOQL })),
    send('POST /services/Soap/u/62.0', envelope('query', SOQL)),
  ]) {
    expect(statuses(await place.attack(bytes))).toEqual([200])
    await place.expectOne()
  }
})

test('what the type is like may be asked, and for all that is only called similarly', async () => {
  await using place = await startAttacked()
  for (const bytes of [
    ask(`GET ${V}/sobjects/OauthToken/describe`),
    ask(`GET ${V}/query?q=SELECT+Id+FROM+MyOauthToken__c`),
    ask(`GET ${V}/sobjects/Note?fields=OauthToken`),
    send('POST /services/Soap/u/62.0', envelope('query', 'SELECT OauthTokenName__c FROM Account')),
    send('POST /services/Soap/u/62.0', envelope('describeSObjects', 'OauthToken')),
  ]) {
    expect(statuses(await place.attack(bytes))).toEqual([200])
    await place.expectOne()
  }
})
