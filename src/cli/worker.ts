import process from 'node:process'
import { systemClock } from '../clock.ts'
import { createLogger, lineRenderer, type Logger } from '../logger.ts'
import { createWorker } from '../workers/worker.ts'
import type { Cli, ExitCode } from './cli.ts'
import { VERSION } from './version.ts'

/** What a terminal or a service manager sends to the whole group: the primary decides what comes of it. */
const LEFT_TO_THE_PRIMARY = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const

/** One of the processes that WORKERS asks for: started by `serve`, never by hand. Ends when its primary does. */
export async function worker(cli: Cli): Promise<ExitCode> {
  if (process.send === undefined) {
    cli.err(
      'cloudaware-proxy worker: this command is for the proxy itself, which starts its workers by it. Set WORKERS.\n',
    )
    return 2
  }
  for (const signal of LEFT_TO_THE_PRIMARY) process.on(signal, () => undefined)
  let logger: Logger | undefined
  process.on('uncaughtException', (err) => {
    logger?.fatal({ err }, 'crashed')
    if (!logger) cli.err(`${String(err)}\n`)
    process.exit(1)
  })
  const [stream, format] = cli.argv
  const [write, isTTY] = stream === 'stderr' ? [cli.err, cli.errIsTTY] : [cli.out, cli.isTTY]
  // Loaded before the settings come, which are told once and at once.
  const render = await lineRenderer({ format: format === 'pretty' || format === 'json' ? format : 'auto', isTTY })
  // Nothing that was said is lost when the process ends after it.
  let saying = Promise.resolve()
  const hear = createWorker({
    clock: systemClock,
    version: VERSION,
    send: (message) => {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      saying = saying.then(() => promise)
      // Where the channel is gone the process ends with it.
      process.send?.(message, undefined, undefined, () => {
        resolve(undefined)
      })
    },
    logger: ({ LOG_LEVEL: level }, { number, secrets }) =>
      (logger = createLogger({
        level,
        destination: { write },
        render,
        secrets: () => secrets,
        worker: number,
      })),
    end: (code) => {
      void saying.then(() => process.exit(code))
    },
  })
  process.on('message', hear)
  return undefined
}
