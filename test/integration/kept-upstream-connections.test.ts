import { expect, test } from 'vitest'
import { startFaultServer, type Play } from '../support/fault-server.ts'
import { ask } from '../support/http-client.ts'
import { startOrgAnswering } from '../support/org-answering.ts'

const PATH = '/services/data/v62.0/sobjects/Account/describe'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const HEAD_OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
const NOT_MODIFIED = 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n'

async function inFrontOf(onRequest: Play) {
  const upstream = await startFaultServer({ onRequest })
  const org = await startOrgAnswering((_, response) => response.end(), {
    env: { CLOUDAWARE_API_URL: upstream.url, UPSTREAM_CONNECTIONS: '1' },
  })
  return {
    port: org.app.port,
    upstream,
    async [Symbol.asyncDispose]() {
      await org[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

test.each([
  ['HEAD', HEAD_OK, 200],
  ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 200],
  ['HEAD', NOT_MODIFIED, 304],
  ['GET', NOT_MODIFIED, 304],
  ['GET', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', 304],
])('twenty responses to %s of the form %j share one connection', async (method, bytes, status) => {
  await using proxy = await inFrontOf((socket) => socket.write(bytes))
  for (let n = 0; n < 20; n++) {
    const reply = await ask(proxy.port, PATH, { method, headers: { 'if-none-match': '"x"' } })
    expect([reply.status, reply.text]).toEqual([status, ''])
    if (bytes.includes('Content-Length')) expect(reply.headers['content-length']).toBe('5')
  }
  expect([proxy.upstream.requests, proxy.upstream.connections]).toEqual([20, 1])
})

test.each([
  ['HEAD', HEAD_OK],
  ['GET', NOT_MODIFIED],
])('a body that follows a response to %s wrongly is nobody’s response', async (method, head) => {
  await using proxy = await inFrontOf((socket) => socket.write(`${head}${OK.replace('hello', 'WRONG')}`))
  for (let n = 0; n < 5; n++) expect((await ask(proxy.port, PATH, { method })).text).toBe('')
  expect(proxy.upstream.connections).toBe(5)
})

test.each([
  ['HEAD', HEAD_OK.replace('Content', 'Connection: close\r\nContent')],
  ['GET', NOT_MODIFIED.replace('Content', 'Connection: close\r\nContent')],
  ['GET', NOT_MODIFIED.replace('1.1', '1.0')],
  ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'],
])('a response to %s that ends its connection ends it: %j', async (method, bytes) => {
  await using proxy = await inFrontOf((socket) => socket.write(bytes))
  for (let n = 0; n < 3; n++) await ask(proxy.port, PATH, { method })
  expect(proxy.upstream.connections).toBe(3)
})

test('a HEAD with a body ends its connection: a server may take that body for a request', async () => {
  await using proxy = await inFrontOf((socket) => socket.write(HEAD_OK))
  const headers = { 'content-length': '2' }
  for (let n = 0; n < 3; n++) await ask(proxy.port, PATH, { method: 'HEAD', headers, body: 'hi' })
  expect(proxy.upstream.connections).toBe(3)
})
