import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the ports that the system gives to outgoing connections: one of those could take it before the test listens. */
const [LOWEST, ABOVE] = [10_000, 32_000]

/** A port on which nobody listens at either address of localhost. */
export async function unusedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, ABOVE)
    const server = createServer().listen(port, 'localhost')
    try {
      await once(server, 'listening')
      return port
    } catch {
      // Taken: another one.
    } finally {
      server.close()
    }
  }
}
