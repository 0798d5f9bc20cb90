import process from 'node:process'
import { isatty } from 'node:tty'
import closeWithGrace from 'close-with-grace'
import type { Cli, Stop } from './cli.ts'
import { systemClock } from '../clock.ts'
import { startProgram, type Program, type ProgramOptions } from './program.ts'

/**
 * npm passes on the signal that a terminal or a service manager has already sent to the whole process group,
 * so the same signal may arrive twice without anybody's being impatient.
 */
const SAME_SIGNAL_MS = 1000

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
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    isTTY: process.stdout.isTTY,
    errIsTTY: process.stderr.isTTY,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
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

/** What is passed on to a command. SIGKILL and SIGSTOP cannot be, and what speaks of the terminal's size or jobs it hears itself. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const
/** Ctrl-C and Ctrl-\. */
const FROM_TERMINALS: readonly string[] = ['SIGINT', 'SIGQUIT']

function onSignal(handle: Parameters<Cli['onSignal']>[0]): () => void {
  const listener = (signal: NodeJS.Signals, number: number) => {
    handle(signal, { code: 128 + number, isSeenByAll: FROM_TERMINALS.includes(signal) && isatty(0) })
  }
  for (const signal of PASSED_ON) process.on(signal, listener)
  return () => {
    for (const signal of PASSED_ON) process.off(signal, listener)
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

function onStop(what: Stop): () => void {
  const grace = closeWithGrace(
    // Signals of a broken process cannot be handled in JavaScript; an empty event loop ends the process by itself.
    {
      delay: what.timeoutMs,
      logger: false,
      skip: [
        'SIGINT',
        'SIGTERM',
        'SIGHUP',
        'SIGILL',
        'SIGTRAP',
        'SIGABRT',
        'SIGBUS',
        'SIGFPE',
        'SIGSEGV',
        'SIGUSR2',
        'beforeExit',
      ],
    },
    async ({ err }) => {
      if (err !== undefined) {
        what.onCrash(err)
        return
      }
      if (!(await what.close())) throw new Error('not everything could be finished')
    },
  )
  let stoppedAt: number | undefined
  const stop = () => {
    const now = systemClock.now()
    if (stoppedAt === undefined) {
      stoppedAt = now
      grace.close()
    } else if (now - stoppedAt > SAME_SIGNAL_MS) {
      process.exit(1)
    }
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  process.on('SIGHUP', () => {
    // The same signal says that the terminal was closed, which by then is none any more; on Windows it says nothing else.
    const isHungUp = process.platform === 'win32' || !terminals.every((fd) => isatty(fd))
    if (what.reload === undefined || isHungUp) stop()
    else what.reload()
  })
  return stop
}
