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

/** The misbehaviours that are switched on, each for a number of requests or until healed. The first one switched on speaks first. */
export class Switches {
  readonly #left = new Map<SwitchName, number>()
  readonly #custom: { on: 'token' | 'api'; answer: Answer }[] = []

  set(name: SwitchName, times: number): void {
    this.#left.set(name, times)
  }

  /** An answer of the caller's own making for the next requests of that kind. */
  setAnswer(on: 'token' | 'api', answer: Answer, times: number): void {
    for (let n = 0; n < times; n++) this.#custom.push({ on, answer })
  }

  clear(name?: SwitchName): void {
    if (name !== undefined) {
      this.#left.delete(name)
      return
    }
    this.#left.clear()
    this.#custom.length = 0
  }

  /** Whether this one is on; counts it as used. */
  take(name: SwitchName): boolean {
    const left = this.#left.get(name)
    if (left === undefined) return false
    if (left > 1) this.#left.set(name, left - 1)
    else this.#left.delete(name)
    return true
  }

  takeTokenFailure(): Answer | undefined {
    return this.#takeAnswer('token', TOKEN_FAILURES)
  }

  takeApiFailure(): Answer | undefined {
    return this.#takeAnswer('api', API_FAILURES)
  }

  /** What is on, with how many requests each has left; null is without end. */
  state(): Record<string, number | null> {
    return Object.fromEntries([...this.#left].map(([name, left]) => [name, Number.isFinite(left) ? left : null]))
  }

  #takeAnswer(on: 'token' | 'api', table: Readonly<Partial<Record<SwitchName, Answer>>>): Answer | undefined {
    const index = this.#custom.findIndex((entry) => entry.on === on)
    if (index >= 0) return this.#custom.splice(index, 1)[0]?.answer
    for (const name of this.#left.keys()) {
      const answer = table[name]
      if (answer !== undefined && this.take(name)) return answer
    }
    return undefined
  }
}

function keysOf<T extends object>(table: T): (keyof T)[] {
  // Object.keys forgets the key type; the tables are constants without further properties.
  return Object.keys(table) as (keyof T)[]
}
