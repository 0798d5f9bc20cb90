import type { Exchange } from './server/exchange.ts'
import type { ApiFamily } from './upstream/api-family.ts'

/** An API that refuses the session for a reason that a new token cannot mend, for /status; ready for JSON. */
export interface ApiRefusal {
  readonly family: ApiFamily
  /** What is wrong, and what mends it. */
  readonly diagnosis: string
  readonly since: string
  readonly last: string
  readonly count: number
}

/** Which API families refuse the session at present: each until a request of that family succeeds. */
export class ApiRefusals {
  readonly #now: () => number
  readonly #byFamily = new Map<ApiFamily, ApiRefusal>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** True where this is news: a log need not say it with every request. */
  refused(family: ApiFamily, diagnosis: string): boolean {
    const former = this.#byFamily.get(family)
    const isNews = former?.diagnosis !== diagnosis
    const last = new Date(this.#now()).toISOString()
    const count = isNews ? 1 : former.count + 1
    this.#byFamily.set(family, { family, diagnosis, since: isNews ? last : former.since, last, count })
    return isNews
  }

  ended({ family, status, problem }: Pick<Exchange, 'family' | 'status' | 'problem'>): void {
    if (this.#byFamily.size === 0 || problem || status === undefined || status >= 400) return
    this.#byFamily.delete(family)
  }

  list(): ApiRefusal[] {
    return [...this.#byFamily.values()]
  }
}
