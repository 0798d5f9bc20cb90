import { togetherOf, type ApiRefusal } from '../api-refusals.ts'
import type { Clock } from '../clock.ts'
import type { Front, FrontLoad, FrontPorts } from '../front.ts'
import type { Testimony } from '../inspector/witness.ts'
import type { Logger } from '../logger.ts'
import type { ProcessMetric } from '../metrics/process-metrics.ts'
import type { Tally } from '../metrics/tally.ts'
import type { CallerKey } from '../server/caller-key.ts'
import type { TlsIdentity } from '../server/draining-server.ts'
import { toldKeys } from './caller-keys-told.ts'
import { Doors } from './doors.ts'
import type { ToWorker } from './messages.ts'
import { Pulse } from './pulse.ts'
import { Seat, type SeatOptions, type StartMessage, type WorkerStatus } from './seat.ts'
import type { TokenDesk } from './token-desk.ts'
import { WorkerLife } from './worker-life.ts'
import type { StartWorker } from './worker-process.ts'

export interface FleetOptions {
  readonly size: number
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  readonly start: StartWorker
  readonly desk: TokenDesk
  /** Where what the workers counted is added up. */
  readonly tally: Tally
  /** Told what a worker has seen, for the status page. */
  readonly onSeen?: (worker: number, seen: Testimony) => void
  /** To listen on; 0 is any free one. */
  readonly ports: FrontPorts
  readonly socketPath: string | undefined
  readonly drainTimeoutMs: number
  /** What a worker is told at its start, but for the token. */
  readonly greeting: (
    place: Parameters<SeatOptions['greeting']>[0],
  ) => Omit<StartMessage, 'type' | 'number' | 'standing' | 'socketPath'>
}

/** The front that several processes are: has them started and kept, tells them what has to be told, and adds up what they tell. */
export class Fleet implements Front {
  readonly pulse: Pulse
  readonly #options: FleetOptions
  readonly #doors: Doors
  readonly #seats: readonly Seat[]
  readonly #closing = new AbortController()
  /** Of processes that are gone, since the last time that somebody asked for it. */
  #departed: (readonly ProcessMetric[])[] = []
  #logLevel: string | undefined

  constructor(options: FleetOptions) {
    const { size, clock, logger, ports, socketPath } = options
    this.#options = options
    this.pulse = new Pulse({ clock, lives: () => this.#lives(), closing: this.#closing.signal })
    this.#doors = new Doors({ ports, socketPath })
    const common = { clock, logger, doors: this.#doors, closing: this.#closing.signal }
    this.#seats = Array.from({ length: size }, (_, at) => {
      const number = at + 1
      return new Seat({
        ...common,
        number,
        greeting: (place) => ({
          type: 'start',
          number,
          standing: options.desk.standing(),
          ...options.greeting(place),
          ...(this.#logLevel !== undefined && { logLevel: this.#logLevel }),
        }),
        begin: (greet) => this.#begin(number, greet),
        onEnded: (life) => {
          options.tally.inFlight = this.inFlight
          if (life.processMetrics.length > 0) this.#departed.push(life.processMetrics)
        },
      })
    })
  }

  /** Resolves once all workers listen. Rejects with what keeps one of them from it, and then none is started again. */
  async open(): Promise<FrontPorts> {
    const opened = Promise.withResolvers<boolean>()
    try {
      const [ports] = await Promise.all(this.#seats.map((seat) => seat.open(opened.promise)))
      if (ports === undefined) throw new RangeError('a fleet needs a worker')
      opened.resolve(true)
      void this.pulse.keepTaking()
      return ports
    } catch (error) {
      opened.resolve(false)
      throw error
    }
  }

  get load(): FrontLoad {
    const loads = this.#lives().map(({ load }) => load)
    const sum = (member: keyof FrontLoad) => loads.reduce((total, load) => total + load[member], 0)
    return {
      active: sum('active'),
      waiting: sum('waiting'),
      connected: sum('connected'),
      heldBytes: sum('heldBytes'),
      heldBytesLimit: sum('heldBytesLimit'),
    }
  }

  get inFlight(): number {
    return this.#lives().reduce((total, { inFlight }) => total + inFlight, 0)
  }

  get refusals(): ApiRefusal[] {
    return togetherOf(this.#lives().map(({ refusals }) => refusals))
  }

  get status(): WorkerStatus[] {
    return this.#seats.map(({ status }) => status)
  }

  /** Of each worker, and the last of each that ended since this was asked before. */
  processMetrics(): Record<'living' | 'departed', (readonly ProcessMetric[])[]> {
    const departed = this.#departed
    this.#departed = []
    return { living: this.#lives().map(({ processMetrics }) => processMetrics), departed }
  }

  /** The workers' logs tell as much as the primary's, those of later ones too. */
  setLogLevel(level: string): void {
    this.#logLevel = level
    this.tell({ type: 'log-level', level })
  }

  /** The keys that are good from now on; `secrets`: those that must not be printed. */
  setCallerKeys(keys: readonly CallerKey[], secrets: Iterable<string>): void {
    this.tell({ type: 'caller-keys', callerKeys: toldKeys(keys), secrets: [...secrets] })
  }

  renew(identity: TlsIdentity): void {
    this.tell({ type: 'identity', identity: { ...identity } })
  }

  /** The token may stand otherwise now. */
  tellStanding(): void {
    this.tell({ type: 'standing', standing: this.#options.desk.standing() })
  }

  tell(message: ToWorker): void {
    for (const life of this.#lives()) life.send(message)
  }

  async drain(): Promise<boolean> {
    this.#closing.abort()
    const { drainTimeoutMs } = this.#options
    const [, ...outcomes] = await Promise.all([
      this.#doors.close(),
      ...this.#seats.map((seat) => seat.drain(drainTimeoutMs)),
    ])
    return !outcomes.includes(false)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([this.#doors.close(), ...this.#seats.map((seat) => seat.end())])
  }

  #lives(): WorkerLife[] {
    return this.#seats.flatMap(({ life }) => life ?? [])
  }

  #begin(number: number, greet: Parameters<SeatOptions['begin']>[0]): WorkerLife {
    const { start, version, desk, tally, onSeen } = this.#options
    return new WorkerLife({
      start,
      version,
      greet,
      onAsked: (message, life) => {
        desk.asked(message, (answer) => {
          life.send(answer)
        })
      },
      onReport: (report) => {
        tally.add(report.tally)
        tally.inFlight = this.inFlight
        onSeen?.(number, report.seen)
      },
    })
  }
}
