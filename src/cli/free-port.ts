import { once } from 'node:events'
import { createServer } from 'node:net'

/** `preferred` where it is free on both loopback addresses, else 0, which takes any free one. */
export async function freePort(preferred: number): Promise<number> {
  const free = await Promise.all(['127.0.0.1', '::1'].map((host) => isFree(preferred, host)))
  return free.every(Boolean) ? preferred : 0
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer().listen({ port, host })
  try {
    await once(server, 'listening')
    return true
  } catch (error) {
    // A machine without IPv6 has no ::1 to listen on, so nobody else listens there either.
    return !(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
  } finally {
    server.close()
  }
}
