import { diagnose } from './diagnose.ts'
import { fingerprint } from './fingerprint.ts'
import { assumedLife, learnFromRefusal, type LearnedLife, type Life } from './lifetime.ts'
import { OAuthError } from './oauth-error.ts'
import * as schedule from './schedule.ts'
import type { AccessToken, RefreshReason, TokenAnswer, TokenEvent } from './token-source.ts'

export interface HeldToken {
  readonly token: AccessToken
  readonly bornAt: number
  readonly life: Life
  readonly endsAt: number
}

interface TokenStateOptions {
  readonly configuredLifeMs: number
  /** In [0, 1). */
  readonly random: () => number
  readonly emit: (event: TokenEvent) => void
}

/** Refused values that are remembered, so that none of them is ever sent again. */
const MOST_DEAD = 32

/**
 * What is known of the token and when to ask for the next one; every rule of docs/token.md, and no waiting.
 * Every `now` and every instant is steady milliseconds (SteadyTime).
 */
export class TokenState {
  readonly #options: TokenStateOptions
  #held: HeldToken | undefined
  #calmUntil = 0
  #wantedAt = 0
  #notBefore = 0
  #reason: RefreshReason = 'start'
  #askedAt = -Infinity
  #forcedAt = -Infinity
  #failure: schedule.FailureRun | undefined
  #unchanged = 0
  #youngRefusals = 0
  #learned: LearnedLife | undefined
  #refusedInstanceUrl: string | undefined
  #isHeldBack = false
  #introspectionFails = false
  readonly #dead = new Set<string>()

  constructor(options: TokenStateOptions) {
    this.#options = options
  }

  /** The token, unless the API refused it. */
  get held(): HeldToken | undefined {
    return this.#held
  }

  /** Until then the token is sent without a thought; afterwards callers first wait for the attempt, which is then overdue. */
  get calmUntil(): number {
    return this.#calmUntil
  }

  get failure(): schedule.FailureRun | undefined {
    return this.#failure
  }

  get refusedInstanceUrl(): string | undefined {
    return this.#refusedInstanceUrl
  }

  /** When the next token request is due, and why. */
  get dueAt(): number {
    return Math.max(this.#wantedAt, this.#notBefore)
  }

  get reason(): RefreshReason {
    return this.#reason
  }

  /** Why the last attempt brought nothing, in words fit for a caller; undefined where it did. */
  get hindrance(): string | undefined {
    if (this.#isHeldBack) return 'The proxy has used up its hourly budget of token requests (TOKEN_REQUESTS_PER_HOUR).'
    return this.#failure === undefined ? undefined : diagnose(this.#failure.error).summary
  }

  get isHeldBack(): boolean {
    return this.#isHeldBack
  }

  /** A token request begins. */
  asked(now: number): void {
    this.#isHeldBack = false
    this.#askedAt = now
    this.#options.emit({ type: 'requested', reason: this.#reason })
  }

  /** The endpoint gave a token: the one held (no new life), a dead one (a failure), or a new one. */
  answered(answer: TokenAnswer, { now, wallNow }: { now: number; wallNow: number }): void {
    if (this.#dead.has(answer.value)) {
      this.failed(new OAuthError({ kind: 'transient', error: 'refused_token_reissued' }), now)
      return
    }
    this.#noteInstance(answer.refusedInstanceUrl)
    const afterFailures = this.#failure?.count ?? 0
    const reason = this.#reason
    this.#failure = undefined
    this.#notBefore = 0
    if (this.#held?.token.value === answer.value) {
      const delayMs = schedule.unchangedDelayMs(++this.#unchanged)
      this.#planNext(now + delayMs, 'schedule')
      this.#calmUntil = Math.max(this.#calmUntil, this.#wantedAt + schedule.GRACE_MS)
      const { fingerprint } = this.#held.token
      this.#options.emit({ type: 'unchanged', reason, fingerprint, nextInSeconds: seconds(delayMs), afterFailures })
      return
    }
    const life = answer.statedLife ?? assumedLife(this.#options.configuredLifeMs, this.#learned, now)
    const { value, format, instanceUrl, identityUrl } = answer
    const token = { value, fingerprint: fingerprint(value), format, instanceUrl, identityUrl, obtainedAt: wallNow }
    this.#unchanged = 0
    this.#live({ token, bornAt: now, life, endsAt: now + life.ms }, now, 0)
    const { ms, source: lifeSource } = life
    const lifeSeconds = seconds(ms)
    this.#options.emit({
      type: 'obtained',
      reason,
      fingerprint: token.fingerprint,
      format,
      lifeSeconds,
      lifeSource,
      afterFailures,
    })
  }

  /** The value whose life is only assumed, when the endpoint has just given it. */
  get valueToIntrospect(): string | undefined {
    const held = this.#held
    if (this.hindrance !== undefined || held?.life.source === 'expires_in' || held?.life.source === 'jwt')
      return undefined
    return held?.token.value
  }

  /** The endpoint was asked for the life left of a token, and said it or not. */
  introspected(value: string, outcome: number | OAuthError, now: number): void {
    if (outcome instanceof OAuthError) {
      this.#options.emit({ type: 'introspection-failed', error: outcome.message, loud: !this.#introspectionFails })
      this.#introspectionFails = true
      return
    }
    this.#introspectionFails = false
    const held = this.#held
    // A refusal or a demand came meanwhile: their plan stands.
    if (held?.token.value !== value || this.#reason !== 'schedule') return
    const spacingMs = this.#unchanged > 0 ? this.#wantedAt - now : 0
    this.#live({ ...held, life: { ms: outcome, source: 'introspection' }, endsAt: now + outcome }, now, spacingMs)
    const { fingerprint } = held.token
    this.#options.emit({ type: 'life-introspected', fingerprint, lifeSeconds: seconds(outcome) })
  }

  /** A token request failed; the token held, if any, serves on, since only the API can prove it dead. */
  failed(error: OAuthError, now: number): void {
    const run = schedule.nextFailure(this.#failure, error, this.#options.random())
    const reason = this.#reason
    this.#failure = run
    this.#notBefore = now + run.delayMs
    this.#planNext(now, 'retry')
    this.#calmUntil = Math.max(this.#calmUntil, this.#notBefore + schedule.GRACE_MS)
    this.#options.emit({
      type: 'failed',
      reason,
      kind: error.kind,
      diagnosis: diagnose(error),
      description: error.description,
      status: error.status,
      secret: error.secret,
      failures: run.count,
      retryInSeconds: seconds(run.delayMs),
      serving: this.#held?.token.fingerprint,
      loud: run.loud,
    })
  }

  /** The budget allows no request for `waitMs`. */
  heldBack(waitMs: number, requestsPerHour: number, now: number): void {
    this.#isHeldBack = true
    this.#notBefore = now + waitMs
    this.#calmUntil = Math.max(this.#calmUntil, this.#notBefore + schedule.GRACE_MS)
    this.#options.emit({ type: 'held-back', reason: this.#reason, requestsPerHour, resumesInSeconds: seconds(waitMs) })
  }

  /** The API refused a token. Says whether that is news: the value held, refused for the first time. */
  refused({ value }: AccessToken, now: number): boolean {
    const held = this.#held
    if (held?.token.value !== value) return false
    this.#bury(value)
    const ageMs = now - held.bornAt
    this.#options.emit({ type: 'refused', fingerprint: held.token.fingerprint, ageSeconds: seconds(ageMs) })
    const learned = learnFromRefusal(held.life, ageMs, now)
    if (learned !== undefined) {
      this.#learned = learned
      this.#options.emit({ type: 'life-learned', lifeSeconds: seconds(learned.ms) })
    }
    this.#youngRefusals = schedule.countYoungRefusals(this.#youngRefusals, ageMs)
    this.#forcedAt = Math.max(now, this.#forcedAt + schedule.forcedIntervalMs(this.#youngRefusals))
    this.#planNext(this.#forcedAt, 'refused')
    return true
  }

  /** The operator, or a new secret, asks for an attempt now; only a rate limit and the budget stand above that. */
  demanded(reason: 'operator' | 'reload', now: number): void {
    if (this.#failure?.error.kind !== 'rate-limited') this.#notBefore = 0
    this.#planNext(Math.max(now, this.#askedAt + schedule.DEMAND_INTERVAL_MS), reason)
  }

  /** A caller has waited for the attempt that is due: if it hangs, the next callers need not. */
  waitedFor(now: number): void {
    this.#calmUntil = Math.max(this.#calmUntil, now + schedule.GRACE_MS)
  }

  #live(held: HeldToken, now: number, leastMs: number): void {
    const lifeMs = held.life.ms
    const refreshMs = Math.max(schedule.refreshAfterMs(lifeMs, this.#options.random()), leastMs)
    this.#held = held
    this.#planNext(now + refreshMs, 'schedule')
    this.#calmUntil = now + schedule.calmMs(lifeMs, refreshMs)
  }

  #planNext(at: number, reason: RefreshReason): void {
    this.#wantedAt = at
    this.#reason = reason
  }

  #bury(value: string): void {
    this.#held = undefined
    this.#dead.add(value)
    const [oldest] = this.#dead
    if (this.#dead.size > MOST_DEAD && oldest !== undefined) this.#dead.delete(oldest)
  }

  #noteInstance(refused: string | undefined): void {
    if (refused !== undefined && refused !== this.#refusedInstanceUrl) {
      this.#options.emit({ type: 'instance-url-refused', instanceUrl: refused })
    }
    this.#refusedInstanceUrl = refused
  }
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
