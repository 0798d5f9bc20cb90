/**
 * What large bodies cost the proxy in memory: `node test/support/large-bodies.ts [MiB]`, 2048 unless told otherwise, prints a table.
 * The proxy is a process of its own; its resident memory and its peak are the kernel's own figures (Linux).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const PATH = '/services/data/v62.0/large'
const MIB = 1024 * 1024
const PIECE = Buffer.alloc(64 * 1024, 'x')

export interface MemoryRun {
  readonly direction: 'download' | 'upload'
  /** Bytes that arrived at the other end. */
  readonly bytes: number
  readonly seconds: number
  /** Resident memory in MiB: before the first body, and at most while the body passed. */
  readonly rest: number
  readonly peak: number
}

/** Sends a body of so many bytes each way, one after the other. */
export async function largeBodies(bytes: number): Promise<MemoryRun[]> {
  await using org = await startOrg()
  await using proxy = await startProxy(org.url)
  // At rest is a proxy that has served, and serves nothing.
  for (let n = 0; n < 20; n++) await download(proxy.port, 1000)
  await upload(proxy.port, 1000)
  const rest = proxy.memory('VmRSS')
  const runs: MemoryRun[] = []
  for (const [direction, send] of [
    ['download', download],
    ['upload', upload],
  ] as const) {
    proxy.forgetPeak()
    const beganAt = performance.now()
    const arrived = await send(proxy.port, bytes)
    const seconds = (performance.now() - beganAt) / 1000
    runs.push({ direction, bytes: arrived, seconds, rest, peak: proxy.memory('VmHWM') })
  }
  return runs
}

/** Hands out a token, answers GET with as many bytes as are asked for, and anything else with the count of those it was sent. */
export async function startOrg() {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/services/oauth2/token') {
      request.resume()
      response.setHeader('content-type', 'application/json')
      response.end('{"access_token":"00D000000000001!token","token_type":"Bearer"}')
    } else if (request.method === 'GET') {
      await pour(Number(new URL(request.url ?? '', 'http://x').searchParams.get('bytes')), response)
    } else {
      response.end(String(await count(request)))
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** The proxy as a process of its own, with its memory as the kernel tells it. */
export async function startProxy(upstream: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: {
      CLOUDAWARE_URL: upstream,
      CLOUDAWARE_CLIENT_ID: 'id',
      CLOUDAWARE_CLIENT_SECRET: 'secret',
      PROXY_HOST: '127.0.0.1',
      PROXY_PORT: '0',
      ADMIN_PORT: '0',
      DRAIN_TIMEOUT_MS: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let [url, adminUrl] = ['', '']
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { msg: string; url?: string; adminUrl?: string } // pino writes objects
    if (said.msg !== 'listening') continue
    url = said.url ?? ''
    adminUrl = said.adminUrl ?? ''
    break
  }
  child.stdout.resume()
  const of = (name: string) => `/proc/${String(child.pid)}/${name}`
  return {
    port: Number(new URL(url).port),
    adminPort: Number(new URL(adminUrl).port),
    /** In MiB. */
    memory: (figure: 'VmRSS' | 'VmHWM') =>
      Number(new RegExp(`${figure}:\\s+(\\d+) kB`).exec(readFileSync(of('status'), 'utf8'))?.[1]) / 1024,
    forgetPeak() {
      writeFileSync(of('clear_refs'), '5')
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'close')
      child.kill()
      await ended
    },
  }
}

async function download(port: number, bytes: number): Promise<number> {
  const request = httpRequest({ host: '127.0.0.1', port, path: `${PATH}?bytes=${bytes}`, agent: false }).end()
  // The 'response' event carries one IncomingMessage.
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return count(response)
}

async function upload(port: number, bytes: number): Promise<number> {
  const request = httpRequest({ host: '127.0.0.1', port, path: PATH, method: 'PUT', agent: false })
  const answered = once(request, 'response')
  await pour(bytes, request)
  const [response] = (await answered) as [IncomingMessage] // as above
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return Number(text)
}

async function pour(bytes: number, into: Writable): Promise<void> {
  for (let left = bytes; left > 0; left -= PIECE.length) {
    if (!into.write(left < PIECE.length ? PIECE.subarray(0, left) : PIECE)) await once(into, 'drain')
  }
  into.end()
}

async function count(body: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const chunk of body) bytes += (chunk as Buffer).length // no encoding was set
  return bytes
}

if (import.meta.main) {
  const runs = await largeBodies(Number(process.argv[2] ?? 2048) * MIB)
  for (const { direction, bytes, seconds, rest, peak } of runs) {
    const [at, most, above] = [rest, peak, peak - rest].map((mib) => mib.toFixed(1).padStart(6))
    const text = `${direction.padEnd(8)} ${bytes / MIB} MiB in ${seconds.toFixed(1)} s: rest ${at} MiB, peak ${most} MiB, above rest ${above} MiB`
    process.stdout.write(`${text}\n`)
  }
}
