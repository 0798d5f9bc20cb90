import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { startChild } from '../../support/child-cli.ts'
import { ask } from '../../support/http-client.ts'
import { startOriginServer } from '../../support/origin-server.ts'
import { openRaw } from '../../support/raw-http.ts'
import { beginAndLeave, UPLOADS } from '../../support/uploads.ts'

/*
 * A caller stopped by Ctrl-C in the middle of an upload once ended the process. The real program, since an exception that nobody catches
 * ends a process and not a test.
 */

const TOKEN = JSON.stringify({ access_token: '00D000000000001!ours', token_type: 'Bearer' })
const HEALTHY = '/services/data/v62.0/healthy'

/** The program in front of an org that answers as it is told, and `apiUrl` in the place of its API. */
async function startProgram(env: Record<string, string> = {}) {
  const held: ServerResponse[] = []
  let isTokenHeld = false
  const org = await startOriginServer((request, response) => {
    request.on('error', () => undefined).resume()
    const isToken = request.url === '/services/oauth2/token'
    if (isToken && isTokenHeld) held.push(response)
    else if (isToken) response.end(TOKEN)
    else if (request.url?.endsWith('/held')) held.push(response)
    else request.on('end', () => response.end('ok'))
  })
  const program = startChild([], {
    env: {
      CLOUDAWARE_URL: org.url,
      CLOUDAWARE_CLIENT_ID: 'test-client-id',
      CLOUDAWARE_CLIENT_SECRET: 'test-client-secret',
      PROXY_HOST: '127.0.0.1',
      PROXY_PORT: '0',
      ADMIN_PORT: '0',
      INSPECT: 'true',
      ...env,
    },
  })
  return {
    org,
    held,
    program,
    holdTokens: (isHeld: boolean) => (isTokenHeld = isHeld),
    async ports() {
      // A line of pino's is a JSON object.
      const { url, adminUrl } = JSON.parse(await program.line('"listening"')) as { url: string; adminUrl: string }
      return { port: Number(new URL(url).port), adminPort: Number(new URL(adminUrl).port) }
    },
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

/** Resolves once nothing is held, nothing waits and nobody is being served; rejects where the program has ended. */
async function isAtRest(adminPort: number): Promise<void> {
  const rest = ['held_body_bytes', 'requests_in_flight', 'upstream_requests_running', 'upstream_requests_queued']
  for (;;) {
    const { text } = await ask(adminPort, '/metrics')
    if (rest.every((name) => text.includes(`\ncloudaware_proxy_${name} 0\n`))) return
  }
}

/** Everyone leaves, by FIN and by RST, after more and more turns of the event loop. */
async function everyoneLeaves(port: number): Promise<void> {
  for (const turns of [0, 1, 2, 3, 5, 8, 13, 21]) {
    await Promise.all(
      UPLOADS.flatMap((upload) => [
        beginAndLeave(port, upload, { turns, by: 'FIN' }),
        beginAndLeave(port, upload, { turns, by: 'RST' }),
      ]),
    )
  }
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listener on a TCP port has an AddressInfo, not a path.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Nothing was logged that a caller who leaves is not worth. */
function expectNoFailure(stdout: string): void {
  const loud = stdout.split('\n').filter((line) => /"level":[56]0/.test(line))
  expect(loud).toEqual([])
}

test('callers who leave while Cloudaware refuses connections end nothing but their own requests', async () => {
  await using stack = await startProgram({ CLOUDAWARE_API_URL: `http://127.0.0.1:${await closedPort()}` })
  const { port, adminPort } = await stack.ports()
  await everyoneLeaves(port)
  await isAtRest(adminPort)
  expect((await ask(port, HEALTHY)).status).toBe(502)
  stack.program.child.kill('SIGTERM')
  const { code, stdout } = await stack.program.ended
  expect(code).toBe(0)
  expectNoFailure(stdout)
})

test('callers who leave while they are served end nothing but their own requests', async () => {
  await using stack = await startProgram()
  const { port, adminPort } = await stack.ports()
  await everyoneLeaves(port)
  await isAtRest(adminPort)
  expect((await ask(port, HEALTHY)).status).toBe(200)
  stack.program.child.kill('SIGTERM')
  const { code, stdout } = await stack.program.ended
  expect(code).toBe(0)
  expectNoFailure(stdout)
})

test('callers who leave while they wait for a connection end nothing but their own requests', async () => {
  await using stack = await startProgram({ UPSTREAM_CONNECTIONS: '1' })
  const { port, adminPort } = await stack.ports()
  const first = ask(port, '/services/data/v62.0/held')
  while (stack.held.length === 0) await stack.org.arrived(stack.org.requests.length + 1)
  await everyoneLeaves(port)
  // As many as there are connections wait still when one comes free.
  const late = Promise.all(UPLOADS.map((upload) => beginAndLeave(port, upload, { turns: 5, by: 'RST' })))
  stack.held[0]?.end('held')
  expect((await first).text).toBe('held')
  await late
  await isAtRest(adminPort)
  expect((await ask(port, HEALTHY)).status).toBe(200)
  stack.program.child.kill('SIGTERM')
  const { code, stdout } = await stack.program.ended
  expect(code).toBe(0)
  expectNoFailure(stdout)
})

test('callers who leave while they wait for a token end nothing but their own requests', async () => {
  await using stack = await startProgram()
  stack.holdTokens(true)
  const { port, adminPort } = await stack.ports()
  while (stack.held.length === 0) await stack.org.arrived(stack.org.requests.length + 1)
  await everyoneLeaves(port)
  const late = Promise.all(UPLOADS.map((upload) => beginAndLeave(port, upload, { turns: 5, by: 'RST' })))
  stack.holdTokens(false)
  for (const response of stack.held) response.end(TOKEN)
  await late
  await isAtRest(adminPort)
  expect((await ask(port, HEALTHY)).status).toBe(200)
  stack.program.child.kill('SIGTERM')
  const { code, stdout } = await stack.program.ended
  expect(code).toBe(0)
  expectNoFailure(stdout)
})

test('a caller who goes on after an answer that came before the body was read finds the next answer on the same connection', async () => {
  await using stack = await startProgram({ CLOUDAWARE_API_URL: `http://127.0.0.1:${await closedPort()}` })
  const { port } = await stack.ports()
  using caller = openRaw(port)
  for (const { requestLine, fields, begun } of UPLOADS.slice(0, 3)) {
    const length = 300_000
    const framing = fields.filter((field) => !field.startsWith('Content-Length'))
    caller.socket.write(
      `${[`${requestLine} HTTP/1.1`, 'Host: localhost', `Content-Length: ${length}`, ...framing].join('\r\n')}\r\n\r\n`,
    )
    for (let sent = 0; sent < length; sent += begun.length) caller.socket.write(begun)
  }
  let seen = ''
  while (seen.split('HTTP/1.1 502').length < 4) {
    const [chunk] = (await once(caller.socket, 'data')) as [Buffer] // a socket without an encoding gives Buffers
    seen += chunk.toString('latin1')
  }
})
