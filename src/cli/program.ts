import { spawn, type StdioOptions } from 'node:child_process'
import { constants } from 'node:os'

export interface ProgramOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

export interface Ended {
  /** As shells count: the program's own exit code, 128 + n after signal n, 127 where there is no such program, 126 where it cannot be run. */
  readonly code: number
  /** The system's name of what kept it from running at all: ENOENT, EACCES. */
  readonly problem?: string
}

/** Another program that was started from here. */
export interface Program {
  readonly ended: Promise<Ended>
  signal(signal: NodeJS.Signals): void
}

/** Starts a program directly, without a shell in between. */
export function startProgram({ command, args, env, cwd }: ProgramOptions, stdio: StdioOptions): Program {
  const child = spawn(command, args, { env: { ...env }, cwd, stdio })
  const ended = new Promise<Ended>((resolve) => {
    child.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
      resolve({ code: code === 'ENOENT' ? 127 : 126, problem: code })
    })
    child.once('exit', (code, signal) => {
      resolve({ code: signal === null ? (code ?? 0) : 128 + constants.signals[signal] })
    })
  })
  return { ended, signal: (signal) => child.kill(signal) }
}
