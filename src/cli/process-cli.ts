import process from 'node:process'
import type { Cli } from './cli.ts'
import { gatheredOutput, soon } from './gathered-output.ts'
import { onSignal, onStop } from './process-signals.ts'
import { StandardOutput } from './standard-output.ts'
import { startProgram, type Program, type ProgramOptions } from './program.ts'

/** The real process. `release` is called once signals are minded here. */
export function processCli({ release }: { release: () => void }): Cli {
  // Other writers, such as Node's warnings, must not end the process either. The getters also make pipes non-blocking.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const [stdout, stderr] = [new StandardOutput({ fd: 1 }), new StandardOutput({ fd: 2 })]
  const write = (text: string) => {
    stdout.write(text)
  }
  const output = gatheredOutput(write, soon())
  let isDaemon = false
  process.on('exit', (code) => {
    output.flush()
    stdout.flush()
    stderr.flush()
    // A command whose result got lost has failed; that its reader wanted no more of it is no failure.
    const { problem } = stdout
    if (isDaemon || problem === undefined || problem === 'EPIPE') return
    stderr.write(`cloudaware-proxy: the standard output cannot be written (${problem}).\n`)
    if (code === 0) process.exitCode = 1
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
      stderr.write(text)
    },
    output: stdout,
    onStop: (what) => {
      isDaemon = true
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
