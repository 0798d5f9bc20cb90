import { once } from 'node:events'
import { Agent, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { startChild } from '../support/child-cli.ts'
import { startOriginServer } from '../support/origin-server.ts'

const LIMITS = '/services/data/v67.0/limits'

/** An org that issues tokens, and whose API answers when the test says so. */
async function patientOrg() {
  const waiting: ServerResponse[] = []
  const origin = await startOriginServer((incoming, response) => {
    incoming.resume()
    if (incoming.url === '/services/oauth2/token') response.end('{"access_token":"a-token"}')
    else waiting.push(response)
  })
  const settings = { CLOUDAWARE_CLIENT_ID: 'key', CLOUDAWARE_CLIENT_SECRET: 'secret' }
  return {
    origin,
    env: { CLOUDAWARE_URL: origin.url, ...settings, PROXY_PORT: '0', ADMIN_PORT: '0', ADMIN_ALLOW_QUIT: 'true' },
    answerAll(): void {
      for (const response of waiting.splice(0)) response.end('{}')
    },
    [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose](),
  }
}

/** `serve` as a process of its own, once it is ready. */
async function serving(env: Record<string, string>, ...flags: string[]) {
  const run = startChild(['serve', '--proxy-host=127.0.0.1', ...flags], { env })
  // What serve logs as JSON.
  const { url, adminUrl } = JSON.parse(await run.line('"listening"')) as { url: string; adminUrl: string }
  return {
    ...run,
    url,
    adminUrl,
    ready: async () => {
      const answer = await fetch(`${adminUrl}/readyz`)
      return { status: answer.status, reason: (await answer.json()) as { reason?: string } }
    },
  }
}

async function isRefused(url: string): Promise<boolean> {
  const error: unknown = await fetch(url).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return (
    error instanceof TypeError &&
    error.cause instanceof Error &&
    'code' in error.cause &&
    error.cause.code === 'ECONNREFUSED'
  )
}

/** A call on a connection that would like to be kept; resolves with the head of the answer. */
async function call(url: string): Promise<IncomingMessage> {
  const asking = request(url + LIMITS, { agent: new Agent({ keepAlive: true }) }).end()
  const [response] = (await once(asking, 'response')) as [IncomingMessage] // the event carries one message
  return response
}

const asked = {
  SIGTERM: (run: Awaited<ReturnType<typeof serving>>) => Promise.resolve(run.child.kill('SIGTERM')),
  SIGINT: (run: Awaited<ReturnType<typeof serving>>) => Promise.resolve(run.child.kill('SIGINT')),
  'POST /quitquitquit': ({ adminUrl }: { adminUrl: string }) => fetch(`${adminUrl}/quitquitquit`, { method: 'POST' }),
}

test.each(Object.entries(asked))(
  '%s: no longer ready, no new connections, what is in flight is answered with Connection: close, exit code 0',
  async (_name, ask) => {
    await using org = await patientOrg()
    await using run = await serving(org.env)
    await expect.poll(() => run.ready()).toMatchObject({ status: 200 })
    const answer = call(run.url)
    await org.origin.arrived(2)
    await ask(run)
    await expect.poll(() => isRefused(run.url)).toBe(true)
    // The admin listener tells how it goes, to the end.
    expect(await run.ready()).toEqual({ status: 503, reason: { ok: false, reason: 'draining' } })
    expect((await fetch(`${run.adminUrl}/livez`)).status).toBe(200)
    expect(run.child.exitCode).toBeNull()
    org.answerAll()
    const response = await answer
    expect({ status: response.statusCode, connection: response.headers.connection }).toEqual({
      status: 200,
      connection: 'close',
    })
    expect(await text(response)).toBe('{}')
    expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
    await expect(fetch(`${run.adminUrl}/livez`)).rejects.toThrow()
  },
)

test('for DRAIN_DELAY_MS new requests are still accepted, while /readyz already says no; a second signal ends delay and drain at once, with 1', async () => {
  await using org = await patientOrg()
  await using run = await serving(org.env, '--drain-delay-ms=600000')
  await expect.poll(() => run.ready()).toMatchObject({ status: 200 })
  run.child.kill('SIGTERM')
  await expect.poll(() => run.ready()).toMatchObject({ status: 503, reason: { reason: 'draining' } })
  const answer = call(run.url)
  await org.origin.arrived(2)
  org.answerAll()
  expect((await answer).statusCode).toBe(200)
  ;(await answer).resume()
  expect(await isRefused(run.url)).toBe(false)
  run.child.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ code: 1, stderr: '' })
})

test('below npm too, which passes each signal on twice, another signal is a second one', async () => {
  await using org = await patientOrg()
  await using run = await serving({ ...org.env, npm_lifecycle_event: 'start' }, '--drain-delay-ms=600000')
  run.child.kill('SIGINT')
  await expect.poll(() => run.ready()).toMatchObject({ status: 503 })
  run.child.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ code: 1, stderr: '' })
})

test('a token request in flight is cancelled: nobody waits for it', async () => {
  const cut = Promise.withResolvers<undefined>()
  await using origin = await startOriginServer((incoming, response) => {
    incoming.resume()
    response.once('close', () => {
      cut.resolve(undefined)
    })
  })
  const env = {
    CLOUDAWARE_URL: origin.url,
    CLOUDAWARE_CLIENT_ID: 'key',
    CLOUDAWARE_CLIENT_SECRET: 'secret',
    PROXY_PORT: '0',
    ADMIN_PORT: '0',
  }
  await using run = await serving(env)
  await origin.arrived(1)
  run.child.kill('SIGTERM')
  await cut.promise
  expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
  expect(origin.requests).toHaveLength(1)
})

test('an idle connection that is kept alive does not hold up the end', async () => {
  await using org = await patientOrg()
  await using run = await serving(org.env)
  const answer = call(run.url)
  await org.origin.arrived(2)
  org.answerAll()
  const response = await answer
  await text(response)
  expect(response.headers.connection).not.toBe('close')
  run.child.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ code: 0 })
})
