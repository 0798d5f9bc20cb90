import { destination as stdout, pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Settings } from './config.ts'
import { createRedactor } from './redaction.ts'

export type { Logger } from 'pino'

export interface LoggerOptions {
  level: Settings['LOG_LEVEL']
  format: Settings['LOG_FORMAT']
  /** Where lines go; by default the standard output, written synchronously. */
  destination?: DestinationStream
  /** Whether the destination is a terminal: what `auto` goes by, and colours. */
  isTTY?: boolean
  /** The secrets that must not be printed in any form; asked for each line, so it may grow. */
  secrets?: () => Iterable<string>
}

/** Whether lines are rendered for people: on request, and by `auto` on a terminal. */
export function isPretty({ format, isTTY }: { format: LoggerOptions['format']; isTTY: boolean }): boolean {
  return format === 'pretty' || (format === 'auto' && isTTY)
}

/** A logger that prints no secret: every finished line, bindings and errors included, is searched before a byte is written. */
export function createLogger({
  level,
  format,
  destination = stdout({ fd: 1, sync: true }),
  isTTY = false,
  secrets = () => [],
}: LoggerOptions): Logger {
  // In this thread and synchronous: a worker would lose the last lines before an exit, which are the ones that matter.
  const render = isPretty({ format, isTTY })
    ? prettyFactory({ colorize: isTTY, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' })
    : undefined
  const redact = createRedactor(secrets)
  const guarded: DestinationStream = {
    write(line) {
      const safe = redact(line)
      destination.write(render === undefined ? safe : render(safe))
    },
  }
  return pino({ level, base: null }, guarded)
}
