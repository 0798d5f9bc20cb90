import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { startChild } from '../support/child-cli.ts'
import { ask } from '../support/http-client.ts'
import { startOriginServer } from '../support/origin-server.ts'

/*
 * An exception out of what all requests share leaves a state that nobody knows: the program logs it, stops accepting, drains, and exits with 1.
 */

const BROKEN = new URL('../support/broken-state.ts', import.meta.url).href
const DATA = '/services/data/v62.0/a'

async function startProgram(breaks: string) {
  const held: ServerResponse[] = []
  const org = await startOriginServer((request, response) => {
    request.on('error', () => undefined).resume()
    if (request.url === '/services/oauth2/token') response.end('{"access_token":"a-token"}')
    else if (request.url?.endsWith('/held')) held.push(response)
    else if (/\/(?:refused|limits)$/.test(request.url ?? ''))
      response.writeHead(401).end('[{"errorCode":"INVALID_SESSION_ID"}]')
    else request.on('end', () => response.end('ok'))
  })
  const program = startChild(['--drain-delay-ms=600000'], {
    env: {
      CLOUDAWARE_URL: org.url,
      CLOUDAWARE_CLIENT_ID: 'key',
      CLOUDAWARE_CLIENT_SECRET: 'secret',
      PROXY_HOST: '127.0.0.1',
      PROXY_PORT: '0',
      ADMIN_PORT: '0',
      TEST_BREAK: breaks,
    },
    nodeFlags: ['--import', BROKEN],
  })
  // A line of pino's is a JSON object.
  const { url, adminUrl } = JSON.parse(await program.line('"listening"')) as { url: string; adminUrl: string }
  const [port, adminPort] = [Number(new URL(url).port), Number(new URL(adminUrl).port)]
  expect((await ask(port, DATA)).text).toBe('ok')
  const inFlight = ask(port, `${DATA}/held`)
  await expect.poll(() => held.length).toBe(1)
  return {
    program,
    port,
    adminPort,
    inFlight,
    answer: () => held[0]?.end('held'),
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

const crashes = (stdout: string) => stdout.split('\n').filter((line) => line.includes('"msg":"crashed"'))

test.each([
  ['buffer budget', `${DATA}/x`],
  ['connections', `${DATA}/x`],
  ['token', `${DATA}/refused`],
])(
  'an exception out of the %s fails its request and ends the program, after what is under way',
  async (breaks, path) => {
    await using stack = await startProgram(breaks)
    const { program, port, adminPort } = stack
    program.child.kill('SIGWINCH')
    await program.line('it is broken')
    const failed = await ask(port, path, { method: 'POST', body: 'body' })
    expect([failed.status, failed.text]).toMatchObject([500, expect.stringContaining('PROXY_INTERNAL_ERROR')])
    await program.line('"crashed"')
    await program.line('"stopping"')
    expect((await ask(adminPort, '/readyz')).status).toBe(503)
    // DRAIN_DELAY_MS is for an end that was asked for.
    await expect(ask(port, DATA)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(program.child.exitCode).toBeNull()
    stack.answer()
    expect((await stack.inFlight).text).toBe('held')
    const { code, stdout } = await program.ended
    expect(code).toBe(1)
    expect(crashes(stdout).length).toBeGreaterThan(0)
    expect(stdout).toMatch(/"level":60.*SharedStateError.*a mistake.*"msg":"crashed"/)
    expect(stdout).toMatch(/"level":50.*"reqId":"[^"]+","msg":"an exception while a request was served"/)
  },
)

test('an exception without a request ends the program after what is under way, and others meanwhile change nothing', async () => {
  await using stack = await startProgram('nothing')
  const { program, port } = stack
  program.child.kill('SIGWINCH')
  await program.line('"stopping"')
  for (let count = 2; count <= 12; count++) {
    program.child.kill('SIGWINCH')
    await expect.poll(() => program.count('"crashed"')).toBe(Math.min(count, 10))
  }
  await expect(ask(port, DATA)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  stack.answer()
  expect((await stack.inFlight).text).toBe('held')
  const { code, stdout } = await program.ended
  expect([code, crashes(stdout).length]).toEqual([1, 10])
  expect(stdout).toContain('"msg":"stopped"')
})
