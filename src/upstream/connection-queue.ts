import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'

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

/** Lets as many requests go as there are connections; the others wait in order, bounded in number and in time. */
export class ConnectionQueue {
  readonly #options: ConnectionQueueOptions
  #active = 0
  /** In the order of their coming, each with what ends its timer. */
  readonly #waiting = new Map<Waiter, AbortController>()

  constructor(options: ConnectionQueueOptions) {
    this.#options = options
  }

  get active(): number {
    return this.#active
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** True where the place is taken at once; else the waiter will be told. Throws PROXY_UPSTREAM_BUSY where too many wait already. */
  enter(waiter: Waiter): boolean {
    const { places, limit } = this.#options
    if (this.#active < places) {
      this.#active += 1
      return true
    }
    if (this.#waiting.size >= limit) throw new ProxyError('PROXY_UPSTREAM_BUSY')
    this.#wait(waiter)
    return false
  }

  /** Gives a place back: it goes to whoever has waited longest. */
  leave(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#active -= 1
      return
    }
    const [waiter, timer] = next
    this.#waiting.delete(waiter)
    timer.abort()
    // Not from within the end of another request: a row of failures would call each other until the stack is full.
    queueMicrotask(() => {
      waiter.onPlace()
    })
  }

  /** No longer interested. Nothing happens where the waiter has its place already, or never waited. */
  withdraw(waiter: Waiter): void {
    this.#waiting.get(waiter)?.abort()
    this.#waiting.delete(waiter)
  }

  #wait(waiter: Waiter): void {
    const { clock, timeoutMs } = this.#options
    const timer = new AbortController()
    this.#waiting.set(waiter, timer)
    clock.sleep(timeoutMs, timer.signal).then(
      () => {
        // The place may have come in the very moment in which the time was up.
        if (this.#waiting.delete(waiter)) waiter.onRefused(new ProxyError('PROXY_UPSTREAM_BUSY'))
      },
      () => undefined,
    )
  }
}
