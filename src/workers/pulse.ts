import { within, type Clock } from '../clock.ts'
import type { WorkerLife } from './worker-life.ts'

/** How often the workers are asked how they are, beside when somebody wants to know. */
const PULSE_MS = 5000
/** One that owes so many answers has hung for a minute. */
const MOST_MISSED = 12
/** Nobody waits longer for a report. */
const REPORT_MS = 1000

export interface PulseOptions {
  readonly clock: Clock
  /** The workers that run now. */
  readonly lives: () => readonly WorkerLife[]
  /** Ends it. */
  readonly closing: AbortSignal
}

/** Has the workers tell how they are, and what they have counted. */
export class Pulse {
  readonly #options: PulseOptions
  #isFreshening = false

  constructor(options: PulseOptions) {
    this.#options = options
  }

  /** Resolves once all have told, or a second later; `withProcess`: what prom-client knows of their processes, too. */
  async take({ withProcess = false } = {}): Promise<void> {
    const { clock, lives } = this.#options
    await within(clock, REPORT_MS, Promise.all(lives().map((life) => life.report(withProcess))))
  }

  /** The same without waiting, and not twice at once: for whoever looks all the time. */
  freshen(): void {
    if (this.#isFreshening) return
    this.#isFreshening = true
    void this.take().then(() => {
      this.#isFreshening = false
    })
  }

  /** Keeps what is known of the workers fresh, so that little is lost with one, and finds the one that hangs. */
  async keepTaking(): Promise<void> {
    const { clock, lives, closing } = this.#options
    for (;;) {
      await clock.sleep(PULSE_MS, closing).catch(() => undefined)
      if (closing.aborted) return
      for (const life of lives()) {
        if (life.missed >= MOST_MISSED) life.kill('it has not answered for a minute')
        life.missed += 1
      }
      await this.take()
    }
  }
}
