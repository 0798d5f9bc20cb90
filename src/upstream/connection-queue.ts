import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'
import { shared } from '../shared-state.ts'

/** Who waits for a connection: one of the two is called, once, unless it withdraws. */
export interface Waiter {
  /** The place is the waiter's until it gives it back with `leave`. */
  onPlace(): void
  /** With PROXY_UPSTREAM_BUSY: the wait took too long. */
  onRefused(error: ProxyError): void
}

export interface ConnectionQueueOptions {
  /** As many requests as there are connections are under way. */
  readonly places: number
  /** How many may wait for a place. */
  readonly limit: number
  readonly timeoutMs: number
  readonly clock: Clock
}

interface Place {
  readonly waiter: Waiter
  /** Monotonic milliseconds. */
  readonly since: number
}

/**
 * Lets as many requests go as there are connections; the others wait in order, bounded in number and in time. In an array, for what passed
 * through a Map would outlive the collections of young objects; and with one timer for all, since all wait as long as each other.
 */
export class ConnectionQueue {
  static {
    shared(this)
  }

  readonly #options: ConnectionQueueOptions
  #active = 0
  /** Requests that are sent again: they had a place already, so they are next, and neither refused nor timed. */
  readonly #again: Waiter[] = []
  /** In the order of their coming. */
  readonly #waiting: Place[] = []
  /** Ends the timer of those who wait; undefined where nobody does. */
  #timer: AbortController | undefined

  constructor(options: ConnectionQueueOptions) {
    this.#options = options
  }

  get active(): number {
    return this.#active
  }

  get waiting(): number {
    return this.#again.length + this.#waiting.length
  }

  /** True where the place is taken at once; else the waiter will be told. Throws PROXY_UPSTREAM_BUSY where too many wait already. */
  enter(waiter: Waiter, isAgain = false): boolean {
    const { places, limit, clock } = this.#options
    if (this.#active < places) {
      this.#active += 1
      return true
    }
    if (isAgain) {
      this.#again.push(waiter)
      return false
    }
    if (this.#waiting.length >= limit) throw new ProxyError('PROXY_UPSTREAM_BUSY')
    this.#waiting.push({ waiter, since: clock.monotonic() })
    if (this.#timer === undefined) {
      this.#timer = new AbortController()
      void this.#refuseInTime(this.#timer.signal)
    }
    return false
  }

  /** Gives a place back: it goes to whoever has waited longest. */
  leave(): void {
    const next = this.#again.shift() ?? this.#waiting.shift()?.waiter
    if (next === undefined) {
      this.#active -= 1
      return
    }
    this.#stopIfEmpty()
    // Not from within the end of another request: a row of failures would call each other until the stack is full.
    queueMicrotask(() => {
      next.onPlace()
    })
  }

  /** No longer interested. Nothing happens where the waiter has its place already, or never waited. */
  withdraw(waiter: Waiter): void {
    const at = this.#waiting.findIndex((place) => place.waiter === waiter)
    if (at !== -1) this.#waiting.splice(at, 1)
    const againAt = this.#again.indexOf(waiter)
    if (againAt !== -1) this.#again.splice(againAt, 1)
    this.#stopIfEmpty()
  }

  #stopIfEmpty(): void {
    if (this.#waiting.length > 0) return
    this.#timer?.abort()
    this.#timer = undefined
  }

  async #refuseInTime(signal: AbortSignal): Promise<void> {
    const { clock, timeoutMs } = this.#options
    for (let oldest = this.#waiting[0]; oldest !== undefined && !signal.aborted; oldest = this.#waiting[0]) {
      const leftMs = oldest.since + timeoutMs - clock.monotonic()
      if (leftMs > 0) await clock.sleep(leftMs, signal).catch(() => undefined)
      else this.#refuseOldest()
    }
  }

  #refuseOldest(): void {
    const oldest = this.#waiting.shift()
    this.#stopIfEmpty()
    oldest?.waiter.onRefused(new ProxyError('PROXY_UPSTREAM_BUSY'))
  }
}
