/** What a command sees of the process, so that tests can stand in for it. */
export interface Cli {
  /** The arguments after the program's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Whether the standard output is a terminal. */
  readonly isTTY: boolean
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Calls `stop.close` once at SIGTERM, SIGINT, a terminal that goes away, or a crash, and then ends the process. Returns what asks for the same end. */
  readonly onStop: (stop: Stop) => () => void
}

export interface Stop {
  /** Resolves to whether everything under way was finished: exit code 0, else 1. */
  close(): Promise<boolean>
  /** Asked for by SIGHUP; without it SIGHUP stops. */
  reload?: () => void
  /** How long `close` may take at most. */
  timeoutMs: number
  /** An error that nobody caught; the process ends at once. */
  onCrash(error: unknown): void
}

/** 0, 1 and 2 mean the same everywhere, more is each command's own; undefined: it runs until it is stopped. */
export type ExitCode = number | undefined
