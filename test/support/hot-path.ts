import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { startApp } from '../../src/app.ts'
import { loadSettings } from '../../src/config.ts'
import { createLogger } from '../../src/logger.ts'
import { FakeClock } from './fake-clock.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const ANSWER = JSON.stringify({ totalSize: 1, done: true, records: [{ Name: 'x'.repeat(2000) }] })

export interface HotPath extends AsyncDisposable {
  /** The lines of the log. */
  readonly lines: string[]
  /** So many ordinary requests on each of the connections, one after the other. */
  ask(count: number): Promise<void>
}

/** A proxy with its guards on and the status page off, its upstream and its caller, for counting what an ordinary request costs. */
export async function hotPath({ connections = 1 } = {}): Promise<HotPath> {
  await using stack = new AsyncDisposableStack()
  const upstream = await startUpstream()
  stack.defer(() => {
    upstream.close()
  })
  const folder = stack.use(await temporaryDirectory())
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
  // Time stands still: what is done in the background five times a second is more, the longer a busy machine takes.
  const app = await startApp(settings, { logger, clock: new FakeClock(), version: '0', stateDirectory: folder.path })
  stack.defer(async () => {
    await app.close()
  })
  const sockets = Array.from({ length: connections }, () => connect(Number(new URL(app.url).port), '127.0.0.1'))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  stack.defer(() => {
    for (const socket of sockets) socket.destroy()
  })
  const opened = stack.move()
  return {
    lines,
    ask: async (count) => {
      await Promise.all(
        sockets.map(
          (socket) =>
            new Promise<void>((resolve) => {
              askInTurn(socket, count, resolve)
            }),
        ),
      )
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

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

/** Calls back when all are answered. */
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
