import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { startChild } from '../support/child-cli.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { handshake } from '../support/tls-client.ts'

const LIMITS = '/services/data/v67.0/limits'
const CLIENTS = 16

/** Free on both loopback addresses a moment ago. */
async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

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

/** Clients that each send one request after the other until stopped; `keepAlive`: on connections that stay open. */
function load(port: number, { keepAlive }: { keepAlive: boolean }) {
  const agent = new Agent({ keepAlive, maxSockets: CLIENTS })
  const counts = { answered: 0, failed: 0 }
  let isOver = false
  const call = () =>
    new Promise<boolean>((resolve) => {
      const asked = request({ host: '127.0.0.1', port, path: LIMITS, agent }, (response: IncomingMessage) => {
        response.resume().on('close', () => {
          resolve(response.complete && response.statusCode === 200)
        })
      })
      asked.on('error', () => {
        resolve(false)
      })
      asked.end()
    })
  const client = async () => {
    while (!isOver) counts[(await call()) ? 'answered' : 'failed'] += 1
  }
  const running = Promise.all(Array.from({ length: CLIENTS }, client))
  return {
    counts,
    async stop() {
      isOver = true
      await running
      agent.destroy()
      return counts
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
  await expect.poll(() => clients.counts.answered).toBeGreaterThan(500)
  expect(await first.answered()).toBeGreaterThan(0)
  expect(await second.answered()).toBeGreaterThan(0)
  first.child.kill('SIGTERM')
  expect(await first.ended).toMatchObject({ code: 0 })
  const { answered } = clients.counts
  await expect.poll(() => clients.counts.answered).toBeGreaterThan(answered + 500)
  const counts = await clients.stop()
  console.log(JSON.stringify({ keepAlive, ...counts }))
  expect(counts.failed).toBeLessThanOrEqual(CLIENTS)
})
