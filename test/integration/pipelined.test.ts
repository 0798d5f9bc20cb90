import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { startOriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'

const HEAD = 'Host: localhost\r\nContent-Type: application/json\r\n'
const post = (n: number) => `POST /services/data/v62.0/sobjects/A${n} HTTP/1.1\r\n${HEAD}Content-Length: 2\r\n\r\n{}`

/** An org that answers once `open` is called; `seen` counts what arrived. */
async function startGated() {
  const gate = Promise.withResolvers<undefined>()
  const org = await startOriginServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/services/oauth2/token') response.end('{"access_token":"00D!1","token_type":"Bearer"}')
      else void gate.promise.then(() => response.end(`"${String(request.url)}"`))
    })
  })
  const app = await startStack(org)
  await app.tokenEvent('obtained')
  return {
    app,
    org,
    open: () => {
      gate.resolve(undefined)
    },
    async [Symbol.asyncDispose]() {
      gate.resolve(undefined)
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

/** What comes back on one connection, until it ends. */
function converse(port: number, bytes: string) {
  const socket = connect(port, '127.0.0.1')
  let seen = ''
  socket.on('error', () => undefined).on('data', (chunk: Buffer) => (seen += chunk.toString()))
  const ended = new Promise<string>((resolve) => {
    socket.on('close', () => {
      resolve(seen)
    })
  })
  socket.write(bytes)
  return { socket, ended }
}

const statuses = (text: string) => Array.from(text.matchAll(/HTTP\/1\.1 (\d{3})/g), ([, status]) => Number(status))

describe('behind a request that is still being served, on the same connection', () => {
  test.each([
    ['a CONNECT', 'CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n', 405, 'does not forward this method'],
    ['bytes that are no request', 'surplus\r\n\r\n', 400, 'PROXY_REQUEST_INVALID'],
  ])('%s gets its own response, after the first one', async (_what, bytes, status, said) => {
    await using gated = await startGated()
    const { socket, ended } = converse(gated.app.port, post(1))
    await gated.org.arrived(2)
    socket.write(bytes)
    const line = gated.app.logged(`"status":${status}`)
    gated.open()
    const seen = await ended
    expect(statuses(seen)).toEqual([200, status])
    expect(seen.indexOf('sobjects/A1')).toBeLessThan(seen.indexOf(said))
    await line
  })
})

test('pipelined requests are all answered by a proxy that drains, and then the connection ends', async () => {
  await using gated = await startGated()
  const { ended } = converse(gated.app.port, post(1) + post(2) + post(3))
  await gated.org.arrived(4)
  const closing = gated.app.close()
  gated.open()
  const seen = await ended
  expect(statuses(seen)).toEqual([200, 200, 200])
  expect(seen.match(/connection: close/gi)).toHaveLength(1)
  expect(await closing).toEqual({ drained: true })
})
