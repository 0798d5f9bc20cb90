import type { FrontLoad, FrontPorts } from '../front.ts'
import type { ApiRefusal } from '../api-refusals.ts'
import type { ProcessMetric } from '../metrics/process-metrics.ts'
import { readFromWorker, type FromWorker, type ToWorker } from './messages.ts'
import type { Report } from './report.ts'
import type { Ending, StartWorker, WorkerProcess } from './worker-process.ts'

export interface WorkerLifeOptions {
  readonly start: StartWorker
  readonly version: string
  /** Prepares what it is told once it runs, which is put into words when it is sent: what was told before is not heard. */
  readonly greet: () => Promise<() => Extract<ToWorker, { type: 'start' }>>
  readonly onAsked: (message: Extract<FromWorker, { type: 'get' | 'reject' }>, life: WorkerLife) => void
  readonly onReport: (report: Report) => void
}

/** What stands in the way of a worker, in words for the log. */
export class WorkerProblem extends Error {
  constructor(problem: string, options?: ErrorOptions) {
    super(problem, options)
    this.name = 'WorkerProblem'
  }
}

/** One worker from its start to its end, as the primary sees it. */
export class WorkerLife {
  /** The ports on which it listens. Rejects with the system's error where it cannot, and where it ends before. */
  readonly listening: Promise<FrontPorts>
  readonly ended: Promise<Ending>
  /** Resolves once it has nothing more to answer: to whether all was answered. */
  readonly drained: Promise<boolean>
  /** For whoever takes its pulse: set to 0 by each report. */
  missed = 0
  readonly #options: WorkerLifeOptions
  readonly #process: WorkerProcess
  readonly #listening = Promise.withResolvers<FrontPorts>()
  readonly #ended = Promise.withResolvers<Ending>()
  readonly #drained = Promise.withResolvers<boolean>()
  #reported = Promise.withResolvers<undefined>()
  #isListening = false
  #problem: string | undefined
  #report: Report | undefined
  #processMetrics: readonly ProcessMetric[] | undefined

  constructor(options: WorkerLifeOptions) {
    this.#options = options
    this.listening = this.#listening.promise
    this.ended = this.#ended.promise
    this.drained = this.#drained.promise
    // Whoever waits for it hears of it; nobody has to.
    this.listening.catch(() => undefined)
    this.#process = options.start({
      onMessage: (message) => {
        this.#heard(message)
      },
      onEnd: (ending) => {
        this.#listening.reject(new WorkerProblem(`a worker ended before it listened (${endingText(ending)})`))
        this.#drained.resolve(false)
        this.#reported.resolve(undefined)
        this.#isListening = false
        this.#ended.resolve(ending)
      },
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get isListening(): boolean {
    return this.#isListening
  }

  /** Why it was ended from here, or why it could not listen. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** As it was told last. */
  get load(): FrontLoad {
    return this.#report?.load ?? { active: 0, waiting: 0, connected: 0, heldBytes: 0, heldBytesLimit: 0 }
  }

  get inFlight(): number {
    return this.#report?.tally.inFlight ?? 0
  }

  get refusals(): readonly ApiRefusal[] {
    return this.#report?.refusals ?? []
  }

  /** prom-client's metrics of the process, as they were told last. */
  get processMetrics(): readonly ProcessMetric[] {
    return this.#processMetrics ?? []
  }

  send(message: ToWorker): void {
    this.#process.send(message)
  }

  /** Resolves with its next report, or its end. */
  async report(withProcess: boolean): Promise<void> {
    const { promise } = this.#reported
    this.send({ type: 'report-please', withProcess })
    await promise
  }

  kill(problem?: string): void {
    this.#problem ??= problem
    this.#process.kill()
  }

  #heard(raw: unknown): void {
    const message = readFromWorker(raw)
    if (message === undefined) {
      this.kill('it speaks otherwise than this program: is another version installed? Restart the proxy')
      return
    }
    switch (message.type) {
      case 'hello':
        if (message.version === this.#options.version) void this.#greet()
        else this.kill(`the program on the disk is version ${message.version} now: restart the proxy`)
        return
      case 'listening':
        this.#isListening = true
        this.#listening.resolve({ plain: message.plain, secure: message.secure })
        return
      case 'failed': {
        const { message: text, code, port } = message
        this.#problem = text
        this.#listening.reject(Object.assign(new Error(text), { code, port }))
        return
      }
      case 'report':
        this.#take(message.report)
        return
      case 'drained':
        this.#take(message.report)
        this.#isListening = false
        this.#drained.resolve(message.isWhole)
        return
      case 'get':
      case 'reject':
        this.#options.onAsked(message, this)
    }
  }

  async #greet(): Promise<void> {
    try {
      const greeting = await this.#options.greet()
      this.send(greeting())
    } catch (error) {
      this.#listening.reject(error)
      this.kill(error instanceof Error ? error.message : String(error))
    }
  }

  #take(report: Report): void {
    this.#report = report
    this.#processMetrics = report.process ?? this.#processMetrics
    this.missed = 0
    this.#options.onReport(report)
    this.#reported.resolve(undefined)
    this.#reported = Promise.withResolvers()
  }
}

export function endingText({ code, signal }: Ending): string {
  return signal ?? `exit code ${String(code)}`
}
