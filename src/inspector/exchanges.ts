import type { Exchange } from '../server/exchange.ts'
import type { CredentialNet } from './credential-net.ts'
import { recordOf, type ExchangeRecord, type Unsettled } from './exchange-record.ts'

/** How many exchanges are kept. */
export const KEPT_EXCHANGES = 200

/** A replay that never ends must not be remembered for ever. */
const MAX_AWAITED = 50

/**
 * The last exchanges. On the way of a request one is only put aside; credentials are blanked, and the objects of the request let go,
 * when somebody looks or half a second later. What is overwritten before that costs nothing more.
 */
export class Exchanges {
  readonly #net: CredentialNet
  readonly #ring: (Unsettled | ExchangeRecord)[] = []
  readonly #replays = new Map<string, number>()
  #last = 0

  constructor(net: CredentialNet) {
    this.#net = net
  }

  /** The number of the latest one. */
  get last(): number {
    return this.#last
  }

  add(exchange: Exchange, now: number): void {
    const replayOf = this.#replays.size > 0 ? (this.#replays.get(exchange.id) ?? null) : null
    if (replayOf !== null) this.#replays.delete(exchange.id)
    this.#last += 1
    this.#ring[this.#last % KEPT_EXCHANGES] = { n: this.#last, startedAt: now - exchange.ms, exchange, replayOf }
  }

  /** The exchange with this request id, when it comes, repeats another. */
  expectReplay(id: string, of: number): void {
    if (this.#replays.size >= MAX_AWAITED) this.#replays.clear()
    this.#replays.set(id, of)
  }

  settle(): void {
    for (let n = Math.max(1, this.#last - KEPT_EXCHANGES + 1); n <= this.#last; n++) this.find(n)
  }

  find(n: number): ExchangeRecord | undefined {
    const at = n % KEPT_EXCHANGES
    const entry = this.#ring[at]
    if (entry === undefined) return undefined
    const record = 'detail' in entry ? entry : recordOf(entry, this.#net)
    this.#ring[at] = record
    return record.detail.n === n ? record : undefined
  }

  /** Those after number `n`, oldest first. */
  after(n: number): ExchangeRecord[] {
    const first = Math.max(n, this.#last - KEPT_EXCHANGES) + 1
    const found: ExchangeRecord[] = []
    for (let next = first; next <= this.#last; next++) {
      const record = this.find(next)
      if (record) found.push(record)
    }
    return found
  }
}
