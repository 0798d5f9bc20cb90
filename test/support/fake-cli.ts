import type { Cli, Stop } from '../../src/cli/cli.ts'

/** A process that tests can look into: what was printed, and what is to be closed at the end. */
export class FakeCli implements Cli, AsyncDisposable {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly isTTY: boolean
  printed = ''
  complained = ''
  readonly stops: Stop[] = []

  constructor(argv: readonly string[], { env = {}, cwd = import.meta.dirname, isTTY = false }: Partial<Cli> = {}) {
    this.argv = argv
    this.env = env
    this.cwd = cwd
    this.isTTY = isTTY
  }

  readonly out = (text: string): void => {
    this.printed += text
  }

  readonly err = (text: string): void => {
    this.complained += text
  }

  readonly onStop = (stop: Stop): (() => void) => {
    this.stops.push(stop)
    return () => void this.stop()
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
