import type { Clock } from '../clock.ts'

export const LOOK_MS = 1_000

/** Looks at what is under way once each LOOK_MS, for as long as there is anything: one timer for all of it, and none at rest. */
export class Lookout {
  readonly #clock: Clock
  readonly #look: () => boolean
  readonly #closing = new AbortController()
  #isAwake = false

  /** `look` says whether there is anything left to look at. */
  constructor(clock: Clock, look: () => boolean) {
    this.#clock = clock
    this.#look = look
  }

  /** There is something to look at. */
  wake(): void {
    if (!this.#isAwake) void this.#stayAwake()
  }

  close(): void {
    this.#closing.abort()
  }

  async #stayAwake(): Promise<void> {
    this.#isAwake = true
    while ((await this.#hasSlept()) && this.#look());
    this.#isAwake = false
  }

  /** False once closed. */
  #hasSlept(): Promise<boolean> {
    return this.#clock.sleep(LOOK_MS, this.#closing.signal).then(
      () => true,
      () => false,
    )
  }
}
