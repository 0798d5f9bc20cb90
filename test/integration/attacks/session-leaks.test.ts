import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

/* What would turn the token into more than the API, reveal it, or end it for everybody. */

const V = '/services/data/v62.0'
const post = (path: string, body: string, ...fields: string[]) =>
  lastHead(`POST ${path} HTTP/1.1`, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...fields) + body

/** Refused, or answered by the proxy itself: in either case the org learns nothing of it. */
async function expectKept(bytes: string, env: Record<string, string> = {}): Promise<string> {
  await using place = await startAttacked(env)
  const answer = await place.attack(bytes)
  expect(statuses(answer)).toHaveLength(1)
  await place.expectNothing()
  return answer
}

describe('by path', () => {
  test.each([
    ...['GET /secur/frontdoor.jsp?sid=x', 'POST /secur/frontdoor.jsp', 'GET /secur/logout.jsp', 'GET /secur/'],
    ...[
      'GET /services/oauth2/singleaccess',
      'POST /services/oauth2/singleaccess',
      'GET /services/oauth2/lightningoutsingleaccess',
    ],
    ...[
      'GET /services/oauth2/authorize?response_type=token',
      'POST /services/oauth2/introspect',
      'POST /services/oauth2/register',
    ],
    ...[
      'GET /services/oauth2/device',
      'GET /services/oauth2/',
      'GET /services/oauth2',
      'GET /services/oauth2/userinfo/x',
    ],
    ...[
      `GET ${V}/sobjects/User/005/password`,
      `POST ${V}/sobjects/User/005/password`,
      `DELETE ${V}/sobjects/User/005/password`,
    ],
    ...[
      `GET ${V}/tooling/executeAnonymous/?anonymousBody=x`,
      `POST ${V}/tooling/executeAnonymous`,
      `HEAD ${V}/tooling/executeAnonymous`,
    ],
    ...[
      'POST /services/Soap/s/62.0',
      'GET /services/Soap/s/62.0',
      `POST ${V}/metadata/deployRequest`,
      `PATCH ${V}/metadata/deployRequest/0Af`,
    ],
    ...[
      `POST ${V}/tooling/sobjects/ApexClass`,
      `PATCH ${V}/tooling/sobjects/ApexClass/01p`,
      `DELETE ${V}/tooling/sobjects/x`,
    ],
    ...[
      `POST ${V}/tooling/composite/sobjects`,
      `POST ${V}/tooling/composite/tree/ApexClass`,
      `DELETE ${V}/sobjects/AuthSession/0Ak`,
    ],
    ...[
      'GET /servlet/servlet.su?oid=x',
      'GET /lightning',
      'GET /aura',
      'GET /apex/x',
      'GET /_ui/x',
      'GET /sfc/x',
      'GET /services/auth/x',
    ],
  ])('%s is refused', async (request) => {
    const answer = await expectKept(lastHead(`${request} HTTP/1.1`, 'Content-Length: 0'))
    expect(statuses(answer)).toEqual([403])
    if (!request.startsWith('HEAD')) expect(answer).toContain('PROXY_PATH_REFUSED')
  })

  test.each([
    ...[
      'GET /services/oauth2/revoke?token=x',
      'POST /services/oauth2/revoke',
      'POST /services/oauth2/revoke?token=00D!ours',
    ],
    ...['POST /services/oauth2/token', 'POST /services/oauth2/token?grant_type=client_credentials'],
  ])('%s, answered here or refused, ends and reveals nothing', async (request) => {
    for (const env of [{}, { PROXY_LOGIN: 'off' }]) {
      const answer = await expectKept(lastHead(`${request} HTTP/1.1`, 'Content-Length: 0'), env)
      expect(answer).not.toContain('ours')
    }
  })

  test.each([
    `GET ${V}/tooling/executeAnonymous%3fanonymousBody=x`,
    `GET ${V}/tooling/executeAnonymous%3FanonymousBody=x%2e%2e`,
    `GET ${V}/tooling/executeAnonymous%23x`,
    'GET /services/oauth2/singleaccess%3fx',
    `POST ${V}/sobjects/User/005/password%3f`,
    `GET ${V}/limits%3f/../tooling/executeAnonymous`,
    `GET ${V}/sobjects/AuthSession/0Ak000000000001%3f_HttpMethod=DELETE`,
    `GET ${V}/sobjects/AuthSession/0Ak000000000001%3fa/b%26_HttpMethod%3DDELETE`,
  ])('%s is refused, whoever decodes it first', async (request) => {
    const answer = await expectKept(lastHead(`${request} HTTP/1.1`, 'Content-Length: 0'))
    expect(answer).toMatch(/PROXY_(?:PATH_REFUSED|REQUEST_INVALID)/)
  })

  test('a method that another field or parameter names is judged as well', async () => {
    for (const bytes of [
      lastHead(`GET ${V}/tooling/sobjects/ApexClass/01p?x=1;_HttpMethod=DELETE HTTP/1.1`),
      post(`${V}/tooling/sobjects/ApexClass/01p?_HttpMethod=GET`, '{}'),
      lastHead(`GET ${V}/tooling/sobjects/ApexClass/01p?_HttpMethod=PATCH HTTP/1.1`),
      lastHead(`GET ${V}/tooling/sobjects/ApexClass/01p?_httpmethod=DELETE HTTP/1.1`),
      lastHead(`GET ${V}/tooling/sobjects/ApexClass/01p?x=1&_%48ttpMethod=DELETE HTTP/1.1`),
      lastHead(`GET ${V}/tooling/sobjects/ApexClass/01p HTTP/1.1`, 'X-HTTP-Method-Override: DELETE'),
      lastHead(`GET ${V}/tooling/sobjects/ApexClass/01p HTTP/1.1`, 'X-HTTP-Method: delete'),
      lastHead(`GET ${V}/tooling/sobjects/ApexClass/01p HTTP/1.1`, 'X-Method-Override:  DELETE '),
      lastHead(`GET ${V}/tooling/sobjects/ApexClass/01p HTTP/1.1`, 'X_HTTP_Method_Override: DELETE'),
    ]) {
      expect(statuses(await expectKept(bytes))).toEqual([403])
    }
  })
})

describe('by composite', () => {
  const part = (url: unknown, method: unknown = 'GET', further = {}) => ({ method, url, referenceId: 'r', ...further })
  const composite = (...parts: unknown[]) => JSON.stringify({ compositeRequest: parts })
  const good = part(`${V}/limits`)
  const DENIED = `${V}/tooling/executeAnonymous/?anonymousBody=x`

  test.each([
    ['a denied part', `${V}/composite`, composite(part(DENIED))],
    ['one among good ones', `${V}/composite`, composite(good, part(DENIED), good)],
    ['a part off the API', `${V}/composite`, composite(part('/secur/frontdoor.jsp'))],
    ['a part with dot segments', `${V}/composite`, composite(part(`${V}/x/../../../../secur/frontdoor.jsp`))],
    ['a part in escapes', `${V}/composite`, composite(part(`${V}/tooling/execute%41nonymous`))],
    ['a part with escapes of JSON', `${V}/composite`, composite(part(DENIED)).replace('executeA', 'execute\\u0041')],
    ['a part of another host', `${V}/composite`, composite(part('https://evil.example/services/data'))],
    ['a part without a path', `${V}/composite`, composite(part(''))],
    ['a url that is no text', `${V}/composite`, composite(part([DENIED]))],
    ['a method that is no text', `${V}/composite`, composite(part(`${V}/limits`, ['DELETE']))],
    ['a password', `${V}/composite`, composite(part(`${V}/sobjects/User/005/password`, 'POST'))],
    ['code', `${V}/composite`, composite(part(`${V}/tooling/sobjects/ApexClass`, 'POST'))],
    ['code by an overridden method', `${V}/composite`, composite(part(`${V}/tooling/sobjects/X?_HttpMethod=POST`))],
    [
      'code by a field',
      `${V}/composite`,
      composite(part(`${V}/tooling/sobjects/X`, 'GET', { httpHeaders: { 'X-HTTP-Method-Override': 'POST' } })),
    ],
    [
      'a member in other letters',
      `${V}/composite`,
      JSON.stringify({ CompositeRequest: [{ Method: 'GET', URL: DENIED }] }),
    ],
    [
      'a member named twice',
      `${V}/composite`,
      `{"compositeRequest":[],"compositeRequest":[${JSON.stringify(part(DENIED))}]}`,
    ],
    [
      'a url named twice',
      `${V}/composite`,
      `{"compositeRequest":[{"method":"GET","url":"${V}/limits","url":"${DENIED}"}]}`,
    ],
    ['a part that refers to an answer', `${V}/composite`, composite(good, part(`${V}/tooling/@{r.word}`))],
    [
      'a composite in a composite',
      `${V}/composite`,
      composite(part(`${V}/composite`, 'POST', { body: { compositeRequest: [part(DENIED)] } })),
    ],
    ['a batch', `${V}/composite/batch`, JSON.stringify({ batchRequests: [part(DENIED)] })],
    [
      'a batch, relative',
      `${V}/composite/batch`,
      JSON.stringify({ batchRequests: [part('v62.0/tooling/executeAnonymous')] }),
    ],
    ['a batch of Connect', `${V}/connect/batch`, JSON.stringify({ batchRequests: [part(DENIED)] })],
    [
      'a batch of Connect, relative',
      `${V}/connect/batch`,
      JSON.stringify({ batchRequests: [part('/v62.0/sobjects/AuthSession/0Ak', 'HttpDelete')] }),
    ],
    ['a batch of a community', `${V}/connect/communities/0DB/batch`, JSON.stringify({ batchRequests: [part(DENIED)] })],
    ['a batch of Connect in XML', `${V}/connect/batch.xml`, '<batch><batchRequests/></batch>'],
    ['what the UI asks for', `${V}/ui-api/aggregate-ui`, composite(part(DENIED))],
    [
      'a graph',
      `${V}/composite/graph`,
      JSON.stringify({ graphs: [{ graphId: '1', compositeRequest: [part(DENIED)] }] }),
    ],
    [
      'a graph among good ones',
      `${V}/composite/graph`,
      JSON.stringify({ graphs: [{ compositeRequest: [good] }, { compositeRequest: [part(DENIED)] }] }),
    ],
    ['two lists', `${V}/composite`, JSON.stringify({ compositeRequest: [good], batchRequests: [part(DENIED)] })],
    ['that of tooling', `${V}/tooling/composite`, composite(part(DENIED))],
    ['by another spelling', `//services/data/v62.0//Composite.json;x/`, composite(part(DENIED))],
    ['no JSON', `${V}/composite`, `compositeRequest=${DENIED}`],
    ['an array', `${V}/composite`, JSON.stringify([part(DENIED)])],
    ['JSON and more', `${V}/composite`, `${composite(good)}${composite(part(DENIED))}`],
    ['a mark of byte order', `${V}/composite`, `\u00ef\u00bb\u00bf{"x":1}`],
    ['nothing', `${V}/composite`, ''],
  ])('%s refuses all', async (_what, path, body) => {
    expect(statuses(await expectKept(post(path, body)))).toEqual([403])
  })

  test.each([
    ['compressed', post(`${V}/composite`, 'x', 'Content-Encoding: gzip')],
    ['compressed by a word unknown', post(`${V}/composite`, '{}', 'Content-Encoding: identity, br')],
    ['in UTF-16', post(`${V}/composite`, '{}', 'Content-Type: application/json; charset=UTF-16LE')],
    ['in UTF-7', post(`${V}/composite`, '{}', 'Content-Type: application/json;charset="utf-7"')],
    ['with a method named elsewhere', post(`${V}/composite?_HttpMethod=PATCH`, composite(good))],
    ['larger than can be held', post(`${V}/composite`, composite(part(`${V}/query?q=${'x'.repeat(5_000)}`)))],
  ])('a body %s cannot be judged and is refused', async (_what, bytes) => {
    expect(statuses(await expectKept(bytes, { PROXY_REPLAY_LIMIT_BYTES: '4096' }))).toEqual([403])
  })

  test('what is allowed arrives byte for byte', async () => {
    await using place = await startAttacked()
    const body = ` ${composite(good, part(`${V}/sobjects/Account`, 'POST', { body: { Name: DENIED } }))}\r\n`
    expect(statuses(await place.attack(post(`${V}/composite`, body)))).toEqual([200])
    expect((await (await place.expectOne()).body).toString()).toBe(body)
  })
})

describe('by SOAP', () => {
  const envelope = (body: string) =>
    `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>${body}</e:Body></e:Envelope>`

  test.each([
    ...[
      'logout',
      'login',
      'invalidateSessions',
      'setPassword',
      'resetPassword',
      'changeOwnPassword',
      'executeAnonymous',
    ],
  ])('%s reaches no org, whatever its letters and prefix', async (operation) => {
    for (const name of [operation, operation.toUpperCase(), `p:${operation}`]) {
      const bytes = post('/services/Soap/u/62.0', envelope(`<${name} xmlns="urn:partner.soap.sforce.com"/>`))
      await expectKept(bytes, { PROXY_LOGIN: 'off' })
      await using place = await startAttacked()
      const answer = await place.attack(bytes)
      expect(answer).not.toContain('ours')
      // A login that the proxy answers itself has it ask the org, in its own words, who it is.
      const bodies = await Promise.all(place.reached().map(async ({ body }) => (await body).toString()))
      expect(bodies.join('').toLowerCase()).not.toContain(operation.toLowerCase())
    }
  })

  test.each([
    ['deploy', '/services/Soap/m/62.0', envelope('<deploy/>')],
    ['a write of metadata', '/services/Soap/m/62.0', envelope('<createMetadata/>')],
    ['a write of tooling', '/services/Soap/T/62.0', envelope('<create/>')],
    ['logout with two prefixes', '/services/Soap/u/62.0', envelope('<a:b:logout/>')],
    ['logout with an empty prefix', '/services/Soap/u/62.0', envelope('<:logout/>')],
    ['a Body with two prefixes', '/services/Soap/u/62.0', '<Envelope><a:b:Body><query/></a:b:Body></Envelope>'],
    ['logout behind a comment', '/services/Soap/u/62.0', envelope('<!-- <query/> --><logout/>')],
    ['logout behind an instruction', '/services/Soap/u/62.0', envelope('<?x <query/> ?><logout/>')],
    [
      'logout behind a Header that holds a Body',
      '/services/Soap/u/62.0',
      '<Envelope><Header><Body><query/></Body></Header><Body><logout/>',
    ],
    ['two Bodies', '/services/Soap/u/62.0', '<Envelope><Body></Body><Body><logout/></Body></Envelope>'],
    ['an entity', '/services/Soap/u/62.0', '<!DOCTYPE e [<!ENTITY x "logout">]><Envelope><Body><query/>'],
    ['CDATA', '/services/Soap/u/62.0', envelope('<![CDATA[<query/>]]><logout/>')],
    ['UTF-16', '/services/Soap/u/62.0', Buffer.from(envelope('<logout/>'), 'utf16le').toString('latin1')],
    ['another root', '/services/Soap/u/62.0', '<x><Envelope><Body><query/></Body></Envelope></x>'],
    ['no envelope', '/services/Soap/u/62.0', 'logout'],
    ['another spelling of the path', '//Services//SOAP/u/62.0/', envelope('<logout/>')],
  ])('%s reaches no org', async (_what, path, body) => {
    const answer = await expectKept(post(path, body))
    expect(answer).not.toContain('ours')
  })
})
