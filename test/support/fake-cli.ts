import { constants } from 'node:os'
import type { Cli, Stop } from '../../src/cli/cli.ts'
import { startProgram, type Program, type ProgramOptions } from '../../src/cli/program.ts'

/** A process that tests can look into: what was printed, and what is to be closed at the end. */
export class FakeCli implements Cli, AsyncDisposable {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly isTTY: boolean
  readonly errIsTTY: boolean
  printed = ''
  complained = ''
  readonly stops: Stop[] = []

  constructor(
    argv: readonly string[],
    { env = {}, cwd = import.meta.dirname, isTTY = false, errIsTTY = false }: Partial<Cli> = {},
  ) {
    this.argv = argv
    this.env = env
    this.cwd = cwd
    this.isTTY = isTTY
    this.errIsTTY = errIsTTY
  }

  readonly out = (text: string): void => {
    this.printed += text
  }

  readonly err = (text: string): void => {
    this.complained += text
  }

  readonly output = { lostLines: 0, problem: undefined, watch: (): void => undefined }

  readonly onStop = (stop: Stop): (() => void) => {
    this.stops.push(stop)
    return () => void this.stop()
  }

  readonly #handlers = new Set<Parameters<Cli['onSignal']>[0]>()

  readonly onSignal: Cli['onSignal'] = (handle) => {
    this.#handlers.add(handle)
    return () => this.#handlers.delete(handle)
  }

  /** As the system does, to those who mind signals. */
  send(signal: NodeJS.Signals, isSeenByAll = false): void {
    for (const handle of this.#handlers) handle(signal, { code: 128 + constants.signals[signal], isSeenByAll })
  }

  readonly started: Program[] = []

  /** Its streams lead nowhere. */
  readonly start = (options: ProgramOptions): Program => {
    const program = startProgram(options, 'ignore')
    this.started.push(program)
    return program
  }

  /** As a signal would; whether everything could be finished. */
  async stop(): Promise<boolean> {
    const results = await Promise.all(this.stops.splice(0).map((stop) => stop.close()))
    return results.every(Boolean)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
