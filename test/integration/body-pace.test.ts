import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { startOrgAnswering } from '../support/org-answering.ts'
import { startOriginServer, type Answer } from '../support/origin-server.ts'
import { head, statuses } from '../support/raw-bytes.ts'
import { openRaw } from '../support/raw-http.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { handshake } from '../support/tls-client.ts'

/* The least pace of a body is for callers who stop: whoever sends, or cannot, is left alone. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const ACCOUNTS = '/services/data/v62.0/sobjects/Account'
const SOAP = '/services/Soap/u/62.0'
const ok: Answer = (request, response) => {
  request.resume().on('end', () => response.end('ok'))
}

async function orgAnswering(answer: Answer = ok, env: Record<string, string> = {}, stateDirectory = '/nonexistent') {
  const clock = new FakeClock()
  const org = await startOrgAnswering(answer, { clock, env, stateDirectory })
  await org.app.tokenEvent('obtained')
  return { ...org, clock }
}

/** Real I/O goes on until this holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

describe('a slow line is no fault', () => {
  test.each([
    ['1 kB a second, for ten minutes', 'http', 1000, SECOND, 600],
    ['1 kB a second by https', 'https', 1000, SECOND, 60],
    ['1 kB a second by a unix socket', 'unix', 1000, SECOND, 60],
    ['pauses of 29 s', 'http', 4000, 29 * SECOND, 20],
  ])('%s', async (_what, kind, bytes, everyMs, times) => {
    await using place = await temporaryDirectory()
    const path = place.file('proxy.sock')
    await using org = await orgAnswering(ok, { PROXY_TLS_PORT: '0', PROXY_SOCKET: path }, place.file('state'))
    const tlsPort = Number(new URL(String(org.app.tls?.url)).port)
    const socket =
      kind === 'https' ? await handshake(tlsPort) : kind === 'unix' ? connect(path) : connect(org.app.port, '127.0.0.1')
    using caller = openRaw(socket)
    caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, `Content-Length: ${bytes * times}`))
    for (let sent = 0; sent < times; sent += 1) {
      const before = org.org.received().length
      caller.socket.write('x'.repeat(bytes))
      await until(() => org.org.received().length >= before + bytes)
      await org.clock.advance(everyMs)
    }
    expect(await caller.until('ok')).toMatch(/^HTTP\/1.1 200 /)
    expect(await org.api()[0]?.body).toHaveLength(bytes * times)
  })
})

/** An org that does not read what it is sent before it is told to. */
async function startUnreadingOrg() {
  const uploads: { request: IncomingMessage; response: ServerResponse }[] = []
  const listener: RequestListener = (request, response) => {
    if (request.url === '/services/oauth2/token') {
      request.resume()
      response.end('{"access_token":"00D000000000001!ours","token_type":"Bearer"}')
    } else uploads.push({ request, response })
  }
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    // `server.address()` of a listening TCP server is an AddressInfo.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    uploads,
    /** Reads everything and answers with the number of bytes. */
    readOn() {
      for (const { request, response } of uploads) {
        let bytes = 0
        request.on('data', (chunk: Buffer) => (bytes += chunk.length))
        request.on('end', () => response.end(`read ${bytes}`))
      }
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Resolves once nothing more of what was written goes out: all buffers on the way are full. */
async function stuck(socket: Socket): Promise<void> {
  let [left, same] = [-1, 0]
  const lookAgain = () => {
    same = socket.writableLength === left ? same + 1 : 0
    left = socket.writableLength
    return same
  }
  await expect.poll(lookAgain, { interval: 25 }).toBeGreaterThan(20)
  expect(left).toBeGreaterThan(0)
}

describe('an upstream that reads nothing for ten minutes is no fault of the caller', () => {
  const size = 24 * 1024 * 1024
  const envelope = Buffer.from(
    `<Envelope><Header><SessionHeader><sessionId>x</sessionId></SessionHeader></Header><Body><create>${'x'.repeat(size)}</create></Body></Envelope>`,
  )
  test.each([
    ['of a body that passes as it is', ACCOUNTS, [], Buffer.alloc(size), size],
    ['of one that is judged', SOAP, [], envelope, undefined],
    ['of one that is unpacked', SOAP, ['Content-Encoding: gzip'], gzipSync(envelope, { level: 0 }), undefined],
  ])('%s', async (_what, path, fields, body, read) => {
    await using org = await startUnreadingOrg()
    const clock = new FakeClock()
    await using app = await startStack(org, { clock, env: { UPSTREAM_TIMEOUT_MS: '3600000' } })
    await app.tokenEvent('obtained')
    using caller = openRaw(app.port)
    caller.socket.write(head(`POST ${path} HTTP/1.1`, ...fields, `Content-Length: ${body.length}`))
    caller.socket.write(body)
    await until(() => org.uploads.length > 0)
    await stuck(caller.socket)
    await clock.advance(10 * MINUTE)
    org.readOn()
    expect(await caller.until('\r\nread ')).toMatch(/^HTTP\/1.1 200 /)
    if (read !== undefined) await caller.until(`read ${read}`)
  })
})

test('a conversation may pause as long as the org takes part in it', async () => {
  await using org = await orgAnswering((request, response) => {
    request.on('data', (chunk: Buffer) => response.write(chunk.toString().toUpperCase()))
    request.on('end', () => response.end('bye'))
  })
  using caller = openRaw(org.app.port)
  caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'Transfer-Encoding: chunked'))
  for (const word of ['ab', 'cd', 'ef', 'gh', 'ij']) {
    caller.socket.write(`2\r\n${word}\r\n`)
    await caller.until(word.toUpperCase())
    await org.clock.advance(29 * SECOND)
  }
  caller.socket.write('0\r\n\r\n')
  await caller.until('bye')
})

test('what is not asked for yet is not missed: a body that waits for the word while there is no token', async () => {
  const held = Promise.withResolvers<ServerResponse>()
  await using org = await startOriginServer((request, response) => {
    if (request.url === '/services/oauth2/token') held.resolve(response)
    else ok(request, response)
  })
  const clock = new FakeClock()
  await using app = await startStack(org, { clock, env: { TOKEN_WAIT_MS: '600000' } })
  using caller = openRaw(app.port)
  caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 5', 'Expect: 100-continue'))
  const tokenAnswer = await held.promise
  await clock.waitForSleep(SECOND)
  await clock.advance(29 * SECOND)
  tokenAnswer.end('{"access_token":"00D000000000001!late","token_type":"Bearer"}')
  await caller.until('100 Continue')
  await clock.advance(29 * SECOND)
  caller.socket.write('hello')
  await caller.until('HTTP/1.1 200')
})

test('nor while all connections are in use, invited or not', async () => {
  const busy = Promise.withResolvers<ServerResponse>()
  await using org = await orgAnswering(
    (request, response) => {
      if (request.url === '/services/data/busy') busy.resolve(response)
      else ok(request, response)
    },
    { UPSTREAM_CONNECTIONS: '1', UPSTREAM_QUEUE_TIMEOUT_MS: '3600000' },
  )
  const first = ask(org.app.port, '/services/data/busy')
  const answer = await busy.promise
  const create = '<Envelope><Body><create>' + 'x'.repeat(2000) + '</create></Body></Envelope>'
  const packed = gzipSync(create, { level: 0 })
  const [plain, soap] = [Buffer.from('hello'), Buffer.from(create)]
  const cases: { path: string; field: string; body: Buffer; begun: number }[] = [
    { path: ACCOUNTS, field: 'Expect: 100-continue', body: plain, begun: 0 },
    { path: ACCOUNTS, field: 'X: y', body: plain, begun: 0 },
    { path: ACCOUNTS, field: 'X: y', body: plain, begun: 2 },
    { path: SOAP, field: 'X: y', body: soap, begun: 1000 },
    { path: SOAP, field: 'Content-Encoding: gzip', body: packed, begun: 1000 },
  ]
  const callers = cases.map(({ path, field, body, begun }) => {
    const caller = openRaw(org.app.port)
    caller.socket.write(head(`POST ${path} HTTP/1.1`, `Content-Length: ${body.length}`, field))
    caller.socket.write(body.subarray(0, begun))
    return { caller, rest: body.subarray(begun), isInvited: !field.startsWith('Expect') }
  })
  const load = { active: 1, waiting: cases.length }
  await expect.poll(() => connections(org.app.adminUrl), { interval: 10 }).toEqual(load)
  await org.clock.advance(10 * MINUTE)
  answer.end('done')
  expect((await first).text).toBe('done')
  for (const { caller, rest, isInvited } of callers) {
    if (!isInvited) await caller.until('100 Continue')
    caller.socket.write(rest)
    await caller.until('HTTP/1.1 200')
    caller.socket.destroy()
  }
})

test('nor while the answers before it hold the connection back', async () => {
  const slow = Promise.withResolvers<ServerResponse>()
  const large = Promise.withResolvers<undefined>()
  await using org = await orgAnswering((request, response) => {
    if (request.url === '/services/data/slow') slow.resolve(response)
    else if (request.url === '/services/data/large') {
      response.on('close', () => {
        large.resolve(undefined)
      })
      response.end('x'.repeat(60_000))
    } else ok(request, response)
  })
  using caller = openRaw(org.app.port)
  caller.socket.write(head('GET /services/data/slow HTTP/1.1') + head('GET /services/data/large HTTP/1.1').repeat(3))
  const answer = await slow.promise
  await large.promise
  await org.org.arrived(5)
  caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 5', 'Connection: close'))
  // Of a body whose first byte is missing undici sends no head either.
  await expect.poll(() => connections(org.app.adminUrl), { interval: 10 }).toEqual({ active: 2, waiting: 0 })
  caller.socket.write('hello')
  await org.clock.advance(10 * MINUTE)
  answer.end('slow')
  expect(statuses(await caller.untilClosed())).toEqual([200, 200, 200, 200, 200])
})

test('PROXY_UPLOAD_SILENCE_MS is how long an upload may pause, and the answer names it', async () => {
  await using org = await orgAnswering(ok, { PROXY_UPLOAD_SILENCE_MS: '5000' })
  using caller = openRaw(org.app.port)
  caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 10') + '{')
  await org.clock.waitForSleep(SECOND)
  await org.clock.advance(4 * SECOND)
  expect(await caller.until('')).toBe('')
  await org.clock.advance(2 * SECOND)
  const answer = await caller.untilClosed()
  expect(statuses(answer)).toEqual([408])
  expect(answer).toContain('PROXY_UPLOAD_SILENCE_MS')
})

test('with PROXY_UPLOAD_SILENCE_MS=0 an upload may pause as long as it likes', async () => {
  await using org = await orgAnswering(ok, { PROXY_UPLOAD_SILENCE_MS: '0' })
  const atRest = org.clock.sleepers
  using caller = openRaw(org.app.port)
  caller.socket.write(head(`POST ${ACCOUNTS} HTTP/1.1`, 'Content-Length: 10') + '{')
  await org.org.arrived(2)
  expect(org.clock.sleepers).toBe(atRest)
  await org.clock.advance(60 * MINUTE)
  caller.socket.write('123456789')
  expect(await caller.until('ok')).toMatch(/^HTTP\/1.1 200 /)
})

async function connections(adminUrl: string | undefined): Promise<unknown> {
  const status = await (await fetch(`${String(adminUrl)}/status`)).json()
  return (status as { connections: unknown }).connections // checked by the caller
}

test('one timer for all bodies, none without one, and none that stays', async () => {
  const answers: ServerResponse[] = []
  await using org = await orgAnswering((request, response) => {
    request.resume()
    answers.push(response)
  })
  const atRest = org.clock.sleepers
  const reads = Array.from({ length: 5 }, () => ask(org.app.port, ACCOUNTS))
  await until(() => answers.length === 5)
  expect(org.clock.sleepers).toBe(atRest)
  const writes = Array.from({ length: 20 }, () => ask(org.app.port, ACCOUNTS, { method: 'POST', body: 'hello' }))
  await until(() => answers.length === 25)
  expect(org.clock.sleepers).toBe(atRest + 1)
  for (const answer of answers) answer.end('ok')
  await Promise.all([...reads, ...writes])
  await org.clock.advance(SECOND)
  expect(org.clock.sleepers).toBe(atRest)
})

test('the end of the proxy does not wait for it', async () => {
  await using org = await orgAnswering()
  await ask(org.app.port, ACCOUNTS, { method: 'POST', body: 'hello' })
  await org.app.close()
  expect(org.clock.sleepers).toBe(0)
})
