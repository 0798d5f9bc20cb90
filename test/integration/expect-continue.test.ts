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

test('an expectation that nobody knows is 417', async () => {
  await using org = await startOrgAnswering(ok)
  using client = openRaw(org.app.port)
  client.socket.write('GET /services/data HTTP/1.1\r\nHost: localhost\r\nExpect: the-unexpected\r\n\r\n')
  await client.until('HTTP/1.1 417 ')
  expect(org.api()).toEqual([])
})
