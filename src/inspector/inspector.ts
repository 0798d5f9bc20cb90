import type { Clock } from '../clock.ts'
import type { Exchange } from '../server/exchange.ts'
import type { TokenEvent } from '../token/token-source.ts'
import type { BearerEvent } from '../upstream/bearer-options.ts'
import { createCredentialNet } from './credential-net.ts'
import { Exchanges } from './exchanges.ts'
import { Seconds } from './seconds.ts'
import { TokenMarks } from './token-marks.ts'
import { Troubles } from './troubles.ts'
import type { ExchangeSummary, SecondPoint, TokenMark, Trouble } from './wire.ts'

export interface InspectorOptions {
  readonly clock: Clock
  /** What must not be kept, in any form: settings, secret files, tokens. */
  readonly secrets: () => Iterable<string>
}

const SETTLE_MS = 200

/** How many are settled at a stretch: a burst must not hold up the requests that come after it. */
const AT_A_STRETCH = 5

/** How far a viewer has been told. */
export interface Seen {
  readonly exchange: number
  readonly mark: number
  readonly second: number
  readonly troubles: number
}

export const NOTHING_SEEN: Seen = { exchange: 0, mark: 0, second: 0, troubles: -1 }

/** What happened since, and how far that goes. */
export interface Happened {
  readonly seen: Seen
  readonly exchanges: readonly ExchangeSummary[]
  readonly seconds: readonly SecondPoint[]
  readonly marks: readonly TokenMark[]
  /** Undefined where they are still the same. */
  readonly troubles: readonly Trouble[] | undefined
}

/** Remembers for the status page what happened lately; bounded in everything, and without credentials. */
export class Inspector {
  readonly exchanges: Exchanges
  readonly #seconds = new Seconds()
  readonly #marks = new TokenMarks()
  readonly #troubles: Troubles
  readonly #clock: Clock
  readonly #closing = new AbortController()
  #isSettling = false

  constructor({ clock, secrets }: InspectorOptions) {
    const net = createCredentialNet(secrets)
    this.#clock = clock
    this.exchanges = new Exchanges(net)
    this.#troubles = new Troubles((text) => net.text(text))
  }

  ended(exchange: Exchange): void {
    const now = this.#clock.now()
    this.exchanges.add(exchange, now)
    this.#seconds.record(exchange, now)
    this.#troubles.exchange(exchange, this.exchanges.last, now)
    if (!this.#isSettling) void this.#settleSoon()
  }

  token(event: TokenEvent): void {
    const now = this.#clock.now()
    this.#marks.record(event, now)
    this.#troubles.token(event, now)
  }

  bearer(event: BearerEvent): void {
    this.#troubles.bearer(event, this.#clock.now())
  }

  close(): void {
    this.#closing.abort(new Error('closed'))
  }

  /** Not at each request: of a thousand in a burst, only those that are still kept are worth the search for credentials. */
  async #settleSoon(): Promise<void> {
    this.#isSettling = true
    try {
      do {
        await this.#clock.sleep(SETTLE_MS, this.#closing.signal)
        // What comes meanwhile waits for the next time: under load there would be no end, and every request would be searched.
        const upTo = this.exchanges.last
        // Where more come than are kept, what is settled now is overwritten before anybody sees it: one stretch is enough.
        let isOverrun = this.exchanges.isOverrun
        while (this.exchanges.settle(AT_A_STRETCH, upTo) && !isOverrun) {
          await this.#clock.sleep(0, this.#closing.signal)
          isOverrun = this.exchanges.isOverrun
        }
      } while (this.exchanges.settled < this.exchanges.last)
    } catch (error) {
      // Closing: nobody will look.
      if (!this.#closing.signal.aborted) throw error
    } finally {
      this.#isSettling = false
    }
  }

  since(seen: Seen): Happened {
    const exchanges = this.exchanges.after(seen.exchange).map(({ summary }) => summary)
    const now = this.#clock.now()
    const seconds = this.#seconds.points(seen.second, now)
    const marks = this.#marks.after(seen.mark)
    const { changes } = this.#troubles
    return {
      seen: {
        exchange: this.exchanges.settled,
        mark: marks.at(-1)?.n ?? seen.mark,
        second: seconds.at(-1)?.at ?? seen.second,
        troubles: changes,
      },
      exchanges,
      seconds,
      marks,
      troubles: changes === seen.troubles ? undefined : this.#troubles.list(),
    }
  }
}
