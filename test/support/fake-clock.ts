import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/clock.ts'

interface Sleeper {
  ms: number
  wakesAt: number
  wake: () => void
}

/**
 * A Clock that stands still until it is told to move. Real I/O goes on beside it: `advance` yields to the event loop
 * before and after each sleep that ends, so that what was woken can run (and sleep again) in order.
 */
export class FakeClock implements Clock {
  #wall: number
  #monotonic = 0
  readonly #sleepers = new Set<Sleeper>()
  #onSleep: (() => void)[] = []

  constructor(startAt = Date.UTC(2026, 0, 1)) {
    this.#wall = startAt
  }

  now(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal?.reason }))
      }
      const sleeper: Sleeper = {
        ms,
        wakesAt: this.#monotonic + Math.max(ms, 0),
        wake: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      if (signal?.aborted) {
        onAbort()
        return
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.add(sleeper)
      const waiting = this.#onSleep
      this.#onSleep = []
      for (const notify of waiting) notify()
    })
  }

  /** How many sleeps are under way. */
  get sleepers(): number {
    return this.#sleepers.size
  }

  /** Resolves once at least `count` sleeps are under way. */
  async waitForSleepers(count = 1): Promise<void> {
    while (this.#sleepers.size < count) await this.#nextSleep()
  }

  /** Resolves once a sleep of exactly `ms` is under way. */
  async waitForSleep(ms: number): Promise<void> {
    while (![...this.#sleepers].some((sleeper) => sleeper.ms === ms)) await this.#nextSleep()
  }

  /** Lets `ms` milliseconds pass; sleeps end in order, each at its own time. */
  async advance(ms: number): Promise<void> {
    const target = this.#monotonic + ms
    for (;;) {
      await setImmediate()
      const next = this.#earliest()
      if (next === undefined || next.wakesAt > target) break
      this.#pass(Math.max(next.wakesAt - this.#monotonic, 0))
      this.#sleepers.delete(next)
      next.wake()
    }
    this.#pass(target - this.#monotonic)
    await setImmediate()
  }

  /** Lets `ms` milliseconds pass at once, where nobody would wake meanwhile; says whether it did. For simulations of millions of steps. */
  skip(ms: number): boolean {
    const next = this.#earliest()
    if (next !== undefined && next.wakesAt <= this.#monotonic + ms) return false
    this.#pass(ms)
    return true
  }

  /** Lets sleeps end that are due within `withinMs`, as they come up, until this has come. In between time stands still for real I/O. */
  async until<T>(coming: Promise<T>, withinMs = 250): Promise<T> {
    const wait = { isOver: false }
    const result = coming.finally(() => {
      wait.isOver = true
    })
    while (!wait.isOver) {
      const wakesInMs = (this.#earliest()?.wakesAt ?? Infinity) - this.#monotonic
      if (wakesInMs <= withinMs) await this.advance(wakesInMs)
      else await Promise.race([result, this.#nextSleep()])
    }
    return result
  }

  /** Sets the wall clock, as a person or NTP does; or, forward, as a machine that was suspended finds it. Sleeps do not notice. */
  set(wallMs: number): void {
    this.#wall = wallMs
  }

  #nextSleep(): Promise<void> {
    return new Promise((resolve) => this.#onSleep.push(resolve))
  }

  #pass(ms: number): void {
    this.#wall += ms
    this.#monotonic += ms
  }

  #earliest(): Sleeper | undefined {
    let earliest: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (earliest === undefined || sleeper.wakesAt < earliest.wakesAt) earliest = sleeper
    }
    return earliest
  }
}
