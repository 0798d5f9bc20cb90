import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { temporaryDirectory } from './temporary-directory.ts'

export interface RedisServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** As a crash ends it: nothing is kept. */
  kill(): Promise<void>
  /** Stops answering, with its connections open. */
  freeze(): void
  thaw(): void
}

/** A real redis-server on this port of loopback, or on a free one; `more`: further lines of its configuration, as arguments. */
export async function startRedis({
  port,
  more = [],
}: { port?: number; more?: readonly string[] } = {}): Promise<RedisServer> {
  const chosen = port ?? (await freePort())
  const folder = await temporaryDirectory()
  const basics = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--dir', folder.path]
  const server = spawn('redis-server', [...basics, ...more], { stdio: ['ignore', 'pipe', 'ignore'] })
  // A test run that is broken off leaves none behind.
  const reap = () => server.kill('SIGKILL')
  process.once('exit', reap)
  const exited = once(server, 'exit')
  const kill = async () => {
    reap()
    await exited
    process.off('exit', reap)
  }
  let isReady = false
  for await (const line of createInterface({ input: server.stdout })) {
    isReady = line.includes('Ready to accept connections')
    if (isReady) break
  }
  if (!isReady) throw new Error('redis-server did not start')
  server.stdout.resume()
  return {
    port: chosen,
    url: `redis://127.0.0.1:${chosen}`,
    kill,
    freeze: () => server.kill('SIGSTOP'),
    thaw: () => server.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await kill()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
