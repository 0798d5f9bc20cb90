import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked, TOKEN } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

const V = '/services/data/v62.0'
const GET = `GET ${V}/limits HTTP/1.1`
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('whatever session a caller brings, one arrives: ours', () => {
  test.each([
    ['its own', lastHead(GET, 'Authorization: Bearer theirs')],
    ['its own, in odd letters', lastHead(GET, 'aUTHORIZATION: OAuth theirs')],
    ['two', lastHead(GET, 'Authorization: Bearer theirs', 'Authorization: Basic dGhlaXJz')],
    ['none, in two fields', lastHead(GET, 'Authorization:', 'authorization:   ')],
    ['a Connection that names it', lastHead(GET, 'Connection: close, authorization', 'Authorization: Bearer theirs')],
    ['a Connection that names ours alone', lastHead(GET, 'Connection: Authorization')],
    ['several Connections', lastHead(GET, 'Connection: x-a', 'Connection: AUTHORIZATION , X-SFDC-Session')],
    ['a Connection that names Host and Via', lastHead(GET, 'Connection: host, via, user-agent, content-length')],
    ['a Keep-Alive that names it', lastHead(GET, 'Keep-Alive: authorization', 'Proxy-Connection: authorization')],
    ['that of Bulk', lastHead(GET, 'X-SFDC-Session: theirs')],
    [
      'an underscored twin',
      lastHead(GET, 'X_SFDC_Session: theirs', 'X-SFDC_Session: theirs', 'PROXY_AUTHORIZATION: x'),
    ],
    ['a cookie', lastHead(GET, 'Cookie: sid=theirs; other=1', 'cookie: sid=again')],
    ['a parameter', lastHead(`GET ${V}/limits?oauth_token=theirs&x=1 HTTP/1.1`)],
    ['a parameter in escapes', lastHead(`GET ${V}/limits?x=1&%6fauth%5Ftoken=theirs&Access_Token=theirs HTTP/1.1`)],
    ['a session parameter', lastHead(`GET ${V}/limits?sid=theirs HTTP/1.1`)],
    ['for the proxy before us', lastHead(GET, `Proxy-Authorization: Basic ${base64('a:b')}`)],
    ['a key', lastHead(GET, 'X-Api-Key: theirs')],
  ])('%s', async (_what, bytes) => {
    await using place = await startAttacked()
    expect(statuses(await place.attack(bytes))).toEqual([200])
    const { target, rawHeaders } = await place.expectOne()
    expect(target + rawHeaders.join('\n')).not.toContain('theirs')
  })

  test('Bulk: both places hold ours, once', async () => {
    await using place = await startAttacked()
    await place.attack(
      lastHead('GET /services/async/62.0/job/750 HTTP/1.1', 'Connection: x-sfdc-session', 'X-SFDC-Session: theirs'),
    )
    const [call] = place.reached()
    const session = call?.rawHeaders.filter((_, at, all) => /^x-sfdc-session$/i.test(all[at - 1] ?? ''))
    expect([call?.headers.authorization, session]).toEqual([`Bearer ${TOKEN}`, [TOKEN]])
  })

  test('a trailer cannot bring one either', async () => {
    await using place = await startAttacked()
    const answer = await place.attack(
      lastHead(`POST ${V}/sobjects/Account HTTP/1.1`, 'Transfer-Encoding: chunked', 'Trailer: Authorization') +
        '2\r\n{}\r\n0\r\nAuthorization: Bearer theirs\r\nX-SFDC-Session: theirs\r\n\r\n',
    )
    expect(statuses(answer)).toEqual([200])
    const { body } = await place.expectOne()
    expect((await body).toString()).toBe('{}')
    expect(place.org.received().toString('latin1')).not.toContain('theirs')
  })
})

describe('names that mean something to JavaScript', () => {
  test.each(['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'then', 'length'])(
    '%s is a field like any other',
    async (name) => {
      await using place = await startAttacked({ PROXY_API_KEY: 'k3y-of-the-test' })
      const refused = await place.attack(lastHead(GET, `${name}: x`))
      expect(statuses(refused)).toEqual([403])
      const answer = await place.attack(lastHead(GET, `${name}: x`, `${name}: y`, 'X-Api-Key: k3y-of-the-test'))
      expect(statuses(answer)).toEqual([200])
      await place.expectOne()
      expect(({} as Record<string, unknown>).x).toBeUndefined()
    },
  )

  test('as parameters and as cookies, too', async () => {
    await using place = await startAttacked()
    const target = `${V}/query?__proto__=1&constructor[prototype]=2&q=SELECT`
    const answer = await place.attack(lastHead(`GET ${target} HTTP/1.1`, 'Cookie: __proto__=1; constructor=2'))
    expect(statuses(answer)).toEqual([200])
    expect((await place.expectOne()).target).toBe(target)
  })
})

describe('bytes that would end a line somewhere', () => {
  test.each([
    ['CR in a value', 'X: a\rAuthorization: Bearer theirs'],
    ['LF in a value', 'X: a\nAuthorization: Bearer theirs'],
    ['CR before the name', '\rX: a'],
    ['NUL in a value', 'X: a\u0000b'],
    ['NUL in a name', 'X\u0000Y: a'],
    ['vertical tab in a name', 'X\u000bY: a'],
    ['a blank in a name', 'X Y: a'],
    ['a tab before the colon', 'Authorization\t: Bearer theirs'],
    ['a folded line', 'X: a\r\n Authorization: Bearer theirs'],
    ['a field without a colon', 'Authorization'],
    ['a field without a name', ': Bearer theirs'],
    ['letters outside ASCII in a name', 'Äuthorization: x'],
    ['escape', 'X: a\u001b[31m'],
    ['delete', 'X: a\u007f'],
  ])('%s: 400, and no call', async (_what, field) => {
    await using place = await startAttacked()
    expect(statuses(await place.attack(lastHead(GET, field)))).toEqual([400])
    await place.expectNothing()
  })

  test('the request id that comes back, and stands in the log, is no way in', async () => {
    await using place = await startAttacked()
    for (const id of ['a b', '"}\\', 'x'.repeat(5_000), '<script>', 'é']) {
      const answer = await place.attack(lastHead(GET, `X-Request-Id: ${id}`))
      expect(statuses(answer)).toEqual([200])
      expect(answer).toMatch(/^x-request-id: [\w-]+\r$/im)
      await place.expectOne()
    }
    // Each line is JSON of its own.
    for (const line of place.app.log().trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow()
  })
})
