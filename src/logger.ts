import { destination as stdout, pino, stdTimeFunctions } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import type { Settings } from './config.ts'
import { createRedactor, plainWith } from './redaction.ts'
import { remembered } from './remembered.ts'

export type { Logger } from 'pino'

export interface LoggerOptions {
  level: Settings['LOG_LEVEL']
  /** Where lines go; by default the standard output, written synchronously. */
  destination?: DestinationStream
  /** What makes a line of JSON one for people; without it JSON is written. See {@link lineRenderer}. */
  render?: LineRenderer | undefined
  /** The secrets that must not be printed in any form; asked for each line, so it may grow. */
  secrets?: () => Iterable<string>
}

export type LineRenderer = (line: string) => string

interface Output {
  readonly format: Settings['LOG_FORMAT']
  /** Whether the destination is a terminal: what `auto` goes by, and colours. */
  readonly isTTY: boolean
}

/** Whether lines are rendered for people: on request, and by `auto` on a terminal. */
export function isPretty({ format, isTTY }: Output): boolean {
  return format === 'pretty' || (format === 'auto' && isTTY)
}

/** What renders lines for people, loaded only where they are rendered. */
export async function lineRenderer(output: Output): Promise<LineRenderer | undefined> {
  if (!isPretty(output)) return undefined
  const { prettyFactory } = await import('pino-pretty')
  // In this thread and synchronous: a worker thread would lose the last lines before an exit, which are the ones that matter.
  return prettyFactory({ colorize: output.isTTY, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' })
}

/** A logger that prints no secret: every finished line, bindings and errors included, is searched before a byte is written. */
export function createLogger({
  level,
  destination = stdout({ fd: 1, sync: true }),
  render,
  secrets = () => [],
}: LoggerOptions): Logger {
  const redact = createRedactor(secrets)
  const write = (line: string) => {
    destination.write(render === undefined ? line : render(line))
  }
  const guarded = {
    write(line: string) {
      write(redact(line))
    },
  }
  let fitness = fitnessWith(redact.forms())
  const writeOwn: WriteOwn = ({ members, passing, recurring, message }) => {
    const forms = redact.forms()
    if (forms !== fitness.forms) fitness = fitnessWith(forms)
    if (!recurring.every(fitness.isFitAt) || !passing.every(fitness.isFit)) return false
    write(`{"level":${INFO}${stdTimeFunctions.epochTime()}${members},"msg":"${message}"}\n`)
    return true
  }
  return Object.assign(pino({ level, base: null, timestamp: stdTimeFunctions.epochTime }, guarded), { writeOwn })
}

/** A line of which the program itself has written all but a few values. */
export interface OwnLine {
  /** `,"name":value,"name":value`, as JSON. */
  readonly members: string
  /** The values among them that come from elsewhere, as they are: all of them, here or in the next. */
  readonly passing: readonly string[]
  /** Those that come again in other lines, each at its place of the list. */
  readonly recurring: readonly string[]
  readonly message: string
}

type WriteOwn = (line: OwnLine) => boolean

const INFO = 30

/** What may stand in a line as it is while these are the forms of the secrets; of texts that come again it is remembered. */
function fitnessWith(forms: readonly string[]) {
  const isFit = plainWith(forms)
  const placed: ((text: string) => boolean)[] = []
  const isFitAt = (text: string, place: number) => (placed[place] ??= remembered(isFit))(text)
  return { forms, isFit, isFitAt }
}

/**
 * Writes the line that `logger.info` would, at a tenth of the cost: nothing is put into JSON, and only what is foreign in it is searched.
 * False where that has not been done, because something foreign needs escaping or a closer look, or the logger is another's.
 */
export function infoOwn(logger: Logger, line: OwnLine): boolean {
  const { writeOwn } = logger as Logger & { readonly writeOwn?: WriteOwn } // createLogger's have it
  return writeOwn?.(line) === true
}
