import { once } from 'node:events'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { Agent, request, type IncomingMessage } from 'node:http'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { selfSignedCertificate } from '../support/certificates.ts'
import { startChild } from '../support/child-cli.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { askTls, handshake } from '../support/tls-client.ts'

const LIMITS = '/services/data/v67.0/limits'
const SECRET = 'a-secret-of-the-login-host'

interface WorkerShown {
  readonly number: number
  readonly pid: number
  readonly state: string
  readonly restarts: number
}

/** An org whose sessions the test ends, and whose API may take its time. */
async function org() {
  const state = { tokens: 0, live: 'token-0', delay: Promise.resolve(), waiting: 0 }
  const origin = await startOriginServer((incoming, response) => {
    incoming.resume()
    if (incoming.url === '/services/oauth2/token') {
      state.tokens += 1
      state.live = `token-${state.tokens}`
      response.end(JSON.stringify({ access_token: state.live }))
      return
    }
    const isLive = incoming.headers.authorization === `Bearer ${state.live}`
    state.waiting += 1
    void state.delay.then(() => {
      state.waiting -= 1
      response.setHeader('content-type', 'application/json')
      response.statusCode = isLive ? 200 : 401
      response.end(
        isLive ? '{"ok":true}' : '[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]',
      )
    })
  })
  return {
    origin,
    state,
    /** Every token given out so far is refused from now on. */
    endSession() {
      state.live = 'none yet'
    },
    [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose](),
  }
}

/** `serve` with two workers, once all of them listen and the token is there. */
async function serving(url: string, { env = {}, flags = [] }: { env?: Record<string, string>; flags?: string[] } = {}) {
  const run = startChild(['serve', '--proxy-host=127.0.0.1', ...flags], {
    env: {
      CLOUDAWARE_URL: url,
      CLOUDAWARE_CLIENT_ID: 'key',
      CLOUDAWARE_CLIENT_SECRET: SECRET,
      WORKERS: '2',
      PROXY_PORT: '0',
      ADMIN_PORT: '0',
      ADMIN_ALLOW_QUIT: 'true',
      ...env,
    },
  })
  // What serve logs as JSON.
  const { url: proxyUrl, adminUrl } = JSON.parse(await run.line('"listening"')) as { url: string; adminUrl: string }
  await expect.poll(async () => (await fetch(`${adminUrl}/readyz`)).status).toBe(200)
  return {
    ...run,
    url: proxyUrl,
    adminUrl,
    async workers() {
      const status = (await (await fetch(`${adminUrl}/status`)).json()) as { workers: WorkerShown[] }
      return status.workers
    },
    metrics: async () => (await fetch(`${adminUrl}/metrics`)).text(),
  }
}

/** On a connection of its own, so that it is the next worker's turn. */
async function ask(url: string, path = LIMITS): Promise<number> {
  const asked = request(url + path, { agent: false }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  return answer.statusCode ?? 0
}

async function isRefused(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}

/**
 * Calls until told to stop, from so many connections that are kept; resolves to how often each status came, 0 for a broken connection. `patienceMs`: for
 * callers who give up, where a connection may be on its way to a worker that is killed, and is answered by nobody.
 */
function load(url: string, connections: number, patienceMs?: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const counts = new Map<number, number>()
  let isOver = false
  const one = async () => {
    while (!isOver) {
      const status = await new Promise<number>((resolve) => {
        const asked = request(url + LIMITS, { agent }, (answer) => {
          answer.resume().on('close', () => {
            resolve(answer.complete ? (answer.statusCode ?? 0) : 0)
          })
        })
        if (patienceMs !== undefined) asked.setTimeout(patienceMs, () => asked.destroy())
        asked.on('error', () => {
          resolve(0)
        })
        asked.end()
      })
      counts.set(status, (counts.get(status) ?? 0) + 1)
    }
  }
  const running = Promise.all(Array.from({ length: connections }, one))
  return {
    counts,
    async stop() {
      isOver = true
      await running
      agent.destroy()
      return Object.fromEntries(counts)
    },
  }
}

function countOf(metrics: string, series: string): number {
  const line = metrics.split('\n').find((candidate) => candidate.startsWith(series))
  return Number(line?.split(' ').at(-1))
}

describe('two workers', () => {
  test('both answer with one token, no secret is in their environment, and their counts are one', async () => {
    await using cloud = await org()
    await using run = await serving(cloud.origin.url)
    expect(await Promise.all(Array.from({ length: 10 }, () => ask(run.url)))).toEqual(Array(10).fill(200))
    expect(cloud.state.tokens).toBe(1)

    const metrics = await run.metrics()
    expect(countOf(metrics, 'cloudaware_proxy_requests_total{')).toBe(10)
    expect(countOf(metrics, 'cloudaware_proxy_request_own_seconds_count')).toBe(10)
    expect(countOf(metrics, 'cloudaware_proxy_requests_in_flight')).toBe(0)
    expect(countOf(metrics, 'cloudaware_proxy_token_requests_total{outcome="obtained"}')).toBe(1)
    expect(countOf(metrics, 'cloudaware_proxy_upstream_connections ')).toBeGreaterThanOrEqual(2)
    expect(countOf(metrics, 'process_start_time_seconds')).toBeGreaterThan(1e9)
    // Three processes' sum.
    expect(countOf(metrics, 'process_resident_memory_bytes')).toBeGreaterThan(120e6)

    const workers = await run.workers()
    expect(workers).toMatchObject([
      { number: 1, state: 'serving', restarts: 0 },
      { number: 2, state: 'serving', restarts: 0 },
    ])
    for (const { pid } of workers) {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      expect(environment).not.toContain(SECRET)
      expect(environment).not.toMatch(/CLOUDAWARE_|WORKERS|PROXY_PORT/)
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(SECRET)
    }
    run.child.kill('SIGTERM')
    const { code, stdout, stderr } = await run.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(
      new Set(stdout.split('\n').flatMap((line) => /"worker":(\d).*"msg":"request"/.exec(line)?.[1] ?? [])),
    ).toEqual(new Set(['1', '2']))
    expect(stdout).not.toContain(SECRET)
    expect(stdout).not.toContain('token-1')
  })

  test('the session’s death under load costs one token request, and no call fails', async () => {
    await using cloud = await org()
    await using run = await serving(cloud.origin.url)
    const calls = load(run.url, 16)
    await expect.poll(() => calls.counts.get(200) ?? 0).toBeGreaterThan(200)
    // A token that was refused young is replaced after a pause; this one is the first to be.
    cloud.endSession()
    await expect.poll(() => cloud.state.tokens).toBe(2)
    const before = calls.counts.get(200) ?? 0
    await expect.poll(() => calls.counts.get(200) ?? 0).toBeGreaterThan(before + 200)
    expect(Object.keys(await calls.stop())).toEqual(['200'])
    expect(cloud.state.tokens).toBe(2)
    const metrics = await run.metrics()
    expect(countOf(metrics, 'cloudaware_proxy_token_requests_total{outcome="obtained"}')).toBe(2)
    expect(countOf(metrics, 'cloudaware_proxy_dead_sessions_total')).toBeGreaterThan(0)
  })

  test('one that is killed under load comes back, and the other serves on', async () => {
    await using cloud = await org()
    await using run = await serving(cloud.origin.url)
    const calls = load(run.url, 8, 5000)
    await expect.poll(() => calls.counts.get(200) ?? 0).toBeGreaterThan(100)
    const counted = countOf(await run.metrics(), 'cloudaware_proxy_requests_total{')
    const [first] = await run.workers()
    if (!first) throw new Error('no worker')
    process.kill(first.pid, 'SIGKILL')
    const death = JSON.parse(await run.line('a worker ended')) as Record<string, unknown>
    expect(death).toMatchObject({ level: 50, worker: 1, pid: first.pid, signal: 'SIGKILL', restartInMs: 200 })
    const atDeath = calls.counts.get(200) ?? 0
    expect((await fetch(`${run.adminUrl}/readyz`)).status).toBe(200)
    await expect.poll(() => calls.counts.get(200) ?? 0).toBeGreaterThan(atDeath + 100)
    await run.line('a worker serves again')
    expect(await run.workers()).toMatchObject([
      { number: 1, state: 'serving', restarts: 1 },
      { number: 2, restarts: 0 },
    ])
    // What it had counted is still there.
    expect(countOf(await run.metrics(), 'cloudaware_proxy_requests_total{')).toBeGreaterThanOrEqual(counted)
    const counts = await calls.stop()
    // Only what was on its connections, or on the way to it, broke off.
    expect(Object.keys(counts).every((status) => status === '200' || status === '0')).toBe(true)
    expect(counts[0] ?? 0).toBeLessThanOrEqual(16)
    expect(cloud.state.tokens).toBe(1)
  })

  test('where both are killed, callers find them again on the same port', async () => {
    await using cloud = await org()
    await using run = await serving(cloud.origin.url)
    for (const { pid } of await run.workers()) process.kill(pid, 'SIGKILL')
    await expect
      .poll(async () => (await run.workers()).map(({ state, restarts }) => [state, restarts]))
      .toEqual([
        ['serving', 1],
        ['serving', 1],
      ])
    expect(await ask(run.url)).toBe(200)
    expect(cloud.state.tokens).toBe(1)
  })

  test('SIGTERM has all of them answer what is under way, and then they are gone', async () => {
    await using cloud = await org()
    await using run = await serving(cloud.origin.url)
    const workers = await run.workers()
    const answers = Promise.withResolvers<undefined>()
    cloud.state.delay = answers.promise.then(() => undefined)
    const calls = Array.from({ length: 4 }, () => ask(run.url))
    await expect.poll(() => cloud.state.waiting).toBe(4)
    run.child.kill('SIGTERM')
    await run.line('"stopping"')
    // Node lets a connection that comes in the very moment of the closing wait for the end.
    await expect.poll(() => isRefused(run.url)).toBe(true)
    answers.resolve(undefined)
    expect(await Promise.all(calls)).toEqual([200, 200, 200, 200])
    expect((await run.ended).code).toBe(0)
    expect(workers.map(({ pid }) => isThere(pid))).toEqual([false, false])
  })

  test('what outlasts DRAIN_TIMEOUT_MS is cut short, with 1; a second signal does not even wait for that', async () => {
    await using cloud = await org()
    cloud.state.delay = new Promise(() => undefined)
    for (const [env, signals] of [
      [{ DRAIN_TIMEOUT_MS: '100' }, 1],
      [{}, 2],
    ] as const) {
      await using run = await serving(cloud.origin.url, { env })
      const call = ask(run.url).catch(() => 'broken off')
      const waiting = cloud.state.waiting
      await expect.poll(() => cloud.state.waiting).toBeGreaterThan(waiting === 0 ? 0 : waiting - 1)
      run.child.kill('SIGTERM')
      await run.line('"stopping"')
      if (signals === 2) run.child.kill('SIGTERM')
      expect((await run.ended).code).toBe(1)
      expect(await call).toBe('broken off')
    }
  })

  test('they end with their primary, however that ends', async () => {
    await using cloud = await org()
    await using run = await serving(cloud.origin.url)
    const workers = await run.workers()
    // Meant for the primary alone, whoever sends it to the group.
    for (const { pid } of workers) {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.kill(pid, signal)
    }
    expect(await ask(run.url)).toBe(200)
    expect((await run.workers()).map(({ restarts }) => restarts)).toEqual([0, 0])
    run.child.kill('SIGKILL')
    await run.ended
    await expect.poll(() => workers.map(({ pid }) => isThere(pid))).toEqual([false, false])
  })

  test('the level of the log changes in all of them', async () => {
    await using cloud = await org()
    await using run = await serving(cloud.origin.url, {
      env: { LOG_LEVEL: 'warn', WORKERS: '2' },
      flags: ['--log-level=info'],
    })
    await fetch(`${run.adminUrl}/log-level?level=error`, { method: 'POST' })
    await Promise.all([ask(run.url), ask(run.url)])
    run.child.kill('SIGUSR2')
    await run.line('"previous":"error"')
    await Promise.all([ask(run.url), ask(run.url)])
    run.child.kill('SIGTERM')
    const { stdout } = await run.ended
    const lines = stdout.split('\n').filter((line) => line.includes('"msg":"request"'))
    expect(lines.map((line) => /"worker":(\d)/.exec(line)?.[1]).sort()).toEqual(['1', '2'])
  })

  test('they share a unix socket that is their owner’s alone and gone at the end', async () => {
    await using directory = await temporaryDirectory()
    const path = directory.file('proxy.sock')
    await using cloud = await org()
    await using run = await serving(cloud.origin.url, { env: { PROXY_SOCKET: path } })
    const overSocket = async () => {
      const asked = request({ socketPath: path, path: LIMITS, headers: { host: 'localhost' }, agent: false }).end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      return { status: answer.statusCode, body: await text(answer) }
    }
    for (let n = 0; n < 4; n++) expect(await overSocket()).toEqual({ status: 200, body: '{"ok":true}' })
    for (const { pid } of await run.workers()) process.kill(pid, 'SIGKILL')
    await expect.poll(async () => (await run.workers()).map(({ state }) => state)).toEqual(['serving', 'serving'])
    expect(await overSocket()).toEqual({ status: 200, body: '{"ok":true}' })
    run.child.kill('SIGTERM')
    expect((await run.ended).code).toBe(0)
    await expect(overSocket()).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('they share the https listener, and each shows the certificate that is renewed', async () => {
    await using directory = await temporaryDirectory()
    const [old, fresh] = await Promise.all([selfSignedCertificate(), selfSignedCertificate()])
    const write = async ({ key, cert }: { key: string; cert: string }) => {
      await writeFile(directory.file('key.pem'), key)
      await writeFile(directory.file('cert.pem'), cert)
    }
    await write(old)
    await using cloud = await org()
    await using run = await serving(cloud.origin.url, {
      env: {
        PROXY_TLS_PORT: '0',
        PROXY_TLS_CERT_FILE: directory.file('cert.pem'),
        PROXY_TLS_KEY_FILE: directory.file('key.pem'),
      },
    })
    const { tls } = JSON.parse(await run.line('"listening"')) as { tls: { url: string } }
    const shown = async () => {
      // One connection after the other, so that both workers have their turn.
      const found = []
      for (let n = 0; n < 2; n++) {
        const socket = await handshake(Number(new URL(tls.url).port))
        found.push(socket.getPeerCertificate().fingerprint256)
        socket.destroy()
      }
      return found
    }
    const fingerprintOf = ({ cert }: { cert: string }) => new X509Certificate(cert).fingerprint256
    expect(await shown()).toEqual([fingerprintOf(old), fingerprintOf(old)])
    expect(await askTls(tls.url + LIMITS, old.cert)).toMatchObject({ status: 200 })
    await write(fresh)
    run.child.kill('SIGHUP')
    await expect.poll(shown).toEqual([fingerprintOf(fresh), fingerprintOf(fresh)])
    // One that is started later shows it too, though what is in the files by then is of no use.
    await writeFile(directory.file('cert.pem'), 'no certificate')
    const [first] = await run.workers()
    process.kill(first?.pid ?? 0, 'SIGKILL')
    await run.line('a worker serves again')
    expect(await shown()).toEqual([fingerprintOf(fresh), fingerprintOf(fresh)])
  })

  test('a port in use is told in one line, as with one process', async () => {
    await using cloud = await org()
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const outcomes = []
    for (const workers of ['1', '2']) {
      await using run = startChild(
        ['serve', '--proxy-host=127.0.0.1', `--proxy-port=${port}`, `--workers=${workers}`],
        {
          env: {
            CLOUDAWARE_URL: cloud.origin.url,
            CLOUDAWARE_CLIENT_ID: 'key',
            CLOUDAWARE_CLIENT_SECRET: SECRET,
            ADMIN_PORT: '0',
          },
        },
      )
      const { code, stdout, stderr } = await run.ended
      outcomes.push({ code, stdout, stderr })
    }
    taken.close()
    expect(outcomes[0]).toMatchObject({ code: 1, stderr: expect.stringContaining('is already in use') as string })
    expect(outcomes[1]).toEqual(outcomes[0])
    expect(cloud.state.tokens).toBe(0)
  })
})

test('a worker is nobody’s to start by hand', async () => {
  await using run = startChild(['worker'])
  expect(await run.ended).toMatchObject({ code: 2, stderr: expect.stringContaining('Set WORKERS') as string })
})

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
