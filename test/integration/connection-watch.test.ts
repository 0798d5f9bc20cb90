import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { expect, test } from 'vitest'
import { ConnectionWatch } from '../../src/upstream/connection-watch.ts'

/** A server that gives its raw sockets to the test; `requests` counts the heads that arrived. */
async function rawServer(onRequest: (socket: Socket, count: number) => void) {
  const sockets = new Set<Socket>()
  let requests = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes('\r\n\r\n')) onRequest(socket, (requests += 1))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function watched(options: Agent.Options = {}) {
  const watch = new ConnectionWatch()
  const connect = watch.watch(buildConnector({ allowH2: false }))
  const agent = new Agent({ connections: 1, connect, ...options })
  return {
    agent,
    watch,
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]()
      await agent.destroy()
    },
  }
}

async function ask(agent: Agent, origin: string): Promise<Error | string> {
  try {
    const answer = await agent.request({ origin, path: '/', method: 'GET' })
    return await answer.body.text()
  } catch (error) {
    return error as Error // undici rejects with errors only
  }
}

test.each([
  ['closed', (socket: Socket) => socket.end()],
  ['reset', (socket: Socket) => socket.resetAndDestroy()],
])('a kept-alive connection that is %s under its second request is stale', async (_, end) => {
  await using server = await rawServer((socket, count) => (count === 1 ? socket.write(OK) : end(socket)))
  await using client = watched()
  expect(await ask(client.agent, server.origin)).toBe('ok')
  const failure = await ask(client.agent, server.origin)
  expect(failure).toBeInstanceOf(Error)
  expect(client.watch.isStale(failure as Error)).toBe(true) // just checked
})

test('a fresh connection that breaks is not stale: the server may have acted on the request', async () => {
  await using server = await rawServer((socket) => socket.resetAndDestroy())
  await using client = watched()
  const failure = await ask(client.agent, server.origin)
  expect(client.watch.isStale(failure as Error)).toBe(false) // a reset connection never answers text
})

test('a connection that breaks after the first byte of an answer is not stale', async () => {
  await using server = await rawServer((socket, count) => {
    if (count === 1) socket.write(OK)
    else
      socket.write('HTTP/1.1 2', () => {
        socket.destroySoon()
      })
  })
  await using client = watched()
  expect(await ask(client.agent, server.origin)).toBe('ok')
  const failure = await ask(client.agent, server.origin)
  expect(failure).toBeInstanceOf(Error)
  expect(client.watch.isStale(failure as Error)).toBe(false) // just checked
})

test('connections of other clients in the process are none of its business', async () => {
  await using server = await rawServer((socket) => socket.write(OK))
  using watch = new ConnectionWatch()
  await using other = watched()
  expect(await ask(other.agent, server.origin)).toBe('ok')
  expect(watch.isStale(new Error('unrelated'))).toBe(false)
})

test('a connector that fails passes its failure on', async () => {
  using watch = new ConnectionWatch()
  const connector = watch.watch(buildConnector({}))
  const failure = await new Promise((resolve) => {
    connector({ hostname: '127.0.0.1', protocol: 'http:', port: '1' }, (...[error]) => {
      resolve(error)
    })
  })
  expect(failure).toBeInstanceOf(Error)
})

test('a connection that our own timeout ended is not stale: nobody closed it', async () => {
  await using server = await rawServer((socket, count) => (count === 1 ? socket.write(OK) : undefined))
  await using client = watched({ headersTimeout: 50 })
  expect(await ask(client.agent, server.origin)).toBe('ok')
  const failure = await ask(client.agent, server.origin)
  expect(failure).toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' })
  expect(client.watch.isStale(failure as Error)).toBe(false) // just checked
})

test('undici ends a body without length well when its connection is reset, and the watch knows better in that moment', async () => {
  const head = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'
  const begun = Promise.withResolvers<undefined>()
  await using server = await rawServer((socket) => {
    socket.write(`${head}part`)
    void begun.promise.then(() => socket.resetAndDestroy())
  })
  await using client = watched()
  const ended = Promise.withResolvers<unknown>()
  client.agent.dispatch(
    { origin: server.origin, path: '/', method: 'GET' },
    {
      onRequestStart: () => undefined,
      onResponseStart: () => undefined,
      onResponseData: () => {
        begun.resolve(undefined)
      },
      onResponseEnd: () => {
        ended.resolve(client.watch.breach)
      },
      onResponseError: (_controller, error) => {
        ended.reject(error)
      },
    },
  )
  expect(await ended.promise).toMatchObject({ code: 'ECONNRESET' })
  expect(client.watch.breach).toBeUndefined()
})
