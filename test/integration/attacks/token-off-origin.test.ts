import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked, TOKEN } from '../../support/attacked.ts'
import { startOriginServer } from '../../support/origin-server.ts'
import { statuses } from '../../support/raw-bytes.ts'
import { startStack } from '../../support/stack.ts'

/* The token goes to the configured org, whoever says otherwise: the login host, the org itself, or a caller. */

const GET = 'GET /services/data/v62.0/limits HTTP/1.1'

/** A server that is not to be told anything. */
const startElsewhere = () => startOriginServer((_request, response) => response.end('{"access_token":"x","stolen":1}'))

describe('an instance_url that names another place is not adopted', () => {
  test.each([
    ['http', (port: number) => `http://127.0.0.2:${port}`],
    ['https', (port: number) => `https://localhost:${port}`],
    ['the same name, another port', (port: number) => `http://127.0.0.1:${port}`],
    ['the name as the user', (port: number) => `http://127.0.0.1@localhost:${port}`],
    ['a name that begins like it', (port: number) => `http://127.0.0.1.localhost:${port}`],
    ['with a backslash', (port: number) => `http://localhost:${port}\\@127.0.0.1/`],
    ['a path', (port: number) => `//localhost:${port}/`],
    ['another scheme', () => 'file:///etc/passwd'],
    ['a script', () => 'javascript:alert(1)'],
    ['nonsense', () => 'http://['],
    ['a number', () => 7],
    ['a list', (port: number) => [`http://localhost:${port}`]],
  ])('%s', async (_what, instanceUrl) => {
    await using elsewhere = await startElsewhere()
    await using org = await startOriginServer((request, response) => {
      const token = { access_token: TOKEN, token_type: 'Bearer', instance_url: instanceUrl(elsewhere.port) }
      response.end(JSON.stringify(request.url === '/services/oauth2/token' ? token : { from: 'org' }))
    })
    await using app = await startStack(org, { env: { TOKEN_WAIT_MS: '300' } })
    const answer = await fetch(`${app.url}/services/data/v62.0/limits`)
    // Where the answer of the login host is no answer at all there is no token, and so no call.
    expect([200, 503]).toContain(answer.status)
    if (answer.status === 200) expect(await answer.json()).toEqual({ from: 'org' })
    expect(elsewhere.connections).toBe(0)
  })
})

describe('a redirect is passed on or refused, never followed', () => {
  test.each([301, 302, 303, 307, 308])('%d of the API', async (status) => {
    await using elsewhere = await startElsewhere()
    await using place = await startAttacked({}, (request, response) => {
      request.resume()
      response.writeHead(status, { location: `${elsewhere.url}/services/data/v62.0/limits` }).end()
    })
    const answer = await place.attack(lastHead(GET))
    expect(statuses(answer)).toEqual([status])
    expect([place.reached().length, elsewhere.connections]).toEqual([1, 0])
  })

  test.each([301, 302, 303, 307, 308])('%d of the token endpoint', async (status) => {
    await using elsewhere = await startElsewhere()
    await using org = await startOriginServer((_request, response) => {
      response.writeHead(status, { location: `${elsewhere.url}/services/oauth2/token` }).end()
    })
    await using app = await startStack(org, { env: { TOKEN_WAIT_MS: '300' } })
    expect((await fetch(`${app.url}/services/data`)).status).toBe(503)
    expect(elsewhere.connections).toBe(0)
  })
})

describe('a caller does not choose the upstream', () => {
  test.each([
    ['by Host', (port: number) => lastHead(GET, `Host: localhost:${port}`), 200],
    ['by an absolute target', (port: number) => lastHead(`GET http://localhost:${port}/services/data HTTP/1.1`), 400],
    ['by a doubled slash', (port: number) => lastHead(`GET //localhost:${port}/services/data HTTP/1.1`), 403],
    ['by a backslash', (port: number) => lastHead(`GET /\\localhost:${port}/services/data HTTP/1.1`), 400],
    ['by the user part', (port: number) => lastHead(`GET @localhost:${port}/services/data HTTP/1.1`), 400],
    [
      'by forwarded fields',
      (port: number) => lastHead(GET, `X-Forwarded-Host: localhost:${port}`, `Forwarded: host=localhost:${port}`),
      200,
    ],
    [
      'by the fields of rewriters',
      (port: number) =>
        lastHead(GET, `X-Original-URL: http://localhost:${port}/x`, `X-Rewrite-URL: //localhost:${port}`),
      200,
    ],
    ['by a path of a URL', (port: number) => lastHead(`GET /services/data/http://localhost:${port}/x HTTP/1.1`), 200],
  ])('%s', async (_what, bytesFor, status) => {
    await using elsewhere = await startElsewhere()
    await using place = await startAttacked()
    expect(statuses(await place.attack(bytesFor(elsewhere.port)))).toEqual([status])
    if (status === 200) {
      // The Host that arrives is the org's own.
      expect((await place.expectOne()).headers.host).toBe(`127.0.0.1:${place.org.port}`)
    } else await place.expectNothing()
    expect(elsewhere.connections).toBe(0)
  })
})
