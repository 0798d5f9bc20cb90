import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { guardConnections } from '../../src/server/connection-guard.ts'
import { listenerLimits } from '../../src/server/listener-limits.ts'
import { OpenExchanges } from '../../src/server/open-exchanges.ts'

const limits = listenerLimits([600_000])
const guarded = () => {
  const server = createServer(limits.http)
  const open = new OpenExchanges()
  server.on('request', (request, response) => {
    open.add(request, response)
  })
  return guardConnections(server, { limits, open, otherScheme: () => 'use http://.', onRejected: () => undefined })
}

function exchange(socket: PassThrough, { complete = true, headersSent = false } = {}) {
  return {
    request: Object.assign(new EventEmitter(), { socket, complete, headers: {} }),
    response: Object.assign(new EventEmitter(), { headersSent }),
  }
}

/** What a malformed next message makes of this socket: the status sent, or that it is cut. */
async function outcome(socket: PassThrough, server: EventEmitter, code = 'HPE_INVALID_METHOD') {
  const chunks: string[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  const closed = once(socket, 'close')
  server.emit('clientError', Object.assign(new Error('malformed'), { code }), socket)
  await closed
  return /^HTTP\/1\.1 (\d+)/.exec(chunks.join(''))?.[1] ?? 'cut'
}

test('the limits are on the server', () => {
  const server = guarded()
  expect(server).toMatchObject({
    timeout: 660_000,
    headersTimeout: 10_000,
    requestTimeout: 0,
  })
})

test.each([
  ['HPE_INVALID_METHOD', '400'],
  ['HPE_HEADER_OVERFLOW', '431'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408'],
  ['HPE_SOMETHING_NEW', '400'],
  ['ECONNRESET', 'cut'],
])('after the error %s the outcome is %s', async (code, status) => {
  expect(await outcome(new PassThrough(), guarded(), code)).toBe(status)
})

test('a request whose own body is malformed gets the answer', async () => {
  const [server, socket] = [guarded(), new PassThrough()]
  const { request, response } = exchange(socket, { complete: false })
  server.emit('request', request, response)
  expect(await outcome(socket, server)).toBe('400')
})

test.each([
  ['is half answered', [{ complete: false, headersSent: true }]],
  ['is one of two', [{}, { complete: false }]],
])(
  'where the request under way %s, the connection is cut and nothing answered in its place',
  async (_what, underWay) => {
    const [server, socket] = [guarded(), new PassThrough()]
    for (const state of underWay) {
      const { request, response } = exchange(socket, state)
      server.emit('request', request, response)
    }
    expect(await outcome(socket, server)).toBe('cut')
  },
)

test.each([
  ['whole', true, '400'],
  ['broken off', false, 'cut'],
])(
  'a malformed head behind a complete request waits for its response, and where that is %s the outcome is %s',
  async (_what, writableFinished, expected) => {
    const [server, socket] = [guarded(), new PassThrough()]
    const { request, response } = exchange(socket)
    server.emit('request', request, response)
    const seen = outcome(socket, server)
    Object.assign(response, { writableFinished })
    if (!writableFinished) socket.destroy()
    response.emit('close')
    expect(await seen).toBe(expected)
  },
)

test('once the answer is out, the next malformed head has its own', async () => {
  const [server, socket] = [guarded(), new PassThrough()]
  const { request, response } = exchange(socket)
  server.emit('request', request, response)
  response.emit('close')
  expect(await outcome(socket, server)).toBe('400')
})

test('a tunnel that is reset does not crash the process', async () => {
  const [server, socket] = [guarded(), new PassThrough()]
  server.emit('connect', { headers: {} }, socket)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.destroy(new Error('reset'))
  await closed
  // Without a listener the error itself would be thrown.
  expect(socket.errored?.message).toBe('reset')
})

test.each([
  ['the longest wait', [600_000, 30_000], 660_000],
  ['the longest pause of an upload', [600_000, 3_600_000], 3_660_000],
  ['no limit, where there is none to one of them', [600_000, 0], 0],
])('a silent socket is closed well after %s', (_what, quietMs, socketTimeoutMs) => {
  expect(listenerLimits(quietMs)).toMatchObject({ socketTimeoutMs })
})
