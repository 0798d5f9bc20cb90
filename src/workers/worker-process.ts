import type { ToWorker } from './messages.ts'

/** How a process ended: by itself with a code, or by a signal; neither where it could not even be started. */
export interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

export interface WorkerEvents {
  /** Anything that it says, unchecked. */
  readonly onMessage: (message: unknown) => void
  /** Once. */
  readonly onEnd: (ending: Ending) => void
}

/** A process that shares this one's listeners, and its standard output. */
export interface WorkerProcess {
  readonly pid: number | undefined
  /** What cannot be delivered is lost: the process is ending then. */
  send(message: ToWorker): void
  /** Ends it at once. */
  kill(): void
}

export type StartWorker = (events: WorkerEvents) => WorkerProcess
