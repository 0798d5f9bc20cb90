import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { carriesRequests, judgeComposite } from '../../src/server/composite-policy.ts'
import { readComposite, unjudgeableBody } from '../../src/server/judged-body.ts'
import { createPathPolicy } from '../../src/server/path-policy.ts'
import { judgeReadOnly } from '../../src/server/read-only.ts'

const V = '/services/data/v62.0'
const judgePath = createPathPolicy({ allowedPaths: [], deniedPaths: ['/services/data/*/limits'] })
const judged = (body: unknown, judge = judgePath) =>
  judgeComposite(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), judge)
const composite = (...parts: unknown[]) => ({ allOrNone: true, compositeRequest: parts })
const get = (url: string) => ({ method: 'GET', url, referenceId: 'r' })

test.each([
  ['/services/data/v62.0/composite', true],
  ['/services/data/v62.0/composite/batch', true],
  ['/services/data/v62.0/composite/graph', true],
  ['/services/data/v62.0/composite/anything-new', true],
  ['/services/data/v62.0/tooling/composite', true],
  ['/services/data/v62.0/tooling/composite/batch', true],
  ['/services/data/v62.0/composite/sobjects', false],
  ['/services/data/v62.0/composite/sobjects/account', false],
  ['/services/data/v62.0/composite/tree/account', false],
  ['/services/data/v62.0/tooling/composite/sobjects', false],
  ['/services/data/v62.0/sobjects/composite', false],
  ['/services/apexrest/x/composite', false],
])('%s carries requests: %s', (path, expected) => {
  expect(carriesRequests(path)).toBe(expected)
})

describe('bodies whose parts are all allowed pass', () => {
  test.each([
    [
      'composite',
      composite(get(`${V}/query?q=SELECT Id FROM Ä WHERE Name='%zz'`), {
        method: 'POST',
        url: `${V}/sobjects/Account`,
        body: { Name: 'x' },
      }),
    ],
    [
      'batch, relative',
      { batchRequests: [{ method: 'GET', url: 'v62.0/sobjects/Account/001' }, get('services/data/v62.0/query')] },
    ],
    ['graph', { graphs: [{ graphId: '1', compositeRequest: [get(`${V}/sobjects/Account`)] }] }],
    [
      'reference to an id',
      composite(
        get(`${V}/sobjects/Account/@{newAccount.id}`),
        get(`${V}/sobjects/Account/@{q.records[0].OwnerId}/Owner`),
      ),
    ],
    ['reference in a query', composite(get(`${V}/query?q=SELECT Id FROM A WHERE B='@{a.Name}'`))],
    ['collections', composite({ method: 'POST', url: `${V}/composite/sobjects`, body: { records: [] } })],
    ['empty', composite()],
    [
      'a member name in many objects',
      composite({ ...get(`${V}/query`), body: [{ url: 1 }, { url: 2, method: '{"url":"a","url":"b"}' }] }),
    ],
  ])('%s', (_kind, body) => {
    expect(judged(body)).toBeUndefined()
  })
})

describe('one denied part refuses all', () => {
  const ok = get(`${V}/query`)
  test.each([
    ['executeAnonymous', composite(ok, get(`${V}/tooling/executeAnonymous/?anonymousBody=x`))],
    ['double slash', composite(ok, get(`//services/data/v62.0/tooling//executeAnonymous`))],
    ['encoded', composite(ok, get(`${V}/tooling/%65xecuteAnonymous`))],
    [
      'password',
      {
        graphs: [
          { compositeRequest: [ok] },
          { compositeRequest: [{ method: 'POST', url: `${V}/sobjects/User/005/password` }] },
        ],
      },
    ],
    ['batch, relative', { batchRequests: [ok, { method: 'DELETE', url: 'v62.0/sobjects/User/005/password' }] }],
    ['denied by a setting', composite(get(`${V}/limits`))],
    ['outside the API', composite(get('/secur/frontdoor.jsp'))],
    ['overridden in the query', composite(get(`${V}/tooling/sobjects/ApexClass/01p?_HttpMethod=DELETE`))],
    [
      'overridden in a header',
      composite({ ...get(`${V}/tooling/sobjects/ApexClass/01p`), httpHeaders: { 'X-HTTP-Method-Override': 'PATCH' } }),
    ],
    ['hidden beside another list', { compositeRequest: [ok], batchRequests: [get('/setup')] }],
    ['other case of the names', { CompositeRequest: [{ METHOD: 'GET', Url: '/setup' }] }],
  ])('%s', (_kind, body) => {
    const refusal = judged(body)
    expect(refusal).toMatchObject({ code: 'PROXY_PATH_REFUSED' })
    expect(refusal?.rule).not.toBe('body not judged')
    expect(refusal?.detail).toContain('sub-request')
  })
})

describe('what cannot be judged is refused', () => {
  test.each([
    ['no JSON', 'compositeRequest'],
    ['empty', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['no list of requests', '{"x":1}'],
    ['a list that is none', '{"compositeRequest":{"0":{}}}'],
    ['a graph without requests', '{"graphs":[{"graphId":"1"},1]}'],
    ['a part that is none', '{"compositeRequest":[1]}'],
    ['a nested list', '{"compositeRequest":[[{"method":"GET","url":"/services/data"}]]}'],
    ['no url', '{"compositeRequest":[{"method":"GET"}]}'],
    ['no method', '{"batchRequests":[{"url":"v62.0/limits"}]}'],
    ['two urls', '{"compositeRequest":[{"method":"GET","url":"/setup","url":"/services/data"}]}'],
    ['two urls, one escaped', '{"compositeRequest":[{"method":"GET","\\u0075rl":"/setup","url":"/services/data"}]}'],
    ['two lists in different case', '{"compositeRequest":[],"COMPOSITEREQUEST":[]}'],
    ['UTF-16', Buffer.from('{"compositeRequest":[]}', 'utf16le').toString('latin1')],
    ['XML', '<batch/>'],
    ['dot segments', JSON.stringify(composite(get('/services/data/../setup')))],
    ['absolute', JSON.stringify(composite(get('https://evil.example/')))],
    ['a composite inside', JSON.stringify(composite(get(`${V}/composite/batch`)))],
    ['a reference as resource', JSON.stringify(composite(get(`${V}/@{a.id}`)))],
    ['a reference as type', JSON.stringify(composite(get(`${V}/sobjects/@{a.id}/001`)))],
    ['a reference to free text', JSON.stringify(composite(get(`${V}/sobjects/User/@{a.Name}`)))],
    ['a reference to a custom text', JSON.stringify(composite(get(`${V}/sobjects/User/@{a.Ext_Id__c}`)))],
    ['a reference to a whole answer', JSON.stringify(composite(get(`${V}/sobjects/User/@{aid}`)))],
    ['half a segment', JSON.stringify(composite(get(`${V}/sobjects/User/x@{a.id}`)))],
    ['a second reference', JSON.stringify(composite(get(`${V}/sobjects/User/@{a.id}/@{b.Name}`)))],
    ['an encoded reference', JSON.stringify(composite(get(`${V}/sobjects/User/%40%7Ba.Name}`)))],
  ])('%s', (_kind, body) => {
    expect(judged(body)).toMatchObject({ code: 'PROXY_PATH_REFUSED', rule: 'body not judged' })
  })

  test('UTF-8 that is broken', () => {
    expect(judgeComposite(Buffer.from([0x7b, 0xff, 0x7d]), judgePath)).toBeDefined()
  })
})

test('read-only passes a composite of reads and no other', () => {
  expect(judged(composite(get(`${V}/query`)), judgeReadOnly)).toBeUndefined()
  expect(judged(composite({ method: 'POST', url: `${V}/sobjects/A` }), judgeReadOnly)).toMatchObject({
    rule: 'PROXY_READ_ONLY',
  })
})

test('hostile sizes are judged in linear time', () => {
  const long = 'a'.repeat(4_000_000)
  const started = performance.now()
  expect(judged(composite({ ...get(`${V}/query`), body: { Blob: long } }))).toBeUndefined()
  expect(judged(composite(get(`${V}/sobjects/User/@{${long}`)))).toBeDefined()
  expect(judged(composite(get(`${V}/sobjects/User/@{a.${long}}`)))).toBeDefined()
  expect(judged(composite(get(`/${long}/`)))).toBeDefined()
  expect(judged('['.repeat(1_000_000))).toBeDefined()
  expect(performance.now() - started).toBeLessThan(5_000)
})

describe('holding a body', () => {
  test('gives the very bytes, up to the limit', async () => {
    expect(await readComposite(Readable.from([Buffer.from('ab'), Buffer.from('cd')]), 4)).toEqual(Buffer.from('abcd'))
    expect(await readComposite(Readable.from([Buffer.from('ab'), Buffer.from('cde')]), 4)).toBe('too-large')
  })

  test('leaves the stream alive when it is too large, so that the caller can be answered', async () => {
    const stream = Readable.from([Buffer.from('abc'), Buffer.from('def')])
    await readComposite(stream, 2)
    expect(stream.destroyed).toBe(false)
  })

  test('rejects when the caller leaves', async () => {
    const stream = new Readable({ read: () => undefined })
    const reading = readComposite(stream, 10)
    stream.destroy(new Error('gone'))
    await expect(reading).rejects.toThrow('gone')
  })
})

test.each([
  [{}, true],
  [{ 'content-type': 'application/json' }, true],
  [{ 'content-type': 'application/json; charset="UTF-8"' }, true],
  [{ 'content-encoding': 'identity' }, true],
  [{ 'content-encoding': 'gzip' }, false],
  [{ 'content-encoding': ['gzip'] }, false],
  [{ 'content-type': 'application/json;charset=utf-16' }, false],
  [{ 'content-type': 'text/xml; charset = UTF-7' }, false],
])('a body with %j can be judged: %s', (headers, expected) => {
  expect(unjudgeableBody(headers) === undefined).toBe(expected)
})
