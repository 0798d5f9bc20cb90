import { readToWorker, type FromWorker, type ToWorker } from '../../src/workers/messages.ts'
import type { Report } from '../../src/workers/report.ts'
import type { StartWorker, WorkerEvents } from '../../src/workers/worker-process.ts'

export const REPORT: Report = {
  load: { active: 0, waiting: 0, connected: 0, heldBytes: 0, heldBytesLimit: 10 },
  tally: {
    requests: [],
    received: [],
    sent: [],
    refusals: [],
    errors: [],
    exceptions: [],
    deadSessions: [],
    replays: [],
    confirmations: [],
    ownSeconds: [],
    upstreamSeconds: [],
    inFlight: 0,
  },
  refusals: [],
  seen: { seconds: [] },
}

/** A worker's process as the test plays it. */
export class FakeWorker {
  readonly pid: number
  readonly told: ToWorker[] = []
  isKilled = false
  /** How it answers; by default as a good one does. */
  answering: (message: ToWorker) => void = (message) => {
    this.answer(message)
  }
  readonly #events: WorkerEvents

  constructor(pid: number, events: WorkerEvents) {
    this.pid = pid
    this.#events = events
  }

  say(message: unknown): void {
    this.#events.onMessage(JSON.parse(JSON.stringify(message)))
  }

  end(code: number | null, signal: string | null = null): void {
    this.#events.onEnd({ code, signal })
  }

  answer({ type }: ToWorker): void {
    const answers: Partial<Record<ToWorker['type'], FromWorker>> = {
      start: { type: 'listening', plain: 4711 },
      'report-please': { type: 'report', report: REPORT },
      drain: { type: 'drained', isWhole: true, report: REPORT },
    }
    const answer = answers[type]
    if (answer) this.say(answer)
    if (type === 'end') this.end(0)
  }

  heard<T extends ToWorker['type']>(type: T): Extract<ToWorker, { type: T }>[] {
    return this.told.filter((message): message is Extract<ToWorker, { type: T }> => message.type === type)
  }
}

/** Starts fakes instead of processes. `each` is called with every one, as it starts, before it says anything. */
export class FakeWorkers {
  readonly all: FakeWorker[] = []
  each: (worker: FakeWorker) => void = (worker) => {
    worker.say({ type: 'hello', version: '1' })
  }

  readonly start: StartWorker = (events) => {
    const worker = new FakeWorker(this.all.length + 1, events)
    this.all.push(worker)
    // After its starter knows it.
    queueMicrotask(() => {
      this.each(worker)
    })
    return {
      pid: worker.pid,
      send: (message) => {
        const arrived = readToWorker(JSON.parse(JSON.stringify(message)))
        if (arrived === undefined) throw new Error(`not understood: ${message.type}`)
        worker.told.push(arrived)
        worker.answering(arrived)
      },
      kill: () => {
        worker.isKilled = true
        queueMicrotask(() => {
          worker.end(null, 'SIGKILL')
        })
      },
    }
  }
}
