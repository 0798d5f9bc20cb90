import { API_FAILURES, SESSION_SWITCHES, type ApiFailure, type SessionSwitch } from './api-failures.ts'
import type { Answer } from './answer.ts'
import { TOKEN_FAILURES, type TokenFailure } from './oauth-errors.ts'

export type SwitchName = TokenFailure | ApiFailure | SessionSwitch

/** Every name that `fail` knows. */
export const SWITCH_NAMES: readonly SwitchName[] = [
  ...keysOf(TOKEN_FAILURES),
  ...keysOf(API_FAILURES),
  ...SESSION_SWITCHES,
]

export function isSwitchName(name: string): name is SwitchName {
  return SWITCH_NAMES.some((known) => known === name)
}

interface Switched {
  /** Requests that it still applies to. */
  left: number
  /** What the path of a request must begin with; empty for all. */
  readonly path: string
}

/** The misbehaviours that are switched on, each for a number of requests or until healed. The first one switched on speaks first. */
export class Switches {
  readonly #on = new Map<SwitchName, Switched>()
  readonly #custom: { on: 'token' | 'api'; answer: Answer }[] = []

  set(name: SwitchName, times: number, path = ''): void {
    this.#on.set(name, { left: times, path })
  }

  /** An answer of the caller's own making for the next requests of that kind. */
  setAnswer(on: 'token' | 'api', answer: Answer, times: number): void {
    for (let n = 0; n < times; n++) this.#custom.push({ on, answer })
  }

  clear(name?: SwitchName): void {
    if (name !== undefined) {
      this.#on.delete(name)
      return
    }
    this.#on.clear()
    this.#custom.length = 0
  }

  /** Whether this one is on for a request to `path`; counts it as used. */
  take(name: SwitchName, path: string): boolean {
    const switched = this.#on.get(name)
    if (switched === undefined || !isWithin(path, switched.path)) return false
    switched.left -= 1
    if (switched.left <= 0) this.#on.delete(name)
    return true
  }

  takeTokenFailure(path: string): Answer | undefined {
    return this.#takeAnswer('token', path, TOKEN_FAILURES)
  }

  takeApiFailure(path: string): Answer | undefined {
    return this.#takeAnswer('api', path, API_FAILURES)
  }

  /** What is on, with how many requests each has left; null is without end. */
  state(): Record<string, number | null> {
    return Object.fromEntries([...this.#on].map(([name, { left }]) => [name, Number.isFinite(left) ? left : null]))
  }

  #takeAnswer(
    on: 'token' | 'api',
    path: string,
    table: Readonly<Partial<Record<SwitchName, Answer>>>,
  ): Answer | undefined {
    const index = this.#custom.findIndex((entry) => entry.on === on)
    if (index >= 0) return this.#custom.splice(index, 1)[0]?.answer
    for (const name of this.#on.keys()) {
      const answer = table[name]
      if (answer !== undefined && this.take(name, path)) return answer
    }
    return undefined
  }
}

/** Letters of either case: the platform's paths are matched so. */
function isWithin(path: string, prefix: string): boolean {
  return path.toLowerCase().startsWith(prefix.toLowerCase())
}

function keysOf<T extends object>(table: T): (keyof T)[] {
  // Object.keys forgets the key type; the tables are constants without further properties.
  return Object.keys(table) as (keyof T)[]
}
