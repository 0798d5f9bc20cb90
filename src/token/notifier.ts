import type { Clock } from '../clock.ts'

/** Lets any number of callers wait for a change, each for its own time. */
export class Notifier {
  readonly #clock: Clock
  #next = Promise.withResolvers<undefined>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something changed: everyone who waits looks again. */
  notify(): void {
    this.#next.resolve(undefined)
    this.#next = Promise.withResolvers()
  }

  /** Settles once `isEnough` holds at a notification, or after `mostMs`. */
  async until(isEnough: () => boolean, mostMs: number): Promise<void> {
    const timer = new AbortController()
    const wait = { isOver: false }
    const timeout = this.#clock.sleep(mostMs, timer.signal).then(
      () => {
        wait.isOver = true
      },
      () => undefined,
    )
    while (!wait.isOver && !isEnough()) await Promise.race([this.#next.promise, timeout])
    timer.abort()
  }
}
