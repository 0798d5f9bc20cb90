import { lookup } from 'node:dns/promises'
import { Agent, request, type IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { startChild } from '../support/child-cli.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { handshake } from '../support/tls-client.ts'
import { unusedPort } from '../support/unused-port.ts'

const LIMITS = '/services/data/v67.0/limits'
const CLIENTS = 16

async function group({ env = {} }: { env?: Record<string, string> } = {}) {
  const [org, directory, port] = [await startEmulator({ records: 1 }), await temporaryDirectory(), await unusedPort()]
  const children: ReturnType<typeof startChild>[] = []
  const start = (own: Record<string, string> = {}) => {
    const child = startChild(['serve'], {
      env: {
        CLOUDAWARE_URL: org.url,
        CLOUDAWARE_CLIENT_ID: org.clientId,
        CLOUDAWARE_CLIENT_SECRET: org.clientSecret,
        TOKEN_REQUESTS_PER_HOUR: '3600',
        PROXY_PORT: String(port),
        PROXY_REUSE_PORT: 'true',
        ADMIN_PORT: '0',
        LOG_REQUESTS: 'none',
        XDG_STATE_HOME: directory.path,
        ...env,
        ...own,
      },
    })
    children.push(child)
    return child
  }
  return {
    port,
    directory,
    start,
    /** Once it holds a token. */
    async serving(own: Record<string, string> = {}) {
      const child = start(own)
      const { adminUrl } = JSON.parse(await child.line('"listening"')) as { adminUrl: string }
      await expect.poll(async () => (await fetch(`${adminUrl}/readyz`)).status).toBe(200)
      return {
        ...child,
        /** How many requests it answered. */
        async answered(): Promise<number> {
          const text = await (await fetch(`${adminUrl}/metrics`)).text()
          const rows = text.matchAll(/^cloudaware_proxy_requests_total\{.*\} (\d+)$/gm)
          return Array.from(rows, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0)
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map((child) => child[Symbol.asyncDispose]()))
      await org.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/**
 * Clients that each send one request after the other until stopped; `keepAlive`: on connections that stay open. Counts what came of them: a status, or
 * the code of an error.
 */
function load(port: number, { keepAlive }: { keepAlive: boolean }) {
  const agent = new Agent({ keepAlive, maxSockets: CLIENTS })
  const outcomes = new Map<string, number>()
  let isOver = false
  const call = () =>
    new Promise<string>((resolve) => {
      const asked = request({ host: '127.0.0.1', port, path: LIMITS, agent }, (response: IncomingMessage) => {
        response.resume().on('close', () => {
          resolve(response.complete ? String(response.statusCode) : 'cut short')
        })
      })
      asked.on('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? error.message)
      })
      asked.end()
    })
  const client = async () => {
    while (!isOver) {
      const outcome = await call()
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  const running = Promise.all(Array.from({ length: CLIENTS }, client))
  return {
    answered: () => outcomes.get('200') ?? 0,
    async stop() {
      isOver = true
      await running
      agent.destroy()
      return outcomes
    },
  }
}

test.each([
  { keepAlive: false, what: 'a connection for each call' },
  { keepAlive: true, what: 'kept connections' },
])('two instances serve one port, and one of them is drained by SIGTERM under load: $what', async ({ keepAlive }) => {
  await using instances = await group()
  const first = await instances.serving()
  expect(await first.line('no other instance listens yet')).toContain('"sharedPorts":[]')
  const second = await instances.serving()
  expect(await second.line('another instance listens already')).toContain(`"sharedPorts":[${instances.port}]`)

  const clients = load(instances.port, { keepAlive })
  await expect.poll(clients.answered).toBeGreaterThan(500)
  expect(await first.answered()).toBeGreaterThan(0)
  expect(await second.answered()).toBeGreaterThan(0)
  first.child.kill('SIGTERM')
  expect(await first.ended).toMatchObject({ code: 0 })
  const answered = clients.answered()
  await expect.poll(clients.answered).toBeGreaterThan(answered + 500)
  const outcomes = await clients.stop()
  // Each client may have been on a connection that closed in this moment; docs/ship.md has the figures. Nothing was answered wrongly.
  expect(outcomes.get('ECONNRESET') ?? 0).toBeLessThanOrEqual(CLIENTS)
  expect([...outcomes.keys()].filter((outcome) => !['200', 'ECONNRESET'].includes(outcome))).toEqual([])
})

test('a process that listens without the option is named, and what it serves goes on', async () => {
  await using instances = await group()
  await using alone = await instances.serving({ PROXY_REUSE_PORT: 'false' })
  const second = instances.start()
  expect(await second.ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^PROXY_PORT: port \d+ on localhost is in use by a process without PROXY_REUSE_PORT/,
    ) as unknown,
  })
  expect((await fetch(`http://127.0.0.1:${instances.port}${LIMITS}`)).status).toBe(200)
  expect(alone.child.exitCode).toBeNull()
})

test('without the option a port in use stays in use, even one that instances share', async () => {
  await using instances = await group()
  await instances.serving()
  const plain = instances.start({ PROXY_REUSE_PORT: 'false' })
  expect(await plain.ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^PROXY_PORT: .* already in use/) as unknown,
  })
})

test('the admin port is never shared', async () => {
  await using instances = await group({ env: { ADMIN_PORT: String(await unusedPort()) } })
  await instances.serving()
  const second = instances.start()
  expect(await second.ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ADMIN_PORT: .* already in use/) as unknown,
  })
})

test('both addresses of localhost and the https port are shared, with one certificate; state is each instance’s own', async () => {
  const tlsPort = await unusedPort()
  await using instances = await group({ env: { PROXY_TLS_PORT: String(tlsPort) } })
  const { file } = instances.directory
  // Started together, with nothing kept yet: one of them makes the certificate.
  const [first, second] = await Promise.all(
    ['1', '2'].map((name) => instances.serving({ STATE_DIRECTORY: `${file(name)}:${file('shared')}` })),
  )
  const fingerprints = new Set<string>()
  for (let call = 0; call < 32; call++) {
    const socket = await handshake(tlsPort)
    fingerprints.add(socket.getPeerCertificate().fingerprint256)
    socket.destroy()
  }
  expect(fingerprints.size).toBe(1)
  for (const child of [first, second]) expect(await child?.line('"listening"')).toContain([...fingerprints][0])
  // With the first one gone the second has each address to itself.
  first?.child.kill('SIGTERM')
  await first?.ended
  const hasIpv6 = await lookup('localhost', { all: true, family: 6 }).then(
    (found) => found.some(({ address }) => address === '::1'),
    () => false,
  )
  for (const host of ['127.0.0.1', ...(hasIpv6 ? ['[::1]'] : [])]) {
    expect((await fetch(`http://${host}:${instances.port}${LIMITS}`)).status).toBe(200)
  }
  ;(await handshake(tlsPort)).destroy()
})
