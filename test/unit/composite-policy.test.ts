import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { carriesRequests, judgeComposite } from '../../src/server/composite-policy.ts'
import { readBody, unjudgeableBody } from '../../src/server/judged-body.ts'
import { createPathPolicy } from '../../src/server/path-policy.ts'
import { judgeReadOnly } from '../../src/server/read-only.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'

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
  ['/services/data/v62.0/connect/batch', true],
  ['/services/data/v62.0/connect/communities/0db000000000001/batch', true],
  ['/services/data/v62.0/tooling/composite', true],
  ['/services/data/v62.0/tooling/composite/batch', true],
  ['/services/data/v62.0/composite/sobjects', false],
  ['/services/data/v62.0/composite/sobjects/account', false],
  ['/services/data/v62.0/composite/tree/account', false],
  ['/services/data/v62.0/tooling/composite/sobjects', false],
  ['/services/data/v62.0/sobjects/composite', false],
  ['/services/apexrest/x/composite', false],
  ['/services/data/v62.0/chatter/feed-elements/batch', false],
  ['/services/data/v62.0/connect/communities/0db000000000001/chatter/feed-elements/batch', false],
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
    ['batch, relative from the version on', { batchRequests: [ok, get('/v62.0/tooling/executeAnonymous')] }],
    [
      'batch, by the words of Connect',
      { batchRequests: [{ method: 'HttpDelete', url: '/v62.0/sobjects/AuthSession/0Ak' }] },
    ],
    ['batch, relative', { batchRequests: [ok, { method: 'DELETE', url: 'v62.0/sobjects/User/005/password' }] }],
    ['denied by a setting', composite(get(`${V}/limits`))],
    ['outside the API', composite(get('/secur/frontdoor.jsp'))],
    ['overridden in the query', composite(get(`${V}/tooling/sobjects/ApexClass/01p?_HttpMethod=DELETE`))],
    [
      'overridden in a header',
      composite({ ...get(`${V}/tooling/sobjects/ApexClass/01p`), httpHeaders: { 'X-HTTP-Method-Override': 'PATCH' } }),
    ],
    ['a session', composite({ method: 'DELETE', url: `${V}/composite/sobjects?ids=001000000000001,0Ak000000000001` })],
    ['a session, overridden', composite(get(`${V}/composite/sobjects?_HttpMethod=DELETE&ids=%30Ak000000000001AAA`))],
    [
      'a session, relative',
      { batchRequests: [{ method: 'DELETE', url: 'v62.0/composite/sobjects/?x&ids=0Ak000000000001' }] },
    ],
    [
      'a session in a graph',
      {
        graphs: [{ compositeRequest: [{ method: 'DELETE', url: `${V}/composite/sobjects.json?ids=0Ak000000000001` }] }],
      },
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
    ['a batch of Connect inside', JSON.stringify(composite({ method: 'POST', url: `${V}/connect/batch` }))],
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

describe('a reference in the ids of a deletion', () => {
  const remove = (ids: string) => ({ method: 'DELETE', url: `${V}/composite/sobjects?ids=${ids}` })
  const ask = (soql: string) => get(`${V}/query?q=${soql}`)

  test.each([
    [
      'ids of records that were asked for',
      ask('SELECT Id, Name FROM Account ORDER BY Id, Name'),
      '@{r.records[0].Id},@{r.records[1].Id}',
    ],
    [
      'a record that was made',
      { method: 'POST', url: `${V}/sobjects/Account`, body: { Name: 'was paid, from A' } },
      '@{r.id}',
    ],
    [
      'of a type of record',
      ask('SELECT TYPEOF Owner WHEN User THEN Id, Name ELSE Id END, (SELECT Id FROM Contacts) FROM Account'),
      '@{r.records[0].OwnerId}',
    ],
  ])('passes with %s', (_what, first, ids) => {
    expect(judged(composite(first, remove(ids)))).toBeUndefined()
  })

  test.each([
    ['sessions', ask('SELECT Id FROM AuthSession'), '@{r.records[0].Id}'],
    ['sessions, escaped', ask('SELECT%20Id%20FROM%20%41uthSession'), '@{r.records[0].Id}'],
    [
      'a field that names a session',
      ask('SELECT FIELDS(ALL) FROM SessionPermSetActivation LIMIT 9'),
      '@{r.records[0].AuthSessionId}',
    ],
    [
      'sessions, asked for in a body',
      { method: 'POST', url: `${V}/query`, body: { q: 'SELECT Id FROM AuthSession' } },
      '@{r.records[0].Id}',
    ],
    ['any text', ask('SELECT Name FROM Account'), '@{r.records[0].Name}'],
    ['any text by another name', ask('SELECT MAX(Name) fooId FROM Account'), '@{r.records[0].fooId}'],
    ['any text by another name, close by', ask('SELECT MAX(Name)fooId,Id FROM Account'), '@{r.records[0].fooId}'],
    ['any text by a name of its own', ask('SELECT+Name%0aId+FROM+Account+GROUP+BY+Name'), '@{r.records[0].Id}'],
    ['a reference in escapes', ask('SELECT Id FROM Account'), '%40%7Br.records[0].Id}'],
    ['one in escapes beside another', ask('SELECT Id FROM Account'), '@{r.records[0].Id},@%7br.records[0].Name}'],
  ])('is refused where it may bring %s', (_what, first, ids) => {
    expect(judged(composite(first, remove(ids)))).toMatchObject({ rule: '/services/data/*/sobjects/**/authsession/**' })
  })
})

test('a reference stands in no path where a query gave any text the name of an id', () => {
  const query = get(`${V}/query?q=SELECT MAX(Name) xId FROM Account`)
  const change = { method: 'DELETE', url: `${V}/sobjects/User/@{r.records[0].xId}` }
  expect(judged(composite(query, change))).toMatchObject({ rule: 'body not judged' })
})

test('read-only passes a composite of reads and no other', () => {
  expect(judged(composite(get(`${V}/query`)), judgeReadOnly)).toBeUndefined()
  expect(
    judged({ batchRequests: [{ method: 'HttpGet', url: '/v62.0/chatter/feeds/news/me' }] }, judgeReadOnly),
  ).toBeUndefined()
  expect(judged({ batchRequests: [{ method: 'HttpPost', url: '/v62.0/query' }] }, judgeReadOnly)).toBeUndefined()
  expect(judged({ batchRequests: [{ method: 'HttpPatch', url: '/v62.0/query' }] }, judgeReadOnly)).toBeDefined()
  expect(judged(composite({ method: 'POST', url: `${V}/sobjects/A` }), judgeReadOnly)).toMatchObject({
    rule: 'PROXY_READ_ONLY',
  })
})

test('hostile sizes are judged as small ones are', () => {
  const long = 'a'.repeat(4_000_000)
  expect(judged(composite({ ...get(`${V}/query`), body: { Blob: long } }))).toBeUndefined()
  expect(judged(composite(get(`${V}/sobjects/User/@{${long}`)))).toBeDefined()
  expect(judged(composite(get(`${V}/sobjects/User/@{a.${long}}`)))).toBeDefined()
  expect(judged(composite(get(`/${long}/`)))).toBeDefined()
  const repeated = (piece: string, times: number) => {
    const hostile = piece.repeat(times)
    const change = { method: 'DELETE', url: `${V}/composite/sobjects?ids=${hostile}@{a.id}` }
    return judged(composite(get(`${V}/query?q=@{a.id}${hostile}`), change))?.rule
  }
  for (const piece of ['a', ' ', ') ', 'id ', '@{', '%7', 'a id '])
    expect(repeated(piece, 400_000 / piece.length), piece).toBe(repeated(piece, 100))
  expect(judged('['.repeat(1_000_000))).toBeDefined()
})

const roomFor = (limitBytes: number, totalBytes = 1_000) => ({
  limitBytes,
  claim: new BodyMemory({ totalBytes }).claim({ isNeeded: true }),
})

describe('holding a body', () => {
  test('gives the very bytes, up to the limit', async () => {
    const [four, five] = [Readable.from([Buffer.from('ab'), Buffer.from('cd')]), Readable.from([Buffer.from('abcde')])]
    expect(await readBody(four, roomFor(4))).toEqual(Buffer.from('abcd'))
    expect(await readBody(five, roomFor(4))).toBe('too-large')
  })

  test('leaves the stream alive when it is too large, so that the caller can be answered', async () => {
    const stream = Readable.from([Buffer.from('abc'), Buffer.from('def')])
    await readBody(stream, roomFor(2))
    expect(stream.destroyed).toBe(false)
  })

  test('rejects when the caller leaves', async () => {
    const stream = new Readable({ read: () => undefined })
    const reading = readBody(stream, roomFor(10))
    stream.destroy(new Error('gone'))
    await expect(reading).rejects.toThrow('gone')
  })

  test('rejects where the shared memory is used up, and leaves the stream alive', async () => {
    const stream = Readable.from([Buffer.from('abc'), Buffer.from('def')])
    await expect(readBody(stream, roomFor(10, 5))).rejects.toMatchObject({ code: 'PROXY_MEMORY_FULL' })
    expect(stream.destroyed).toBe(false)
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
