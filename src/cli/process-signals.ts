import process from 'node:process'
import { isatty } from 'node:tty'
import closeWithGrace from 'close-with-grace'
import { systemClock } from '../clock.ts'
import type { Cli, Stop } from './cli.ts'

/**
 * npm passes on the signal that a terminal or a service manager has already sent to the whole process group,
 * so below it the same signal may arrive twice without anybody's being impatient.
 */
const SAME_SIGNAL_MS = 1000

/** Exceptions during a drain are as a rule all of the same making. */
const MOST_REPORTED = 10

/** See Cli.onStop. */
export function onStop(what: Stop): () => void {
  let crashes = 0
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
        // Below: the library would end the process at once, and everything under way with it.
        'uncaughtException',
        'unhandledRejection',
      ],
    },
    async () => {
      const isFinished = await what.close({ isCrash: crashes > 0 })
      // Makes the exit code 1.
      if (!isFinished || crashes > 0) throw new Error('not everything could be finished')
    },
  )
  const isUnderNpm = process.env.npm_lifecycle_event !== undefined
  let stopped: { readonly at: number; readonly by: NodeJS.Signals | undefined } | undefined
  const stop = (signal?: NodeJS.Signals) => {
    const now = systemClock.monotonic()
    if (stopped === undefined) {
      stopped = { at: now, by: signal }
      grace.close()
    } else if (!isUnderNpm || signal !== stopped.by || now - stopped.at > SAME_SIGNAL_MS) {
      process.exit(1)
    }
  }
  // Unhandled rejections come here as well. What is left of the state is unknown, so the process drains and ends; another exception meanwhile
  // changes nothing, since the drain has a deadline.
  process.on('uncaughtException', (error: unknown) => {
    crashes += 1
    if (crashes <= MOST_REPORTED) what.onCrash(error)
    if (stopped === undefined) stop()
  })
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  process.on('SIGHUP', (signal) => {
    // The same signal says that the terminal was closed, which by then is none any more; on Windows it says nothing else.
    const isHungUp = process.platform === 'win32' || !terminals.every((fd) => isatty(fd))
    if (what.reload === undefined || isHungUp) stop(signal)
    else what.reload()
  })
  if (what.toggleDebug !== undefined) process.on('SIGUSR2', what.toggleDebug)
  return () => {
    // Asked for twice, by the admin listener for instance, is no second signal.
    if (stopped === undefined) stop()
  }
}

/** What is passed on to a command. SIGKILL and SIGSTOP cannot be, and what speaks of the terminal's size or jobs it hears itself. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const
/** Ctrl-C and Ctrl-\. */
const FROM_TERMINALS: readonly string[] = ['SIGINT', 'SIGQUIT']

/** See Cli.onSignal. */
export function onSignal(handle: Parameters<Cli['onSignal']>[0]): () => void {
  const listener = (signal: NodeJS.Signals, number: number) => {
    handle(signal, { code: 128 + number, isSeenByAll: FROM_TERMINALS.includes(signal) && isatty(0) })
  }
  for (const signal of PASSED_ON) process.on(signal, listener)
  return () => {
    for (const signal of PASSED_ON) process.off(signal, listener)
  }
}
