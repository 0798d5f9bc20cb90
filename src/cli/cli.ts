import type { OutputHealth, OutputListener } from './standard-output.ts'
import type { Program, ProgramOptions } from './program.ts'

/** What a command sees of the process, so that tests can stand in for it. */
export interface Cli {
  /** The arguments after the program's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Whether the standard output is a terminal. */
  readonly isTTY: boolean
  /** Whether the standard error is. */
  readonly errIsTTY: boolean
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** How the standard output fares. */
  readonly output: OutputHealth & { watch(listener: OutputListener): void }
  /** Calls `stop.close` once at SIGTERM, SIGINT, a terminal that goes away, or a crash, and then ends the process. Returns what asks for the same end. */
  readonly onStop: (stop: Stop) => () => void
  /** Calls `handle` at each signal that could be meant for a command which this process runs, instead of ending. Returns what undoes it. */
  readonly onSignal: (handle: (signal: NodeJS.Signals, about: SignalFacts) => void) => () => void
  /** Starts another program on this process's own standard streams. */
  readonly start: (program: ProgramOptions) => Program
}

export interface SignalFacts {
  /** The exit code of a program that it ends: 128 + its number. */
  readonly code: number
  /** The terminal has sent it to every program in the foreground. */
  readonly isSeenByAll: boolean
}

export interface Stop {
  /** Resolves to whether everything under way was finished: exit code 0, else 1. After a crash it accepts nothing more from the first moment. */
  close(why?: { isCrash: boolean }): Promise<boolean>
  /** Asked for by SIGHUP; without it SIGHUP stops. */
  reload?: () => void
  /** Asked for by SIGUSR2; without it that signal ends the process, as it does by itself. */
  toggleDebug?: () => void
  /** How long `close` may take at most. */
  timeoutMs: number
  /** An exception that nobody caught; unless it is closing already, `close` follows, and exit code 1. */
  onCrash(error: unknown): void
}

/** 0, 1 and 2 mean the same everywhere, more is each command's own; undefined: it runs until it is stopped. */
export type ExitCode = number | undefined
