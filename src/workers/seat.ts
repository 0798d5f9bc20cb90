import { within, type Clock } from '../clock.ts'
import type { FrontPorts } from '../front.ts'
import type { Logger } from '../logger.ts'
import type { Doors } from './doors.ts'
import type { ToWorker } from './messages.ts'
import { restartDelayMs, SETTLED_MS } from './restart-delay.ts'
import type { WorkerLife, WorkerLifeOptions } from './worker-life.ts'

export type StartMessage = Extract<ToWorker, { type: 'start' }>

export interface SeatOptions {
  /** From 1. */
  readonly number: number
  readonly clock: Clock
  readonly logger: Logger
  readonly doors: Doors
  readonly greeting: (place: {
    readonly number: number
    readonly ports: FrontPorts
  }) => Omit<StartMessage, 'socketPath'>
  readonly begin: (greet: WorkerLifeOptions['greet']) => WorkerLife
  /** A worker is no more. */
  readonly onEnded: (life: WorkerLife) => void
  /** Ends all starting. */
  readonly closing: AbortSignal
}

/** A worker as /status shows it. */
export interface WorkerStatus {
  readonly number: number
  readonly pid: number | null
  readonly state: 'serving' | 'starting' | 'ended'
  readonly restarts: number
}

const START_MS = 30_000
/** What a worker may take to end. */
const END_MS = 2000

/** A place in the row of workers: when the one who has it ends, another is started, after pauses that grow. */
export class Seat {
  readonly #options: SeatOptions
  #life: WorkerLife | undefined
  #restarts = 0

  constructor(options: SeatOptions) {
    this.#options = options
  }

  get life(): WorkerLife | undefined {
    return this.#life
  }

  get status(): WorkerStatus {
    const life = this.#life
    const state = life === undefined ? 'ended' : life.isListening ? 'serving' : 'starting'
    return { number: this.#options.number, pid: life?.pid ?? null, state, restarts: this.#restarts }
  }

  /** Starts the first worker. Rejects with what keeps it from listening. Others follow it once all have `opened`. */
  open(opened: Promise<boolean>): Promise<FrontPorts> {
    const life = this.#begin()
    const isOpen = this.#isOpen(life)
    void this.#keep(life, opened)
    return isOpen
  }

  /** Has the worker answer what it has begun; resolves to whether it did. */
  async drain(timeoutMs: number): Promise<boolean> {
    const life = this.#life
    if (life === undefined) return true
    if (!life.isListening) {
      life.kill()
      return true
    }
    life.send({ type: 'drain' })
    return (await within(this.#options.clock, timeoutMs + END_MS, life.drained)) ?? false
  }

  async end(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    life.send({ type: 'end' })
    if ((await within(this.#options.clock, END_MS, life.ended)) === undefined) life.kill()
    await life.ended
  }

  #begin(): WorkerLife {
    const { number, doors, greeting, begin } = this.#options
    const life = begin(async () => {
      void life.ended.then(() => {
        doors.leave()
      })
      const { socketPath, ...ports } = await doors.enter()
      return () => ({ ...greeting({ number, ports }), ...(socketPath !== undefined && { socketPath }) })
    })
    this.#life = life
    return life
  }

  async #isOpen(life: WorkerLife): Promise<FrontPorts> {
    if ((await within(this.#options.clock, START_MS, life.listening)) === undefined) {
      life.kill(`it did not listen within ${START_MS / 1000} s`)
    }
    const ports = await life.listening
    await this.#options.doors.isOpen(ports)
    return ports
  }

  async #keep(first: WorkerLife, opened: Promise<boolean>): Promise<void> {
    const { clock, logger, number: worker, closing, onEnded } = this.#options
    const isClosing = () => closing.aborted
    let inARow = 0
    for (let life = first; ; life = this.#begin()) {
      const startedAt = clock.monotonic()
      if (life !== first) this.#watchStart(life)
      const { code, signal } = await life.ended
      this.#life = undefined
      onEnded(life)
      if (!(await opened) || isClosing()) return
      inARow = clock.monotonic() - startedAt > SETTLED_MS ? 1 : inARow + 1
      const delayMs = restartDelayMs(inARow)
      const { pid, problem } = life
      const fields = { worker, pid, code, signal, problem, restartInMs: delayMs }
      logger.error(fields, 'a worker ended: it is started again, the others serve on')
      await clock.sleep(delayMs, closing).catch(() => undefined)
      if (isClosing()) return
      this.#restarts += 1
    }
  }

  #watchStart(life: WorkerLife): void {
    this.#isOpen(life).then(
      () => {
        this.#options.logger.info({ worker: this.#options.number, pid: life.pid }, 'a worker serves again')
      },
      (error: unknown) => {
        life.kill(error instanceof Error ? error.message : String(error))
      },
    )
  }
}
