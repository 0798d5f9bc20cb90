import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { startCuttingProxy, startFaultServer } from '../support/fault-server.ts'
import { FAULTS, type Fault } from '../support/faults.ts'
import { readReply } from '../support/http-client.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { startOrgAnswering } from '../support/org-answering.ts'
import { startStack } from '../support/stack.ts'

/*
 * docs/faults.md says what a caller gets when Cloudaware, or the way there, misbehaves. Each of its rows is played here on bare sockets.
 */

const PATH = '/services/data/v62.0/x'

/** The rows of the table: what happens, and what a GET and a POST then get. */
const documented = new Map(
  (readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8').split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .map(([fault = '', get, post]) => [fault, { get, post }] as const)
    .slice(1),
)

/** What a caller sees, in the words of the table. */
async function outcome(port: number, method: 'GET' | 'POST', agent: Agent, path = PATH): Promise<string> {
  const body = method === 'POST' ? 'hello' : ''
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path,
    method,
    agent,
    headers: { 'content-length': body.length },
  })
  request.end(body)
  // The 'response' event carries one IncomingMessage.
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const status = response.statusCode ?? 0
  try {
    const reply = await readReply(response)
    const [, type] = /error=(\w+)/.exec(String(reply.headers['proxy-status'])) ?? []
    if (type === undefined)
      return reply.text === 'hello' || status === 204 ? `${status}, whole` : `${status}, other than hello`
    const [{ errorCode } = { errorCode: '' }] = reply.json() as { errorCode: string }[] // the proxy's own shape
    return `${status} \`${errorCode}\` (${type})`
  } catch {
    return `${status}, broken off`
  }
}

async function played(fault: Fault, method: 'GET' | 'POST'): Promise<string> {
  await using upstream = fault.isAbsent
    ? undefined
    : await startFaultServer({
        ...(fault.play && { onRequest: fault.play }),
        ...(fault.onConnection && { onConnection: fault.onConnection }),
      })
  const url = upstream?.url ?? (await portOfNobody())
  await using org = await startOrgAnswering((_, response) => response.end(), {
    env: {
      CLOUDAWARE_API_URL: url,
      UPSTREAM_CONNECTIONS: '1',
      // Real time: long enough for a good answer on a busy machine.
      ...(fault.isSilent && { UPSTREAM_TIMEOUT_MS: '3000' }),
    },
  })
  const agent = new Agent({ keepAlive: true })
  if (fault.isWarm) expect(await outcome(org.app.port, 'GET', agent)).toBe('200, whole')
  const before = upstream?.requests ?? 0
  const seen = await outcome(org.app.port, method, agent)
  const times = (upstream?.requests ?? 0) - before
  // Nothing that was left on the connection passes for the answer to the next request.
  if (seen.endsWith('whole')) expect(await outcome(org.app.port, 'GET', agent)).toMatch(/^\d+, whole$/)
  agent.destroy()
  // The daemon serves on, whatever it was.
  expect((await fetch(`${String(org.app.adminUrl)}/livez`)).status).toBe(200)
  return times > 1 ? `sent again: ${seen}` : seen
}

async function portOfNobody(): Promise<string> {
  const server = await startOriginServer((_, response) => response.end())
  await server[Symbol.asyncDispose]()
  return server.url
}

test('the table has a row for every fault, and no other', () => {
  expect([...documented.keys()]).toEqual(Object.keys(FAULTS))
})

describe.concurrent('an upstream that', () => {
  test.each(Object.entries(FAULTS))('%s', async (name, fault) => {
    const [get, post] = await Promise.all([played(fault, 'GET'), played(fault, 'POST')])
    expect({ get, post }).toEqual(documented.get(name))
  })
})

test('an answer that nobody asked for, on an idle connection, ends the connection and answers nobody', async () => {
  await using upstream = await startFaultServer({
    onRequest: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', () => {
        setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nWRONG'))
      })
    },
  })
  await using org = await startOrgAnswering((_, response) => response.end(), {
    env: { CLOUDAWARE_API_URL: upstream.url, UPSTREAM_CONNECTIONS: '1' },
  })
  const agent = new Agent({ keepAlive: true })
  for (let n = 0; n < 5; n++) {
    const closed = upstream.closed()
    expect(await outcome(org.app.port, 'GET', agent)).toBe('200, whole')
    await closed
  }
  agent.destroy()
})

describe.each(['reset', 'close'] as const)('a %s', (how) => {
  test('at any byte of an answer is an error within its head, breaks the connection within its body, and never looks whole', async () => {
    await using emulator = await startEmulator({ records: 20 })
    await using between = await startCuttingProxy(emulator.port)
    await using app = await startStack(emulator, { env: { CLOUDAWARE_API_URL: between.url, LOG_LEVEL: 'error' } })
    const agent = new Agent({ keepAlive: true })
    const path = '/services/data/v62.0/sobjects/CA10__CaAwsInstance__c/a035f0000000000AAA?fields=Name'
    const ask = () => outcome(app.port, 'GET', agent, path)
    // Whole, as often as it is asked for: so its length is known.
    expect(await ask()).toMatch(/^200, /)
    const { head, total } = between.lastAnswer()
    expect(head).toBeGreaterThan(300)
    expect(total - head).toBeGreaterThan(50)
    between.cut.how = how
    // A cut answer ends its connection, so the next request is on a fresh one; the whole answer's is still alive.
    between.end()
    for (let after = 1; after <= total; after += how === 'reset' ? 1 : 5) {
      between.cut.after = after
      const seen = await ask()
      // A reset may overtake bytes that were sent before it: then the head never came.
      const broken = how === 'reset' ? /^(?:200, broken off|502 `PROXY_UPSTREAM_CLOSED` .*)$/ : /^200, broken off$/
      const whole = how === 'reset' ? /^(?:200, |502 )/ : /^200, other than hello$/
      const expected = after < head ? /^502 `PROXY_UPSTREAM_CLOSED`/ : after < total ? broken : whole
      expect([after, seen]).toEqual([after, expect.stringMatching(expected)])
    }
    agent.destroy()
  })
})
