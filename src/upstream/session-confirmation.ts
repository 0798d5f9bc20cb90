import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import type { AccessToken } from '../token/token-source.ts'
import { ask } from './ask.ts'
import { readRefusal } from './dead-session.ts'
import type { HeldAnswer } from './held-answer.ts'
import { withSession } from './request-headers.ts'

/** Of the platform's own, so no app of the org answers there, and the cheapest that needs a session. */
const RESOURCE = '/services/data/v62.0/limits'
const TIMEOUT_MS = 10_000
/** An app that answers 401 to everybody costs one call in this time, not one for each. */
const TRUST_MS = 5000

export interface ConfirmationOptions {
  /** Below the interceptor: no session is put on, nothing is repeated. */
  readonly dispatch: Dispatcher['dispatch']
  readonly originFor: (token: AccessToken) => string
  readonly clock: Clock
}

/** Whether a token that was refused without a reason is dead: the org is asked once for all who suspect the same one. */
export class SessionConfirmation {
  readonly #options: ConfirmationOptions
  readonly #asked = new Map<string, Promise<boolean>>()
  #alive = { value: '', until: 0 }

  constructor(options: ConfirmationOptions) {
    this.#options = options
  }

  /** True only where the org says so. No answer in ten seconds, or none that can be read, proves nothing. Never rejects. */
  async isDead(token: AccessToken): Promise<boolean> {
    const { value } = token
    if (value === this.#alive.value && this.#options.clock.monotonic() < this.#alive.until) return false
    const asked = this.#asked.get(value) ?? this.#ask(token)
    this.#asked.set(value, asked)
    return asked
  }

  async #ask(token: AccessToken): Promise<boolean> {
    const { clock } = this.#options
    const answer = await this.#probe(token)
    this.#asked.delete(token.value)
    if (!answer) return false
    const { status } = answer
    const verdict = readRefusal({ family: 'rest', runsOrgCode: false }, answer)
    // There no app can have written a 401 without a reason, and a retry mends no edge that does.
    if (verdict === 'dead' || verdict === 'suspect') return true
    if (status < 300) this.#alive = { value: token.value, until: clock.monotonic() + TRUST_MS }
    return false
  }

  #probe(token: AccessToken): Promise<HeldAnswer | undefined> {
    const { originFor, clock } = this.#options
    const headers = withSession(['Accept', 'application/json'], 'rest', token.value)
    const request = { origin: originFor(token), path: RESOURCE, method: 'GET' as const, headers }
    return ask(this.#options, request, { clock, timeoutMs: TIMEOUT_MS })
  }
}
