import type { Exchange } from '../server/exchange.ts'
import type { CredentialNet } from './credential-net.ts'
import { recordOf, type ExchangeRecord, type Unsettled } from './exchange-record.ts'

/** How many exchanges are kept. */
export const KEPT_EXCHANGES = 200

/** A replay that never ends must not be remembered for ever. */
const MAX_AWAITED = 50

/**
 * The last exchanges. On the way of a request one is only put aside; it is settled soon after: credentials are blanked, and the
 * objects of the request let go. What is overwritten before that costs nothing more.
 */
export class Exchanges {
  readonly #net: CredentialNet
  readonly #ring: (Unsettled | ExchangeRecord)[] = []
  readonly #replays = new Map<string, number>()
  #last = 0
  #settled = 0

  constructor(net: CredentialNet) {
    this.#net = net
  }

  /** The number of the latest one. */
  get last(): number {
    return this.#last
  }

  /** The number of the latest one that may be shown. */
  get settled(): number {
    return this.#settled
  }

  /** Whether some of those that have not been settled are gone already. */
  get isOverrun(): boolean {
    return this.#last - this.#settled > KEPT_EXCHANGES
  }

  add(exchange: Exchange, now: number): void {
    const replayOf = this.#replays.size > 0 ? (this.#replays.get(exchange.id) ?? null) : null
    if (replayOf !== null) this.#replays.delete(exchange.id)
    this.#last += 1
    this.#ring[this.#last % KEPT_EXCHANGES] = {
      n: this.#last,
      startedAt: Math.round(now - exchange.ms),
      exchange,
      replayOf,
    }
  }

  /** The exchange with this request id, when it comes, repeats another. */
  expectReplay(id: string, of: number): void {
    if (this.#replays.size >= MAX_AWAITED) this.#replays.clear()
    this.#replays.set(id, of)
  }

  /** Blanks the next `most` that are kept and have not been looked at, up to number `upTo`; whether there are more up to there. */
  settle(most = KEPT_EXCHANGES, upTo = this.#last): boolean {
    const first = Math.max(this.#settled, this.#last - KEPT_EXCHANGES) + 1
    this.#settled = Math.max(this.#settled, Math.min(first + most - 1, upTo))
    for (let n = first; n <= this.#settled; n++) this.find(n)
    return this.#settled < upTo
  }

  find(n: number): ExchangeRecord | undefined {
    const at = n % KEPT_EXCHANGES
    const entry = this.#ring[at]
    if (entry === undefined) return undefined
    if (('detail' in entry ? entry.detail.n : entry.n) !== n) return undefined
    const record = 'detail' in entry ? entry : recordOf(entry, this.#net)
    this.#ring[at] = record
    return record
  }

  /** Those after number `n` that are settled, oldest first. */
  after(n: number): ExchangeRecord[] {
    const found: ExchangeRecord[] = []
    for (let next = Math.max(n, this.#last - KEPT_EXCHANGES) + 1; next <= this.#settled; next++) {
      const record = this.find(next)
      if (record) found.push(record)
    }
    return found
  }
}
