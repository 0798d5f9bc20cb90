import type { Logger } from 'pino'
import { systemClock, type Clock } from '../../../src/clock.ts'

/** State that all requests share, and connections that carry none yet: what throws there is meant to end the process. */
const SHARED = /src\/(?:server\/connection-|token\/|clock|upstream\/(?:connection-|body-memory|session-confirmation))/

/** Of the whole program: what is on the way to or from a token, and the admin listener. */
const OF_THE_APP = /src\/(?:app|admin-side|token|server\/admin)/

/** How many frames of ours tell one place from another. */
const CALLERS = 4

/** Throws once, wherever our code uses its clock or its log, at the place that is asked for. */
export class Saboteur {
  /** Places in the code of requests, each with its callers. */
  readonly places = new Set<string>()
  #armed: string | undefined

  readonly clock: Clock = {
    now: () => {
      this.#pass()
      return systemClock.now()
    },
    monotonic: () => {
      this.#pass()
      return systemClock.monotonic()
    },
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  }

  /** The log, with a place wherever a line is written. */
  readonly wrap = (logger: Logger): Logger =>
    new Proxy(logger, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (!LEVELS.has(String(name))) return value.bind(target) as unknown
        return (...parameters: unknown[]) => {
          this.#pass()
          return Reflect.apply(value, target, parameters) as unknown
        }
      },
    })

  /** What a world is started with. */
  readonly parts = { clock: this.clock, wrapLogger: this.wrap }

  arm(place: string): void {
    this.#armed = place
  }

  /** False once it has thrown. */
  get isArmed(): boolean {
    return this.#armed !== undefined
  }

  #pass(): void {
    const { stack = '' } = new Error('here')
    const frames = Array.from(stack.matchAll(/src\/[\w./-]+:\d+/g), ([frame]) => frame).slice(0, CALLERS)
    const [first] = frames
    if (first === undefined || SHARED.test(first) || OF_THE_APP.test(stack)) return
    const place = frames.join(' < ')
    this.places.add(place)
    if (place !== this.#armed) return
    this.#armed = undefined
    throw new Error(`sabotage at ${place}`)
  }
}

const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'error'])
