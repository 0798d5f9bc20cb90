import process from 'node:process'
import type { Cli } from './cli.ts'
import { gatheredOutput, soon } from './gathered-output.ts'
import { onSignal, onStop } from './process-signals.ts'
import { startProgram, type Program, type ProgramOptions } from './program.ts'

/** PIPE_BUF on Linux. */
const PIPE_BYTES = 4096

/**
 * The real process. A reader that goes away (`| head`), or a terminal that is closed, must not crash it.
 * `release` is called once signals are minded here.
 */
export function processCli({ release }: { release: () => void }): Cli {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
    })
  }
  const isWorker = process.send !== undefined
  const output = gatheredOutput((text) => process.stdout.write(text), soon(), isWorker ? PIPE_BYTES : Infinity)
  process.on('exit', () => {
    output.flush()
  })
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    isTTY: process.stdout.isTTY,
    errIsTTY: process.stderr.isTTY,
    out: (text) => {
      output.add(text)
    },
    err: (text) => {
      output.flush()
      process.stderr.write(text)
    },
    onStop: (what) => {
      const stop = onStop(what)
      release()
      return stop
    },
    onSignal: (handle) => {
      const undo = onSignal(handle)
      release()
      return undo
    },
    start,
  }
}

/** A crash of this process takes the program with it. */
function start(options: ProgramOptions): Program {
  const program = startProgram(options, 'inherit')
  const end = () => {
    program.signal('SIGTERM')
  }
  process.once('exit', end)
  void program.ended.then(() => process.off('exit', end))
  return program
}
