import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { startOrgAnswering } from '../support/org-answering.ts'
import type { Answer } from '../support/origin-server.ts'
import { openRaw } from '../support/raw-http.ts'

const ok: Answer = (request, response) => {
  request.resume().on('end', () => response.end('ok'))
}
const head = (target: string, ...fields: string[]) =>
  [`POST ${target} HTTP/1.1`, 'Host: localhost', 'Content-Length: 5', 'Expect: 100-continue', ...fields, '', ''].join(
    '\r\n',
  )

test('a body that was announced is asked for once the request is on its way, and the connection lives on', async () => {
  await using org = await startOrgAnswering(ok)
  using client = openRaw(org.app.port)
  client.socket.write(head('/services/data/v62.0/x'))
  expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  client.socket.write('hello')
  expect(await client.until('ok')).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/)
  expect(String(await org.api()[0]?.body)).toBe('hello')
  expect(org.api()[0]?.headers.expect).toBeUndefined()
  client.socket.write('GET /services/data/v62.0/second HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await org.org.arrived(3)
})

test.each([
  ['/secur/frontdoor.jsp', 403],
  ['/services/data/v62.0/%2e%2e/x', 400],
])('a request that its head condemns is answered without its body: %s', async (target, status) => {
  await using org = await startOrgAnswering(ok)
  using client = openRaw(org.app.port)
  client.socket.write(head(target))
  const answer = await client.until('}]')
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toMatch(/^Connection: close$/im)
  expect(org.api()).toEqual([])
})

test('no token: 503 without the body', async () => {
  await using demo = await startDemoOrg({ records: 20 }, { env: { CLOUDAWARE_CLIENT_SECRET: 'wrong' } })
  using client = openRaw(demo.app.port)
  client.socket.write(head('/services/data/v62.0/x'))
  expect(await client.until('}]')).toMatch(/^HTTP\/1.1 503 /)
})

test('a body that the policy judges is asked for before it is judged', async () => {
  await using org = await startOrgAnswering(ok)
  using client = openRaw(org.app.port)
  const body = JSON.stringify({
    compositeRequest: [{ method: 'GET', url: '/services/data/v62.0/limits', referenceId: 'a' }],
  })
  const target = '/services/data/v62.0/composite'
  client.socket.write(head(target, 'Content-Type: application/json').replace('Length: 5', `Length: ${body.length}`))
  await client.until('100 Continue')
  expect(org.api()).toEqual([])
  client.socket.write(body)
  await client.until('HTTP/1.1 200')
})

test('a body that comes without waiting for the word arrives whole', async () => {
  await using org = await startOrgAnswering(ok)
  using client = openRaw(org.app.port)
  client.socket.write(`${head('/services/data/v62.0/x', 'Connection: close')}hello`)
  await client.until('ok')
  expect(String(await org.api()[0]?.body)).toBe('hello')
})

test.each([
  ['one that nobody knows', 'the-unexpected'],
  ['one that Node answers by itself', '200-ok'],
  ['one beside the known one', '100-continue, 200-ok'],
])('an expectation that cannot be met is refused as anything else is, with 417: %s', async (_what, expectation) => {
  await using org = await startOrgAnswering(ok)
  using client = openRaw(org.app.port)
  client.socket.write(
    `POST /services/data HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: expects-1\r\nExpect: ${expectation}\r\nContent-Length: 5\r\n\r\n`,
  )
  const answer = await client.until('}]')
  expect(answer).toMatch(/^HTTP\/1.1 417 Expectation Failed\r\n/)
  expect(answer).toMatch(/^X-Request-Id: expects-1\r$/im)
  expect(answer).toMatch(/^Proxy-Status: cloudaware-proxy; error=http_request_error;/im)
  expect(answer).toContain('"errorCode":"PROXY_EXPECTATION_FAILED"')
  expect(await org.app.accessLine('expects-1')).toMatchObject({
    status: 417,
    error: 'PROXY_EXPECTATION_FAILED',
    rule: 'expectation',
  })
  expect(org.api()).toEqual([])
})

test('the body of a request with such an expectation is no request', async () => {
  await using org = await startOrgAnswering(ok)
  using client = openRaw(org.app.port)
  client.socket.write(
    'POST /services/data HTTP/1.1\r\nHost: localhost\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\nhello' +
      'GET /services/data/v62.0/next HTTP/1.1\r\nHost: localhost\r\n\r\n',
  )
  expect(await client.until('\r\nok')).toMatch(/^HTTP\/1.1 417 [^]*HTTP\/1.1 200 OK/)
  expect(org.api().map(({ target }) => target)).toEqual(['/services/data/v62.0/next'])
})

test.each([
  ['an empty field', 'HTTP/1.1', ''],
  ['the known one twice, in odd letters', 'HTTP/1.1', '100-Continue, 100-CONTINUE'],
  ['one in HTTP/1.0, which knows none', 'HTTP/1.0', '200-ok'],
])('an expectation that asks for nothing more is none: %s', async (_what, version, expectation) => {
  await using org = await startOrgAnswering(ok)
  using client = openRaw(org.app.port)
  client.socket.write(
    `POST /services/data ${version}\r\nHost: localhost\r\nExpect: ${expectation}\r\nContent-Length: 5\r\n\r\nhello`,
  )
  await client.until('HTTP/1.1 200 OK')
  expect(String(await org.api()[0]?.body)).toBe('hello')
})
