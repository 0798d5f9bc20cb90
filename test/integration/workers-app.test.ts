import { writeFile } from 'node:fs/promises'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { openEvents } from '../support/event-source.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { inProcessWorkers, unusedPort } from '../support/in-process-worker.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const LIMITS = '/services/data/v67.0/limits'

/** The proxy with two workers, of which one serves, in this process. */
async function crew(env: Record<string, string> = {}, clock?: FakeClock) {
  const stack = new AsyncDisposableStack()
  const org = await startEmulator({ records: 1 })
  stack.defer(() => org.close())
  const port = await unusedPort()
  const workers = inProcessWorkers(port)
  const app = stack.use(
    await startStack(org, {
      env: { WORKERS: '2', PROXY_PORT: String(port), ...env },
      startWorker: workers.start,
      ...(clock && { clock }),
    }),
  )
  return {
    app,
    org,
    workers,
    ask: async (headers: Record<string, string> = {}, path = LIMITS) => {
      const answer = await request(app.url + path, { headers })
      await answer.body.dump()
      return answer.statusCode
    },
    admin: async (path: string, method: 'GET' | 'POST' = 'GET') => {
      const answer = await request(`${app.adminUrl}${path}`, { method })
      return { status: answer.statusCode, text: await answer.body.text() }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('the token, a new one, and the end of it come to the worker that serves', async () => {
  const clock = new FakeClock()
  await using run = await crew({}, clock)
  expect(await run.ask()).toBe(200)
  // A token is not asked for again at once.
  await clock.advance(5000)
  await run.admin('/refresh', 'POST')
  await expect.poll(() => run.ask()).toBe(200)
  run.org.killSessions()
  expect(await run.ask()).toBe(200)
  expect(run.app.tokenEvents.filter(({ type }) => type === 'refused')).toHaveLength(1)
  expect(run.workers.log()).toContain('"worker":1')
})

test('callers’ keys that change in their file are the worker’s too, and it prints none', async () => {
  await using directory = await temporaryDirectory()
  const file = directory.file('keys')
  await writeFile(file, 'etl:the-first-key')
  await using run = await crew({ PROXY_API_KEY_FILE: file })
  expect(await run.ask({ 'x-api-key': 'the-first-key' })).toBe(200)
  expect(await run.ask()).toBe(403)
  await writeFile(file, 'etl:the-second-key')
  await run.app.reload()
  await expect.poll(() => run.ask({ 'x-api-key': 'the-second-key' })).toBe(200)
  expect(await run.ask({ 'x-api-key': 'the-first-key' })).toBe(403)
  expect(await run.ask({ 'x-api-key': 'the-second-key', 'x-request-id': 'the-second-key' })).toBe(200)
  expect(run.workers.log()).toContain('"caller":"etl"')
  expect(run.workers.log()).not.toMatch(/the-(?:first|second)-key/)
})

test('status, metrics and readiness are those of all workers', async () => {
  await using run = await crew()
  expect(await run.ask()).toBe(200)
  expect(await run.ask({ host: 'elsewhere.example' })).toBe(403)
  expect(JSON.parse((await run.admin('/status')).text)).toMatchObject({
    connections: { active: 0, waiting: 0 },
    workers: [
      { number: 1, state: 'serving' },
      { number: 2, state: 'serving' },
    ],
    apiRefusals: [],
  })
  const { text } = await run.admin('/metrics')
  expect(text).toMatch(/^cloudaware_proxy_requests_total\{.*status_class="2xx".*\} 1$/m)
  expect(text).toMatch(/^cloudaware_proxy_refusals_total\{reason="PROXY_HOST_REFUSED"\} 1$/m)
  expect(text).toMatch(/^cloudaware_proxy_requests_in_flight 0$/m)

  for (const { end } of run.workers.all) end(1)
  expect(await run.admin('/readyz')).toMatchObject({
    status: 503,
    text: expect.stringContaining('no worker serves') as string,
  })
  expect(run.app.log()).toContain('a worker ended')
})

test('the level of the log is the workers’ too', async () => {
  await using run = await crew({ LOG_LEVEL: 'warn' })
  await run.ask()
  expect(run.workers.log()).toBe('')
  await run.admin('/log-level?level=info', 'POST')
  await run.ask()
  expect(run.workers.log()).toContain('"msg":"request"')
})

test('the page shows the traffic and the troubles of the workers; exchanges it does not, and says why', async () => {
  await using run = await crew()
  await run.ask()
  await run.ask({ host: 'elsewhere.example' })
  await using events = await openEvents(Number(new URL(run.app.adminUrl ?? '').port))
  const shown = await events.until(({ seconds, troubles }) => seconds.length > 0 && troubles.length > 0)
  expect(shown.seconds.reduce((sum, { requests }) => sum + requests, 0)).toBe(2)
  expect(shown.troubles).toMatchObject([{ code: 'PROXY_HOST_REFUSED 403', count: 1 }])
  expect(shown.exchanges).toBeNull()
  const { status, text } = await run.admin('/exchanges.har')
  expect({ status, text }).toMatchObject({ status: 403, text: expect.stringContaining('WORKERS') as string })
})

test('it ends with every request answered', async () => {
  await using run = await crew()
  await run.ask()
  expect(await run.app.close()).toEqual({ drained: true })
  await expect(run.ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a port in use is the system’s own error', async () => {
  await using run = await crew()
  const port = run.app.port
  const workers = inProcessWorkers(port)
  await expect(
    startStack(run.org, { env: { WORKERS: '2', PROXY_PORT: String(port) }, startWorker: workers.start }),
  ).rejects.toMatchObject({ code: 'EADDRINUSE', port })
})

test('where nothing can start a worker, that is said', async () => {
  await using org = await startEmulator({ records: 1 }).then((started) =>
    Object.assign(started, { [Symbol.asyncDispose]: () => started.close() }),
  )
  await expect(startStack(org, { env: { WORKERS: '2' } })).rejects.toThrow('WORKERS')
})
