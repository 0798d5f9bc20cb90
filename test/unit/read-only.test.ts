import { expect, test } from 'vitest'
import { judgeReadOnly } from '../../src/server/read-only.ts'

const V = '/services/data/v62.0'

test.each([
  ['GET', `${V}/sobjects/account/001`],
  ['HEAD', V],
  ['OPTIONS', V],
  ['POST', `${V}/query`],
  ['POST', `${V}/queryall`],
  ['POST', `${V}/search`],
  ['POST', `${V}/parameterizedsearch`],
  ['POST', `${V}/tooling/query`],
  ['POST', `${V}/jobs/query`],
  ['POST', `${V}/composite/sobjects/account`],
  ['GET', '/services/async/62.0/job/750'],
])('%s %s only reads', (method, path) => {
  expect(judgeReadOnly(method, path)).toBeUndefined()
})

test.each([
  ['GET', `${V}/tooling/executeanonymous`],
  ['HEAD', `${V}/tooling/executeanonymous/x`],
  ['GET', `${V}/tooling/runtestsasynchronous`],
  ['GET', `${V}/tooling/runtestssynchronous`],
  ['POST', `${V}/sobjects/account`],
  ['POST', `${V}/query/x`],
  ['PATCH', `${V}/query`],
  ['DELETE', `${V}/sobjects/account/001`],
  ['PUT', `${V}/jobs/ingest/750/batches`],
  ['POST', `${V}/jobs/ingest`],
  ['PATCH', `${V}/jobs/query/750`],
  ['POST', `${V}/composite/sobjects`],
  ['PATCH', `${V}/composite/sobjects/account`],
  ['PATCH', `${V}/composite/sobjects/account/ext__c`],
  ['POST', `${V}/composite/tree/account`],
  ['POST', `${V}/graphql`],
  ['POST', '/services/async/62.0/job'],
  ['POST', '/services/apexrest/x'],
  ['POST', '/cometd/62.0'],
  ['PROPFIND', V],
])('%s %s could change something', (method, path) => {
  expect(judgeReadOnly(method, path)).toMatchObject({ code: 'PROXY_METHOD_REFUSED', rule: 'PROXY_READ_ONLY' })
})
