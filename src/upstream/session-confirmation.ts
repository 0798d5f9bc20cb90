import { setImmediate } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { Notifier } from '../token/notifier.ts'
import type { AccessToken, TokenHealth } from '../token/token-source.ts'
import { ask } from './ask.ts'
import { ConfirmationLimit } from './confirmation-limit.ts'
import { healthIn } from './dead-session.ts'
import { withSession } from './request-headers.ts'

/** Answered by the platform itself, never by the org's own code, and the cheapest resource that needs a session. */
const RESOURCE = '/services/data/v62.0/limits'
const TIMEOUT_MS = 10_000
/** Least time between two confirmations of one token: requests that are refused together share the second one. */
const GAP_MS = 100
/** Tokens whose state is remembered: the one in use, and those of requests still under way. */
const MOST_TOKENS = 32

/** A refused request. */
export interface Suspicion {
  readonly token: AccessToken
  /** When it was sent: see {@link SessionConfirmation.tick}. */
  readonly sentAt: number
  /** The name of the caller's key; undefined where callers have none. */
  readonly caller: string | undefined
  /** Method and path, without the query. */
  readonly target: string
}

/** How one confirmation ended. `status` is undefined where the org did not answer in time. */
export interface ConfirmationEvent {
  readonly type: 'session-confirmed'
  readonly health: TokenHealth
  readonly fingerprint: string
  readonly status: number | undefined
}

export interface ConfirmationOptions {
  /** Puts no session on a request and repeats nothing. Its connections are not those that callers wait for. */
  readonly dispatch: Dispatcher['dispatch']
  readonly originFor: (token: AccessToken) => string
  readonly clock: Clock
  readonly onEvent: (event: ConfirmationEvent) => void
}

/** What the org has shown of one token; ticks, -Infinity where it has not been shown. */
interface Evidence {
  /** A request that was sent then was accepted, or confirmed the token: it speaks for refusals that had arrived before. */
  aliveAt: number
  /** The token was known to be dead then: that holds for every request sent before. */
  deadAt: number
  /** A confirmation that was sent then proved nothing. */
  unknownAt: number
  /** When the last confirmation was sent, monotonic milliseconds, and whether it is under way. */
  askedAtMs: number
  isAsking: boolean
}

/**
 * Whether a token that one request was refused with is dead. Only the org can tell: it is asked once for everyone who suspects the same token,
 * and never for a refusal that a request sent after it already speaks for.
 */
export class SessionConfirmation {
  readonly #options: ConfirmationOptions
  readonly #evidence = new Map<string, Evidence>()
  readonly #limit: ConfirmationLimit
  readonly #notifier: Notifier
  #waiting = 0
  #ticks = 0

  constructor(options: ConfirmationOptions) {
    this.#options = options
    this.#limit = new ConfirmationLimit(options.clock)
    this.#notifier = new Notifier(options.clock)
  }

  /** The next instant of a time that only orders: what was sent before what. No two instants are equal, which the clock does not promise. */
  tick(): number {
    return (this.#ticks += 1)
  }

  /** The API answered a request that was sent at `sentAt` as it answers a valid session: a confirmation that costs nothing. */
  accepted({ value }: AccessToken, sentAt: number): void {
    const evidence = this.#evidenceOf(value)
    if (sentAt <= evidence.aliveAt) return
    evidence.aliveAt = sentAt
    if (this.#waiting > 0) this.#notifier.notify()
  }

  /** Whether the org has ever accepted this token. */
  hasWorked({ value }: AccessToken): boolean {
    return (this.#evidence.get(value)?.aliveAt ?? -Infinity) > -Infinity
  }

  /** Resolves after two confirmations at the latest; later for a caller that keeps asking about one target. Never rejects. */
  async check({ token, sentAt, caller = '', target }: Suspicion): Promise<TokenHealth> {
    const { clock } = this.#options
    const evidence = this.#evidenceOf(token.value)
    const key = `${caller}\n${target}`
    const refused = { sentAt, arrivedAt: this.tick() }
    for (;;) {
      const health = healthAt(evidence, refused)
      if (health !== undefined) return health
      const gapMs = evidence.askedAtMs + GAP_MS - clock.monotonic()
      const waitMs = evidence.isAsking ? TIMEOUT_MS : gapMs > 0 ? gapMs : this.#limit.take(key)
      if (waitMs > 0) await this.#change(evidence, refused, waitMs)
      else void this.#ask(token, evidence, key)
    }
  }

  /** Whether a token is dead at this very moment. */
  checkNow(token: AccessToken): Promise<TokenHealth> {
    return this.check({ token, sentAt: this.tick(), caller: undefined, target: '' })
  }

  async #ask(token: AccessToken, evidence: Evidence, key: string): Promise<void> {
    const { dispatch, originFor, clock, onEvent } = this.#options
    evidence.askedAtMs = clock.monotonic()
    evidence.isAsking = true
    // Refusals that arrive together share it.
    await setImmediate()
    const askedAt = this.tick()
    const headers = withSession(['Accept', 'application/json'], 'rest', token.value)
    const request = { origin: originFor(token), path: RESOURCE, method: 'GET' as const, headers }
    const leftMs = () => evidence.askedAtMs + TIMEOUT_MS - clock.monotonic()
    let answer = await ask({ dispatch }, request, { clock, timeoutMs: TIMEOUT_MS })
    // The org may have closed an idle connection under it, and a GET is safe to repeat.
    if (answer === undefined && leftMs() > 0) answer = await ask({ dispatch }, request, { clock, timeoutMs: leftMs() })
    const health = healthIn(answer, this.hasWorked(token))
    evidence.isAsking = false
    // A dead token stays dead: that holds for whatever was sent before the answer came.
    if (health === 'dead') {
      evidence.deadAt = this.tick()
      this.#limit.giveBack(key)
    } else if (health === 'alive') evidence.aliveAt = Math.max(evidence.aliveAt, askedAt)
    else evidence.unknownAt = askedAt
    this.#notifier.notify()
    onEvent({ type: 'session-confirmed', health, fingerprint: token.fingerprint, status: answer?.status })
  }

  /** Until the confirmation under way has ended, or something else has shown what is asked; `mostMs` at most. */
  async #change(evidence: Evidence, refused: Refused, mostMs: number): Promise<void> {
    const { isAsking } = evidence
    this.#waiting += 1
    await this.#notifier.until(
      () => evidence.isAsking !== isAsking || healthAt(evidence, refused) !== undefined,
      mostMs,
    )
    this.#waiting -= 1
  }

  #evidenceOf(value: string): Evidence {
    let evidence = this.#evidence.get(value)
    if (evidence === undefined) {
      evidence = { aliveAt: -Infinity, deadAt: -Infinity, unknownAt: -Infinity, askedAtMs: -Infinity, isAsking: false }
      this.#evidence.set(value, evidence)
      const [oldest] = this.#evidence.keys()
      if (this.#evidence.size > MOST_TOKENS && oldest !== undefined) this.#evidence.delete(oldest)
    }
    return evidence
  }
}

interface Refused {
  readonly sentAt: number
  /** When the refusal came: the org may have looked at the session as late as that. */
  readonly arrivedAt: number
}

function healthAt({ aliveAt, deadAt, unknownAt }: Evidence, { sentAt, arrivedAt }: Refused): TokenHealth | undefined {
  if (sentAt <= deadAt) return 'dead'
  if (arrivedAt <= aliveAt) return 'alive'
  return arrivedAt <= unknownAt ? 'unknown' : undefined
}
