import { diagnose } from './diagnose.ts'
import { failedEvent, seconds } from './failed-event.ts'
import { describeHeld, holdToken, readdress, type HeldToken, type Moment } from './held-token.ts'
import { OAuthError } from './oauth-error.ts'
import { RefreshPlan } from './refresh-plan.ts'
import { Refusals } from './refusals.ts'
import * as schedule from './schedule.ts'
import type { AccessToken, TokenAnswer, TokenEvent } from './token-source.ts'

interface TokenStateOptions {
  readonly configuredLifeMs: number
  readonly random: () => number
  readonly emit: (event: TokenEvent) => void
}

/** What is known of the token, and what each thing that happens to it means; no waiting, no clock. Every `now` is steady milliseconds. */
export class TokenState {
  readonly #options: TokenStateOptions
  readonly #plan = new RefreshPlan()
  readonly #refusals = new Refusals()
  #held: HeldToken | undefined
  #failure: schedule.FailureRun | undefined
  #isHeldBack = false
  #heldBackQuietUntil = 0
  #unchanged = 0
  #introspectionFails = false
  #refusedInstanceUrl: string | undefined

  constructor(options: TokenStateOptions) {
    this.#options = options
  }

  get plan(): Pick<RefreshPlan, 'dueAt' | 'calmUntil'> {
    return this.#plan
  }

  /** The token, unless the API refused it. */
  get held(): HeldToken | undefined {
    return this.#held
  }

  get failure(): schedule.FailureRun | undefined {
    return this.#failure
  }

  get isHeldBack(): boolean {
    return this.#isHeldBack
  }

  get refusedInstanceUrl(): string | undefined {
    return this.#refusedInstanceUrl
  }

  /** Why the last attempt brought nothing, in words fit for a caller; undefined where it did. */
  get hindrance(): string | undefined {
    if (this.#isHeldBack) return 'The hourly budget of token requests (TOKEN_REQUESTS_PER_HOUR) is used up.'
    return this.#failure === undefined ? undefined : diagnose(this.#failure.error).summary
  }

  /** A token request begins. */
  asked(now: number): void {
    this.#isHeldBack = false
    this.#plan.asked(now)
    this.#options.emit({ type: 'requested', reason: this.#plan.reason })
  }

  /** The endpoint gave a token: one that the API has just refused (a failure), the one held (no failure and no new life), or another. */
  answered(answer: TokenAnswer, moment: Moment): void {
    const { now } = moment
    if (this.#isUseless(answer.value, now)) {
      this.failed(new OAuthError({ kind: 'transient', error: 'refused_token_reissued' }), moment)
      return
    }
    const outcome = { reason: this.#plan.reason, afterFailures: this.#failure?.count ?? 0 }
    this.#failure = undefined
    this.#plan.release()
    this.#noteInstance(answer.refusedInstanceUrl)
    const held = this.#held
    if (held?.token.value === answer.value) {
      this.#held = readdress(held, answer)
      this.#keep(held.token, outcome, now)
    } else this.#adopt(answer, outcome, moment)
  }

  /** A token request failed; the token held, if any, serves on, since only the API can prove it dead. */
  failed(error: OAuthError, { now, paceMs }: Moment): void {
    const run = schedule.nextFailure(this.#failure, error, { random: this.#options.random(), paceMs })
    const event = failedEvent(run, { reason: this.#plan.reason, serving: this.#held?.token.fingerprint })
    this.#failure = run
    this.#plan.want(now, 'retry')
    this.#plan.hold(now + run.delayMs)
    this.#options.emit(event)
  }

  /** The budget allows no request for `waitMs`. */
  heldBack(waitMs: number, requestsPerHour: number, now: number): void {
    this.#isHeldBack = true
    this.#plan.hold(now + waitMs)
    const { reason } = this.#plan
    const loud = now >= this.#heldBackQuietUntil
    if (loud) this.#heldBackQuietUntil = now + schedule.HELD_BACK_QUIET_MS
    this.#options.emit({ type: 'held-back', reason, requestsPerHour, resumesInSeconds: seconds(waitMs), loud })
  }

  /** The API refused a token. Whoever reports the one held first causes its replacement; for the others there is nothing to do. */
  refused({ value }: AccessToken, now: number): boolean {
    const held = this.#held
    const isHeld = held?.token.value === value
    if (!isHeld) {
      this.#refusals.confirm(value, now)
      return false
    }
    this.#refusals.bury(value, now)
    this.#held = undefined
    const ageMs = now - held.bornAt
    this.#options.emit({ type: 'refused', fingerprint: held.token.fingerprint, ageSeconds: seconds(ageMs) })
    const learnedMs = this.#refusals.learn(held.life, ageMs, now)
    if (learnedMs !== undefined) this.#options.emit({ type: 'life-learned', lifeSeconds: seconds(learnedMs) })
    this.#plan.want(this.#refusals.nextAttemptAt(ageMs, now), 'refused')
    return true
  }

  /** The operator, or a new secret, asks for an attempt now; only a rate limit and the budget, which asks for `paceMs`, stand above that. */
  demanded(reason: 'operator' | 'reload', now: number, paceMs: number): void {
    this.#plan.demand(reason, now, paceMs)
    if (this.#failure?.error.kind !== 'rate-limited') this.#plan.release()
  }

  /** A caller has waited for the attempt that is due; if it hangs, the next callers need not. */
  waitedFor(now: number): void {
    if (now >= this.#plan.calmUntil) this.#plan.calm(now + schedule.GRACE_MS)
  }

  /** The token that the endpoint has just given, where it said nothing of its life. */
  get toIntrospect(): HeldToken | undefined {
    const held = this.#held
    if (held === undefined || this.hindrance !== undefined || this.#plan.reason !== 'schedule') return undefined
    return held.life.source === 'expires_in' || held.life.source === 'jwt' ? undefined : held
  }

  /** The endpoint was asked for the life left of the token held, and said it or not; nothing happened meanwhile. */
  introspected(held: HeldToken, outcome: number | OAuthError, now: number): void {
    const loud = !this.#introspectionFails
    this.#introspectionFails = outcome instanceof OAuthError
    if (outcome instanceof OAuthError) this.#options.emit({ type: 'introspection-failed', error: outcome.error, loud })
    else this.#learnLife(held, outcome, now)
  }

  /** A value that was refused gets a second chance, but not too soon, and not in place of one that nobody has refused. */
  #isUseless(value: string, now: number): boolean {
    const held = this.#held?.token.value
    if (value === held) return false
    const isTrusted = held !== undefined && !this.#refusals.wasRefused(held)
    return isTrusted ? this.#refusals.wasRefused(value) : this.#refusals.isDead(value, now)
  }

  #learnLife(held: HeldToken, lifeMs: number, now: number): void {
    const introspected = { ...held, life: { ms: lifeMs, source: 'introspection' }, endsAt: now + lifeMs } as const
    this.#live(introspected, now, this.#unchanged > 0 ? this.#plan.dueAt - now : 0)
    this.#options.emit({ type: 'life-introspected', fingerprint: held.token.fingerprint, lifeSeconds: seconds(lifeMs) })
  }

  #keep({ fingerprint }: AccessToken, outcome: Outcome, now: number): void {
    this.#unchanged += 1
    const delayMs = schedule.unchangedDelayMs(this.#unchanged)
    this.#plan.want(now + delayMs, 'schedule')
    this.#plan.keepCalm(now + delayMs + schedule.GRACE_MS)
    this.#options.emit({ type: 'unchanged', ...outcome, fingerprint, nextInSeconds: seconds(delayMs) })
  }

  #adopt(answer: TokenAnswer, outcome: Outcome, moment: Moment): void {
    const life = answer.statedLife ?? this.#refusals.assumedLife(this.#options.configuredLifeMs, moment.now)
    const held = holdToken(answer, life, moment)
    this.#unchanged = 0
    this.#live(held, moment.now, 0)
    const history = this.#refusals.wasRefused(answer.value) ? { refusedBefore: true as const } : {}
    this.#options.emit({ type: 'obtained', ...outcome, ...describeHeld(held), ...history })
  }

  #live(held: HeldToken, now: number, leastMs: number): void {
    const lifeMs = held.life.ms
    const refreshMs = Math.max(schedule.refreshAfterMs(lifeMs, this.#options.random()), leastMs)
    this.#held = held
    this.#plan.want(now + refreshMs, 'schedule')
    this.#plan.calm(now + schedule.calmMs(lifeMs, refreshMs))
  }

  #noteInstance(instanceUrl: string | undefined): void {
    if (instanceUrl !== undefined && instanceUrl !== this.#refusedInstanceUrl) {
      this.#options.emit({ type: 'instance-url-refused', instanceUrl })
    }
    this.#refusedInstanceUrl = instanceUrl
  }
}

type Outcome = Pick<Extract<TokenEvent, { type: 'obtained' }>, 'reason' | 'afterFailures'>
