const HOUR_MS = 3_600_000

/**
 * A rolling cap on token requests: logins above 3,600 an hour block the user, and failed ones the address.
 * Times are those of a clock that nobody can set, so that a jump of the wall clock buys nothing.
 */
export class RequestBudget {
  readonly limit: number
  #takenAt: number[] = []

  constructor(requestsPerHour: number) {
    this.limit = requestsPerHour
  }

  /** Takes one request, answering 0; or takes none and answers how many milliseconds to wait for one. */
  take(now: number): number {
    const waitMs = this.waitMs(now)
    if (waitMs === 0) this.#takenAt.push(now)
    return waitMs
  }

  /** Whole milliseconds until one more is allowed, 0 where it is now. */
  waitMs(now: number): number {
    this.used(now)
    const [oldest = now] = this.#takenAt
    return this.#takenAt.length < this.limit ? 0 : Math.max(Math.ceil(oldest + HOUR_MS - now), 1)
  }

  /**
   * The least pause before a retry, milliseconds: none while half of the hour's requests are left, then what spreads the other half
   * over an hour. So an outage of hours never uses the budget up, and what is left serves whoever has news.
   */
  paceMs(now: number): number {
    return this.#spread(Math.floor(this.limit / 2), now)
  }

  /** The same for a demand, once a quarter is left: a script that demands all day must not leave a dead token without replacement. */
  demandPaceMs(now: number): number {
    const reserve = Math.floor(this.limit / 4)
    return reserve === 0 ? 0 : this.#spread(reserve, now)
  }

  #spread(reserve: number, now: number): number {
    return this.used(now) < this.limit - reserve ? 0 : HOUR_MS / Math.max(reserve, 1)
  }

  /** Requests of the last hour. */
  used(now: number): number {
    this.#takenAt = this.#takenAt.filter((takenAt) => now - takenAt < HOUR_MS)
    return this.#takenAt.length
  }
}
