import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { writeInterim } from '../../src/server/interim-answer.ts'

const HINTS = ['Link', `</${'x'.repeat(10_000)}>; rel=preload`]

async function responding(version = '1.1') {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo
  const client = connect(port, '127.0.0.1')
  client.on('error', () => undefined)
  const both = Promise.withResolvers<[ServerResponse, ServerResponse]>()
  server.once('request', (_, first) => {
    server.once('request', (_next, second) => {
      both.resolve([first, second])
    })
  })
  client.write(`GET /1 HTTP/${version}\r\nHost: x\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n`)
  const [first, second] = await both.promise
  return {
    client,
    first,
    second,
    async [Symbol.asyncDispose]() {
      client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

test('interim responses are dropped while the client does not read, and written again once it does', async () => {
  await using connection = await responding()
  const { client, first } = connection
  const { socket } = first
  if (socket === null) throw new Error('the first response has the connection')
  // What a client that does not read comes to, without filling the buffers of the kernel.
  socket.cork()
  for (let n = 0; n < 1000; n++) writeInterim(first, 103, HINTS)
  expect(socket.writableLength).toBeGreaterThan(10_000)
  expect(socket.writableLength).toBeLessThan(socket.writableHighWaterMark + 11_000)
  const written = socket.writableLength
  const drained = once(socket, 'drain')
  client.resume()
  socket.uncork()
  await drained
  writeInterim(first, 103, HINTS)
  first.end()
  while (client.bytesRead < written + 10_000) await once(client, 'data')
})

test('an interim response to a request that has to wait for the one before it is dropped', async () => {
  await using connection = await responding()
  writeInterim(connection.second, 103, HINTS)
  expect(connection.second.writableLength).toBe(0)
})

test('a client of HTTP/1.0 is sent none (RFC 9110 §15.2)', async () => {
  await using connection = await responding('1.0')
  writeInterim(connection.first, 103, HINTS)
  connection.first.end('whole')
  let seen = ''
  while (!seen.endsWith('whole')) seen += String((await once(connection.client, 'data'))[0])
  expect(seen).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
})

test('one that Node refuses to write is dropped, and the response is not harmed', async () => {
  await using connection = await responding()
  const { client, first } = connection
  // As in Node before 26.2.
  Object.assign(first, { writeInformation: undefined })
  writeInterim(first, 103, ['Link', 'no link at all'])
  first.end('whole')
  let seen = ''
  while (!seen.endsWith('whole')) seen += String((await once(client, 'data'))[0])
  expect(seen).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
})
