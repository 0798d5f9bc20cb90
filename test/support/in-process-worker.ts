import { once } from 'node:events'
import { createServer } from 'node:net'
import { systemClock } from '../../src/clock.ts'
import { createLogger } from '../../src/logger.ts'
import type { StartWorker } from '../../src/workers/worker-process.ts'
import { createWorker } from '../../src/workers/worker.ts'
import { REPORT } from './fake-workers.ts'

/**
 * Workers in this process, at the other end of a line of JSON. Only one of them can have a port here, where nothing shares it among
 * processes: the second, and each after it but for those that follow the first, only says that it listens where `port` is.
 */
export function inProcessWorkers(port: number) {
  const lines: string[] = []
  const all: { end: (code: number) => void; told: unknown[] }[] = []
  let isTaken = false
  const start: StartWorker = ({ onMessage, onEnd }) => {
    const isReal = !isTaken
    isTaken = true
    const told: unknown[] = []
    let isOver = false
    const end = (code: number) => {
      if (isOver) return
      isOver = true
      if (isReal) isTaken = false
      // After what was said before.
      queueMicrotask(() => {
        onEnd({ code, signal: null })
      })
    }
    const say = (message: unknown) => {
      const line = JSON.stringify(message)
      queueMicrotask(() => {
        onMessage(JSON.parse(line))
      })
    }
    const hear = isReal
      ? createWorker({
          clock: systemClock,
          version: '0.0.0-test',
          send: say,
          logger: ({ LOG_LEVEL: level }, { number, secrets }) =>
            createLogger({
              level,
              destination: { write: (line) => lines.push(line) },
              secrets: () => secrets,
              worker: number,
            }),
          end,
        })
      : shadow({ port, say, end })
    all.push({ end, told })
    return {
      pid: all.length,
      send: (message) => {
        const line = JSON.stringify(message)
        told.push(message)
        queueMicrotask(() => {
          // A ToWorker.
          hear(JSON.parse(line) as { type: string })
        })
      },
      kill: () => {
        end(137)
      },
    }
  }
  return { start, all, log: () => lines.join('') }
}

interface ShadowOptions {
  readonly port: number
  readonly say: (message: unknown) => void
  readonly end: (code: number) => void
}

/** A worker to which no connection ever comes. */
function shadow({ port, say, end }: ShadowOptions): (message: { readonly type: string }) => void {
  say({ type: 'hello', version: '0.0.0-test' })
  return ({ type }) => {
    if (type === 'start') say({ type: 'listening', plain: port })
    if (type === 'report-please') say({ type: 'report', report: REPORT })
    if (type === 'drain') say({ type: 'drained', isWhole: true, report: REPORT })
    if (type === 'end') end(0)
  }
}

export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}
