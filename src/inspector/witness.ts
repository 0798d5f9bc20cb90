import type { Clock } from '../clock.ts'
import type { Exchange } from '../server/exchange.ts'
import type { BearerEvent } from '../upstream/bearer-options.ts'
import { createCredentialNet } from './credential-net.ts'
import { Seconds } from './seconds.ts'
import { Troubles } from './troubles.ts'
import type { SecondPoint, Trouble } from './wire.ts'

/** What one process tells of the requests that it serves, for the page of another. */
export interface Testimony {
  readonly seconds: readonly SecondPoint[]
  /** Undefined where they are still the same. */
  readonly troubles?: readonly Trouble[]
}

export interface WitnessOptions {
  readonly clock: Clock
  readonly secrets: () => Iterable<string>
}

/** The inspector of a worker: it sees traffic and troubles, and keeps no exchange. */
export class Witness {
  readonly #clock: Clock
  readonly #seconds = new Seconds()
  readonly #troubles: Troubles
  #toldSecond = 0
  #toldChanges = 0

  constructor({ clock, secrets }: WitnessOptions) {
    const net = createCredentialNet(secrets)
    this.#clock = clock
    this.#troubles = new Troubles((text) => net.text(text))
  }

  ended(exchange: Exchange): void {
    const now = this.#clock.now()
    this.#seconds.record(exchange, now)
    this.#troubles.exchange(exchange, undefined, now)
  }

  token(): void {
    // The primary's: no token event happens in a worker.
  }

  bearer(event: BearerEvent): void {
    this.#troubles.bearer(event, this.#clock.now())
  }

  /** What is new since the last time. */
  testify(): Testimony {
    const seconds = this.#seconds.points(this.#toldSecond, this.#clock.now())
    this.#toldSecond = seconds.at(-1)?.at ?? this.#toldSecond
    const { changes } = this.#troubles
    const isNews = changes !== this.#toldChanges
    this.#toldChanges = changes
    return { seconds, ...(isNews && { troubles: this.#troubles.list() }) }
  }
}
