import { createServer, request as httpRequest, type RequestListener, type ServerResponse } from 'node:http'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { ConnectionLimit } from '../../src/server/connection-limit.ts'
import { listenerLimits } from '../../src/server/listener-limits.ts'
import { listen, type TcpListener } from '../../src/server/listeners.ts'
import { openRaw } from '../support/raw-http.ts'

const UNLIMITED = {
  connections: new ConnectionLimit({ limit: 1000, reserve: 0, clock: systemClock, onReport: () => undefined }),
  otherScheme: () => '',
  onRejected: () => undefined,
}

async function listening(
  handle: RequestListener,
  host = '127.0.0.1',
  port = 0,
): Promise<TcpListener & AsyncDisposable> {
  const listener = await listen({ host, port, limits: listenerLimits([600_000]), handle, ...UNLIMITED })
  return {
    ...listener,
    async [Symbol.asyncDispose]() {
      listener.cut()
      await listener.close()
    },
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** A handler whose answers the test gives when it likes. */
function pending() {
  const waiting: ServerResponse[] = []
  let arrived = Promise.withResolvers<ServerResponse>()
  return {
    handle: (_request: unknown, response: ServerResponse) => {
      waiting.push(response)
      arrived.resolve(response)
      arrived = Promise.withResolvers()
    },
    next: () => arrived.promise,
  }
}

test('localhost means both loopback addresses, on one port', async () => {
  await using listener = await listening((_, response) => response.end('here'), 'localhost')
  const hasIpv6 = await lookup('localhost', { all: true, family: 6 }).then(
    (found) => found.length > 0,
    () => false,
  )
  expect(listener.addresses).toEqual(hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'])
  for (const host of listener.addresses) {
    const request = httpRequest({ host, port: listener.port, agent: false }).end()
    await once(request, 'response')
  }
})

test('a port in use is the system error, and nothing stays open', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  // A TCP server that listens has an AddressInfo.
  const { port } = taken.address() as AddressInfo
  await expect(listening(() => undefined, 'localhost', port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  taken.close()
  await once(taken, 'close')
  await using free = await listening(() => undefined, '127.0.0.1', port)
  expect(free.port).toBe(port)
})

test('closing waits for the answer under way, says Connection: close, and accepts nobody new', async () => {
  const { handle, next } = pending()
  await using listener = await listening(handle)
  using client = openRaw(listener.port)
  const arrived = next()
  client.socket.write(GET)
  const response = await arrived
  const closed = listener.close()
  const refused = connect(listener.port, '127.0.0.1')
  const [error] = (await once(refused, 'error')) as [unknown] // as the event is documented
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  response.end('done')
  expect(await client.until('done')).toContain('Connection: close')
  await closed
})

test('a connection whose answer had begun is closed when that answer is through', async () => {
  const { handle, next } = pending()
  await using listener = await listening(handle)
  using client = openRaw(listener.port)
  const arrived = next()
  client.socket.write(GET)
  const response = await arrived
  response.write('begun ')
  await client.until('begun')
  const closed = listener.close()
  response.end('done')
  await client.until('done')
  await closed
})

test('a request that reaches a kept connection while closing is answered, and is its last', async () => {
  const { handle, next } = pending()
  await using listener = await listening(handle)
  using first = openRaw(listener.port)
  let arrived = next()
  first.socket.write(GET)
  const response = await arrived
  response.write('one ')
  await first.until('one')
  // Pipelined: it is handed over before the first one is through.
  arrived = next()
  first.socket.write(GET)
  const second = await arrived
  const closed = listener.close()
  response.end()
  second.end('two')
  expect(await first.until('two')).toMatch(/Connection: close[^]*two/)
  await closed
})

test('cut ends what is under way', async () => {
  const { handle, next } = pending()
  await using listener = await listening(handle)
  using client = openRaw(listener.port)
  const arrived = next()
  client.socket.write(GET)
  await arrived
  const closed = listener.close()
  listener.cut()
  await once(client.socket, 'close')
  await closed
})
