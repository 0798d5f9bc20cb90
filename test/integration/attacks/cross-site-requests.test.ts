import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

const V = '/services/data/v62.0'
const GET = `GET ${V}/limits HTTP/1.1`
const post = (...fields: string[]) =>
  lastHead(`POST ${V}/sobjects/Account HTTP/1.1`, 'Content-Length: 2', ...fields) + '{}'
const EVIL = 'Origin: https://evil.example'

describe('a page of another site', () => {
  test.each([
    ['a simple POST', post(EVIL, 'Content-Type: text/plain', 'Sec-Fetch-Site: cross-site')],
    ['a form', post(EVIL, 'Content-Type: application/x-www-form-urlencoded', 'Sec-Fetch-Mode: navigate')],
    ['a form of parts', post(EVIL, 'Content-Type: multipart/form-data; boundary=x')],
    ['JSON without a preflight, as old browsers let plugins', post(EVIL, 'Content-Type: application/json')],
    ['a browser that sends no Sec-Fetch', post(EVIL)],
    ['a sandboxed page', post('Origin: null')],
    ['a file', post('Origin: file://')],
    ['an extension', post('Origin: chrome-extension://abcdefgh')],
    ['an empty Origin', post('Origin:')],
    ['an image, without Origin', lastHead(GET, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors')],
    ['a link that is followed', lastHead(GET, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate')],
    ['a page of a neighbouring name', lastHead(GET, 'Sec-Fetch-Site: same-site')],
    ['a site that is none of the words', lastHead(GET, 'Sec-Fetch-Site: Same-Origin-ish')],
    ['two sites', lastHead(GET, 'Sec-Fetch-Site: none', 'Sec-Fetch-Site: cross-site')],
    ['our own name, another port', lastHead(GET, 'Host: localhost:8080', 'Origin: http://localhost:3000')],
    ['our own name, no port', lastHead(GET, 'Host: localhost:8080', 'Origin: http://localhost')],
    ['our own name over https', lastHead(GET, 'Host: localhost', 'Origin: https://localhost')],
    ['our other name', lastHead(GET, 'Host: localhost', 'Origin: http://127.0.0.1')],
    ['our name in front', lastHead(GET, 'Host: localhost', 'Origin: http://localhost.evil.example')],
    ['our name as the user', lastHead(GET, 'Host: localhost', 'Origin: http://localhost@evil.example')],
    [
      'ours, but a browser that says cross-site',
      lastHead(GET, 'Origin: http://localhost', 'Sec-Fetch-Site: cross-site'),
    ],
    ['two origins', lastHead(GET, 'Origin: http://localhost', EVIL)],
    ['two origins in one', lastHead(GET, 'Origin: http://localhost https://evil.example')],
    ['a preflight', lastHead(`OPTIONS ${V} HTTP/1.1`, EVIL, 'Access-Control-Request-Method: POST')],
    [
      'a preflight for the private network',
      lastHead(
        `OPTIONS ${V} HTTP/1.1`,
        EVIL,
        'Access-Control-Request-Method: PATCH',
        'Access-Control-Request-Headers: authorization,x-api-key',
        'Access-Control-Request-Private-Network: true',
      ),
    ],
    ['a beacon', post(EVIL, 'Content-Type: text/plain;charset=UTF-8', 'Sec-Fetch-Dest: empty')],
  ])('%s: 403 without one word of CORS, and no call', async (_what, bytes) => {
    await using place = await startAttacked()
    const answer = await place.attack(bytes)
    expect(statuses(answer)).toEqual([403])
    expect(answer).toContain('PROXY_ORIGIN_REFUSED')
    expect(answer.toLowerCase()).not.toContain('access-control-')
    await place.expectNothing()
  })

  test('by way of 0.0.0.0, which some browsers let every page call: 403, and no call', async () => {
    await using place = await startAttacked()
    for (const fields of [[], [EVIL], ['Origin: http://0.0.0.0:8080']]) {
      const answer = await place.attack(lastHead(GET, 'Host: 0.0.0.0:8080', ...fields))
      expect(statuses(answer)).toEqual([403])
      expect(answer.toLowerCase()).not.toContain('access-control-')
    }
    await place.expectNothing()
  })

  test('although another origin is listed', async () => {
    await using place = await startAttacked({ PROXY_ALLOWED_ORIGINS: 'https://tool.example' })
    for (const origin of [
      ...['https://evil.example', 'http://tool.example', 'https://tool.example:8443', 'https://tool.example.evil'],
      ...['https://a.tool.example', 'https://tool.example/', 'null', 'https://tool.example, https://evil.example'],
    ]) {
      for (const method of ['GET', 'OPTIONS']) {
        const answer = await place.attack(
          lastHead(`${method} ${V} HTTP/1.1`, `Origin: ${origin}`, 'Access-Control-Request-Method: GET'),
        )
        expect(statuses(answer)).toEqual([403])
        expect(answer.toLowerCase()).not.toContain('access-control-')
      }
    }
    await place.expectNothing()
  })
})

describe('a listed origin', () => {
  const env = { PROXY_ALLOWED_ORIGINS: 'https://tool.example,http://localhost:3000' }

  test.each(['https://tool.example', 'http://localhost:3000'])('%s is served, preflight first', async (origin) => {
    await using place = await startAttacked(env)
    const preflight = await place.attack(
      lastHead(
        `OPTIONS ${V}/sobjects/Account HTTP/1.1`,
        `Origin: ${origin}`,
        'Sec-Fetch-Site: cross-site',
        'Access-Control-Request-Method: PATCH',
        'Access-Control-Request-Headers: content-type,x-api-key',
      ),
    )
    expect(statuses(preflight)).toEqual([204])
    expect(preflight).toMatch(new RegExp(`^access-control-allow-origin: ${origin}\r$`, 'im'))
    expect(preflight).toMatch(/^access-control-allow-methods: .*\bPATCH\b/im)
    expect(preflight).toMatch(/^access-control-allow-headers: content-type,x-api-key\r$/im)
    expect(preflight.toLowerCase()).not.toContain('access-control-allow-credentials')
    await place.expectNothing()

    const answer = await place.attack(post(`Origin: ${origin}`, 'Sec-Fetch-Site: cross-site'))
    expect(statuses(answer)).toEqual([200])
    expect(answer).toMatch(new RegExp(`^access-control-allow-origin: ${origin}\r$`, 'im'))
    const { rawHeaders } = await place.expectOne()
    // Where the page sits is none of the API's business.
    expect(rawHeaders.join('\n')).not.toMatch(/^(?:origin|sec-fetch-site)$/im)
  })

  test('cannot smuggle fields into the answer by what its preflight asks for', async () => {
    await using place = await startAttacked(env)
    for (const asked of ['x\ty, \u0000', 'a,,b', 'x; y', 'x: y', '"x"', 'x'.repeat(9_000) + ' y']) {
      const answer = await place.attack(
        lastHead(
          `OPTIONS ${V} HTTP/1.1`,
          'Origin: https://tool.example',
          'Access-Control-Request-Method: GET',
          `Access-Control-Request-Headers: ${asked}`,
        ),
      )
      expect(answer.toLowerCase()).not.toContain('access-control-allow-headers')
    }
    await place.expectNothing()
  })
})
