import type { Exchange } from '../server/exchange.ts'
import type { SecondPoint } from './wire.ts'

/** Ten minutes are shown. */
const KEPT_SECONDS = 600

/** Of a second with more requests, the last so many give its percentiles. */
const MAX_SAMPLES = 512

interface OpenSecond {
  readonly at: number
  requests: number
  failed: number
  readonly own: number[]
  readonly upstream: number[]
}

/** Traffic by the second: how many, how many failed, how long they took here and upstream. */
export class Seconds {
  readonly #closed: SecondPoint[] = []
  #open: OpenSecond | undefined

  /** `now`: epoch milliseconds. */
  record({ ms, upstreamMs, status, isBrokenOff }: Exchange, now: number): void {
    const second = this.#secondAt(now)
    const sample = second.requests % MAX_SAMPLES
    second.requests += 1
    if (isBrokenOff || status === undefined || status >= 500) second.failed += 1
    second.own[sample] = Math.max(0, ms - (upstreamMs ?? 0))
    if (upstreamMs !== undefined) second.upstream[second.upstream.length % MAX_SAMPLES] = upstreamMs
  }

  /** Those that are over, later than the epoch second `after`, in order. */
  points(after: number, now: number): SecondPoint[] {
    if (this.#open && this.#open.at < Math.floor(now / 1000)) this.#close(this.#open)
    return this.#closed.filter(({ at }) => at > after && at > now / 1000 - KEPT_SECONDS)
  }

  #secondAt(now: number): OpenSecond {
    const at = Math.floor(now / 1000)
    // A clock that was set back goes on in the second that is open.
    if (this.#open && this.#open.at >= at) return this.#open
    if (this.#open) this.#close(this.#open)
    return (this.#open = { at, requests: 0, failed: 0, own: [], upstream: [] })
  }

  #close(second: OpenSecond): void {
    const { at, requests, failed, own, upstream } = second
    this.#closed.push({
      at,
      requests,
      failed,
      ownMs: percentile95(own) ?? 0,
      upstreamMs: percentile95(upstream) ?? null,
    })
    if (this.#closed.length > KEPT_SECONDS) this.#closed.shift()
    this.#open = undefined
  }
}

function percentile95(values: number[]): number | undefined {
  values.sort((a, b) => a - b)
  const value = values[Math.ceil(values.length * 0.95) - 1]
  return value === undefined ? undefined : Math.round(value * 100) / 100
}
