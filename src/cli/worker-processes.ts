import cluster from 'node:cluster'
import process from 'node:process'
import { isSetting } from '../config.ts'
import type { StartWorker } from '../workers/worker-process.ts'
import type { Cli } from './cli.ts'

/** What else speaks to this process alone: the service manager and what it hands over. */
const OWN = new Set(['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'CREDENTIALS_DIRECTORY'])

/**
 * Starts workers: this same program, by its hidden command. They inherit the environment, but for the settings, since secrets are among
 * them and a worker is told what it needs. `stream` and `format`: where and how they log, as their primary does.
 */
export function workerProcesses(env: Cli['env'], stream: 'stdout' | 'stderr', format: string): StartWorker {
  cluster.setupPrimary({ args: ['worker', stream, format] })
  // Node puts its own environment below this one; what is undefined is left out of the sum.
  const withheld = Object.keys({ ...process.env, ...env }).filter((name) => isSetting(name) || OWN.has(name))
  const environment = Object.fromEntries(withheld.map((name) => [name, undefined]))
  return ({ onMessage, onEnd }) => {
    const worker = cluster.fork(environment)
    let isOver = false
    const end = (code: number | null, signal: string | null) => {
      if (isOver) return
      isOver = true
      onEnd({ code, signal })
    }
    worker.on('message', onMessage)
    worker.on('exit', (code: number | null, signal: string | null) => {
      end(code, signal)
    })
    worker.on('error', () => {
      // Where there is no process, its end is told by nobody else.
      if (worker.process.pid === undefined) end(null, null)
    })
    return {
      pid: worker.process.pid,
      send: (message) => {
        worker.send(message, () => undefined)
      },
      kill: () => {
        worker.process.kill('SIGKILL')
      },
    }
  }
}
