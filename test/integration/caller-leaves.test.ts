import type { ServerResponse } from 'node:http'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { ask } from '../support/http-client.ts'
import { startOriginServer, type Answer, type OriginServer } from '../support/origin-server.ts'
import { openRaw } from '../support/raw-http.ts'
import { startStack, type RunningApp } from '../support/stack.ts'

const TOKEN = JSON.stringify({ access_token: '00D000000000001!AQEAQ.test.token', token_type: 'Bearer' })
const isTokenCall = (url: string | undefined) => url === '/services/oauth2/token'

function org(answer: Answer, tokenAnswer: Answer = (_, response) => response.end(TOKEN)): Promise<OriginServer> {
  return startOriginServer((request, response) => {
    if (isTokenCall(request.url)) tokenAnswer(request, response)
    else answer(request, response)
  })
}

const apiCalls = ({ requests }: OriginServer) => requests.map(({ target }) => target).filter((url) => !isTokenCall(url))

/** What /status says of the connections. */
async function load(app: RunningApp): Promise<unknown> {
  const status = (await ask(Number(new URL(String(app.adminUrl)).port), '/status')).json()
  return (status as { connections: unknown }).connections // checked by the caller
}

/** Resolves once so many requests are being served, those that wait for a token included. */
async function inFlightBecomes(app: RunningApp, expected: number): Promise<void> {
  const port = Number(new URL(String(app.adminUrl)).port)
  const line = `\ncloudaware_proxy_requests_in_flight ${expected}\n`
  while (!(await ask(port, '/metrics')).text.includes(line)) await new Promise(setImmediate)
}

/** Resolves once /status says so: the proxy learns of a closed socket in its own time. */
async function loadBecomes(app: RunningApp, expected: { active: number; waiting: number }): Promise<void> {
  while (JSON.stringify(await load(app)) !== JSON.stringify(expected)) await new Promise(setImmediate)
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

describe('a caller that leaves', () => {
  test('while its request waits for a token: nothing is sent once there is one', async () => {
    const held = Promise.withResolvers<ServerResponse>()
    await using server = await org(
      (_, response) => response.end('ok'),
      (_, response) => {
        held.resolve(response)
      },
    )
    await using app = await startStack(server)
    const client = openRaw(app.port)
    client.socket.write('POST /services/data/gone HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n')
    const tokenAnswer = await held.promise
    await inFlightBecomes(app, 1)
    client.socket.destroy()
    // Its line is written when the proxy knows that the caller left.
    while (!app.log().includes('"brokenOff":true')) await new Promise(setImmediate)
    tokenAnswer.end(TOKEN)
    expect((await ask(app.port, '/services/data/stayed')).status).toBe(200)
    expect(apiCalls(server)).toEqual(['/services/data/stayed'])
  })

  test('while its request waits for a connection: its place in the queue is free at once, and nothing is sent', async () => {
    const first = Promise.withResolvers<ServerResponse>()
    await using server = await org((request, response) => {
      if (request.url === '/services/data/slow') first.resolve(response)
      else response.end('ok')
    })
    await using app = await startStack(server, { env: { UPSTREAM_CONNECTIONS: '1', UPSTREAM_QUEUE_LIMIT: '1' } })
    const slow = ask(app.port, '/services/data/slow')
    const slowAnswer = await first.promise
    const leaver = openRaw(app.port)
    leaver.socket.write(get('/services/data/gone'))
    await loadBecomes(app, { active: 1, waiting: 1 })
    leaver.socket.destroy()
    await loadBecomes(app, { active: 1, waiting: 0 })
    const next = ask(app.port, '/services/data/next')
    await loadBecomes(app, { active: 1, waiting: 1 })
    slowAnswer.end('slow')
    expect([(await slow).text, (await next).text]).toEqual(['slow', 'ok'])
    expect(apiCalls(server)).toEqual(['/services/data/slow', '/services/data/next'])
  })

  test('before the head of the answer: the upstream call ends', async () => {
    const arrived = Promise.withResolvers<ServerResponse>()
    await using server = await org((_, response) => {
      arrived.resolve(response)
    })
    await using app = await startStack(server)
    const client = openRaw(app.port)
    client.socket.write(get('/services/data/x'))
    const answer = await arrived.promise
    const closed = once(answer, 'close')
    client.socket.destroy()
    await closed
    await loadBecomes(app, { active: 0, waiting: 0 })
  })

  test('in the middle of its upload: the upstream sees it break off, never a shorter whole', async () => {
    await using server = await org((request) => void request.resume())
    await using app = await startStack(server)
    const client = openRaw(app.port)
    client.socket.write('POST /services/data/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
    client.socket.write('5\r\nhello\r\n')
    while (apiCalls(server).length === 0) await server.arrived(server.requests.length + 1)
    client.socket.destroy()
    await expect(server.requests.at(-1)?.body).rejects.toThrow()
    await loadBecomes(app, { active: 0, waiting: 0 })
  })

  test('in the middle of a download that it does not read: the upstream call ends', async () => {
    const closed = Promise.withResolvers<undefined>()
    await using server = await org((_, response) => {
      response.once('close', () => {
        closed.resolve(undefined)
      })
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
        response.once('drain', more)
      }
      more()
    })
    await using app = await startStack(server)
    const client = openRaw(app.port)
    client.socket.write(get('/services/data/x'))
    await client.until('HTTP/1.1 200')
    client.socket.pause()
    client.socket.destroy()
    await closed.promise
    await loadBecomes(app, { active: 0, waiting: 0 })
  })
})

describe('when all connections are in use', () => {
  async function busyOrg(env: Record<string, string>) {
    const answers: ServerResponse[] = []
    const server = await org((_, response) => void answers.push(response))
    const app = await startStack(server, { env: { UPSTREAM_CONNECTIONS: '2', ...env } })
    return {
      server,
      app,
      answers,
      async [Symbol.asyncDispose]() {
        for (const answer of answers) answer.end()
        await app[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  }

  test('requests wait in order for one that comes free', async () => {
    await using busy = await busyOrg({})
    const { app, answers, server } = busy
    const paths = ['/services/data/1', '/services/data/2', '/services/data/3', '/services/data/4']
    const replies: Promise<unknown>[] = []
    for (const [at, path] of paths.entries()) {
      replies.push(ask(app.port, path))
      await loadBecomes(app, { active: Math.min(at + 1, 2), waiting: Math.max(at - 1, 0) })
    }
    for (const at of paths.keys()) {
      while (answers[at] === undefined) await new Promise(setImmediate)
      answers[at].end('ok')
    }
    await Promise.all(replies)
    expect(apiCalls(server)).toEqual(paths)
    await loadBecomes(app, { active: 0, waiting: 0 })
  })

  test('one request too many is 503 at once, and says when to come again', async () => {
    await using busy = await busyOrg({ UPSTREAM_QUEUE_LIMIT: '0' })
    const { app, answers } = busy
    const replies = [ask(app.port, '/services/data/1'), ask(app.port, '/services/data/2')]
    await loadBecomes(app, { active: 2, waiting: 0 })
    const refused = await ask(app.port, '/services/data/3')
    expect([refused.status, refused.json()]).toMatchObject([503, [{ errorCode: 'PROXY_UPSTREAM_BUSY' }]])
    expect(refused.headers['proxy-status']).toContain('error=connection_limit_reached')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    while (answers.length < 2) await new Promise(setImmediate)
    for (const answer of answers) answer.end('ok')
    await Promise.all(replies)
  })

  test('a request that waited in vain is 503, and nothing of it was sent', async () => {
    await using busy = await busyOrg({ UPSTREAM_QUEUE_TIMEOUT_MS: '50', UPSTREAM_CONNECTIONS: '1' })
    const { app, answers } = busy
    const reply = ask(app.port, '/services/data/1')
    await loadBecomes(app, { active: 1, waiting: 0 })
    const refused = await ask(app.port, '/services/data/2', { method: 'POST', body: Buffer.alloc(3_000_000) })
    expect([refused.status, refused.json()]).toMatchObject([503, [{ errorCode: 'PROXY_UPSTREAM_BUSY' }]])
    while (answers.length < 1) await new Promise(setImmediate)
    answers[0]?.end('ok')
    expect((await reply).text).toBe('ok')
    expect(apiCalls(busy.server)).toEqual(['/services/data/1'])
  })
})
