import { spawn } from 'node:child_process'
import { MAX_SLEEP_MS, type Clock } from '../clock.ts'
import type { Cli } from './cli.ts'

/** What a service manager is told: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html */
export interface ServiceManager {
  /** The listeners are open. */
  ready(): void
  /** One line for `systemctl status`. */
  status(text: string): void
  /** The end has begun, and may take so long. */
  stopping(maxMs: number): void
  /** No more signs of life; resolves when what was said has been heard. */
  close(): Promise<void>
}

export interface ServiceManagerOptions {
  readonly env: Cli['env']
  readonly pid: number
  readonly clock: Clock
  /** Told once, where the manager cannot be spoken to. */
  readonly onTrouble: (code: string) => void
}

const NOBODY: ServiceManager = {
  ready() {
    // Nobody listens.
  },
  status() {
    // Nobody listens.
  },
  stopping() {
    // Nobody listens.
  },
  close: () => Promise.resolve(),
}

/** The one that $NOTIFY_SOCKET names, given signs of life as often as $WATCHDOG_USEC wants; without it one that hears nothing. */
export function serviceManager({ env, pid, clock, onTrouble }: ServiceManagerOptions): ServiceManager {
  const { NOTIFY_SOCKET: socket = '', WATCHDOG_USEC: usec = '', WATCHDOG_PID: watched } = env
  if (socket === '') return NOBODY
  const closing = new AbortController()
  let saying = Promise.resolve()
  let lastStatus: string | undefined
  let hasTrouble = false
  const say = (...assignments: string[]) => {
    saying = saying
      // After all that was said before: the manager goes by the order.
      .then(() => notify(assignments, { NOTIFY_SOCKET: socket, PATH: env.PATH }))
      .catch((error: unknown) => {
        if (!hasTrouble) onTrouble(error instanceof Error && 'code' in error ? String(error.code) : String(error))
        hasTrouble = true
      })
  }
  const isWatched = /^[1-9]\d*$/.test(usec) && (watched === undefined || watched === String(pid))
  // Twice in the time in which one sign is expected. The loop that sends it is the one that serves.
  if (isWatched) void signsOfLife(Math.min(Number(usec) / 2000, MAX_SLEEP_MS), { clock, signal: closing.signal, say })
  return {
    ready() {
      say('READY=1')
    },
    status(text) {
      if (text === lastStatus) return
      lastStatus = text
      say(`STATUS=${text.replaceAll(/\s+/g, ' ')}`)
    },
    stopping(maxMs) {
      say('STOPPING=1', `EXTEND_TIMEOUT_USEC=${maxMs * 1000}`)
    },
    close() {
      closing.abort()
      return saying
    },
  }
}

interface Signs {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly say: (assignment: string) => void
}

async function signsOfLife(intervalMs: number, { clock, signal, say }: Signs): Promise<void> {
  while (!signal.aborted) {
    say('WATCHDOG=1')
    await clock.sleep(intervalMs, signal).catch(() => undefined)
  }
}

/**
 * Node has no datagram sockets of the unix kind, and a native module would need a compiler; systemd brings this program along.
 * It ends only when the manager has taken the message in, so none is lost with it (systemd 246 and newer).
 */
function notify(assignments: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const child = spawn('systemd-notify', assignments, { env, stdio: 'ignore' })
  child.on('error', reject)
  child.once('exit', (code) => {
    if (code === 0) resolve(undefined)
    else reject(new Error(`systemd-notify ended with ${String(code)}`))
  })
  return promise
}
