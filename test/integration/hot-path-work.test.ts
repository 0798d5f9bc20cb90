import { createHook } from 'node:async_hooks'
import { createServer, type Server } from 'node:http'
import { connect, Socket, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test, vi } from 'vitest'
import { startApp } from '../../src/app.ts'
import { loadSettings } from '../../src/config.ts'
import { createLogger } from '../../src/logger.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** What an ordinary request costs is counted, not timed: the same on every machine, and under any load. */
const REQUESTS = 200
const ANSWER = JSON.stringify({ totalSize: 1, done: true, records: [{ Name: 'x'.repeat(2000) }] })

/** In the source of expressions for a plain path, a Host, a record's id, a glob of the policy, a login's path. */
const MEANING = /\[\\w-\]\[\\w\.-\]|\\d\{1,5\}|\{15\}|\[\^\/\]|oauth2\\\//

afterEach(() => {
  vi.restoreAllMocks()
})

/** Answers the token request and every other; nothing in it makes a promise. */
async function startUpstream(): Promise<Server> {
  const server = createServer((request, response) => {
    const isToken = request.url === '/services/oauth2/token'
    const body = isToken ? '{"access_token":"00D000000000001!abc","token_type":"Bearer"}' : ANSWER
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** One request after the other on one connection; calls back when all are answered. */
function askInTurn(socket: Socket, count: number, done: () => void): void {
  let answered = 0
  let received = 0
  const ask = () =>
    socket.write(
      `GET /services/data/v67.0/query?q=SELECT+Name+FROM+Account+LIMIT+${answered} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: key-of-the-caller\r\nAccept: application/json\r\nX-Request-Id: call-${answered}\r\n\r\n`,
    )
  const onData = (chunk: Buffer) => {
    received += chunk.length
    // The body is the end of an answer; heads are shorter than it.
    if (received < ANSWER.length || chunk.at(-1) !== '}'.charCodeAt(0)) return
    received = 0
    answered += 1
    if (answered < count) ask()
    else {
      socket.off('data', onData)
      done()
    }
  }
  socket.on('data', onData)
  ask()
}

test('an ordinary request is one write each way, one line, and neither a promise nor a parsed URL', async () => {
  const upstream = await startUpstream()
  await using folder = await temporaryDirectory()
  const lines: string[] = []
  const settings = loadSettings({
    argv: [],
    cwd: folder.path,
    env: {
      CLOUDAWARE_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      CLOUDAWARE_CLIENT_ID: 'test-client-id',
      CLOUDAWARE_CLIENT_SECRET: 'test-client-secret',
      PROXY_HOST: '127.0.0.1',
      PROXY_PORT: '0',
      ADMIN_PORT: 'off',
      PROXY_API_KEY: 'key-of-the-caller',
      PROXY_ALLOWED_ORIGINS: 'https://tool.example.com',
      PROXY_READ_ONLY: 'true',
    },
  })
  const logger = createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } })
  // Time stands still: what the inspector does in the background five times a second is more, the longer a busy machine takes.
  const clock = new FakeClock()
  const app = await startApp(settings, { logger, clock, version: '0', stateDirectory: folder.path })
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
  await once(socket, 'connect')
  const run = () =>
    new Promise<void>((resolve) => {
      askInTurn(socket, REQUESTS, resolve)
    })
  await run()

  lines.length = 0
  // What a stream calls to write one piece, or several in one go: the methods that its types keep to themselves.
  const pipes = Socket.prototype as unknown as { _write: () => void; _writev: () => void }
  const written = vi.spyOn(pipes, '_write')
  const gathered = vi.spyOn(pipes, '_writev')
  const parsed = vi.spyOn(globalThis, 'URL')
  const parse = vi.spyOn(JSON, 'parse')
  const stringify = vi.spyOn(JSON, 'stringify')
  const decoded = vi.spyOn(Buffer.prototype, 'toString')
  const searched = vi.spyOn(RegExp.prototype, 'exec')
  let promises = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises += 1
    },
  }).enable()
  await run()
  hook.disable()

  // The caller's, the proxy's to the upstream, the upstream's, the proxy's to the caller.
  expect(written.mock.calls.length / REQUESTS).toBe(4)
  // Head and body of a small answer are one piece.
  expect(gathered).not.toHaveBeenCalled()
  expect(lines).toHaveLength(REQUESTS)
  expect(parsed).not.toHaveBeenCalled()
  expect(parse).not.toHaveBeenCalled()
  expect(stringify).not.toHaveBeenCalled()
  // undici's own, for the five values of an answer's fields: what comes again is not decoded once more for the caller.
  const ofFields = decoded.mock.results.filter(
    ({ value }, n) => value !== '' && String(value).length < 256 && decoded.mock.calls[n]?.[0] === 'latin1',
  )
  expect(ofFields.length / REQUESTS).toBeLessThan(6)
  // What this path, this host and this method mean was found out by the first requests.
  const ofMeaning = (searched.mock.contexts as RegExp[]).filter(({ source }) => MEANING.test(source))
  expect(ofMeaning).toEqual([])
  // Timers of the background make a few, whatever the number of requests.
  expect(promises).toBeLessThan(REQUESTS / 2)

  socket.destroy()
  await app.close()
  upstream.close()
})
