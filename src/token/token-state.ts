import { failedEvent, seconds } from './failed-event.ts'
import { describeHeld, holdToken, readdress, type HeldToken, type Moment } from './held-token.ts'
import { assumedLife, learnFromDeath, ObservedLifetimes, type LearnedLife } from './lifetime.ts'
import { OAuthError } from './oauth-error.ts'
import { RefreshPlan } from './refresh-plan.ts'
import * as schedule from './schedule.ts'
import type { AccessToken, TokenAnswer, TokenEvent } from './token-source.ts'

interface TokenStateOptions {
  /** Steady milliseconds. */
  readonly now: number
  readonly configuredLifeMs: number
  readonly random: () => number
  readonly emit: (event: TokenEvent) => void
}

/** Dead values that are remembered. */
const MOST_DEAD = 32

/** What is known of the token, and what each thing that happens to it means; no waiting, no clock. Every `now` is steady milliseconds. */
export class TokenState {
  readonly #options: TokenStateOptions
  readonly #plan = new RefreshPlan()
  /** Values that the org has confirmed as dead. */
  readonly #dead = new Set<string>()
  readonly #lifetimes = new ObservedLifetimes()
  #learned: LearnedLife | undefined
  #shortLives = 0
  #held: HeldToken | undefined
  #isAsking = false
  /** Since when no token is held, steady milliseconds. */
  #missingSince: number
  #failure: schedule.FailureRun | undefined
  /** Since when the budget allows no request. */
  #heldBackSince: number | undefined
  #heldBackQuietUntil = 0
  #unchanged = 0
  #introspectionFails = false
  #refusedInstanceUrl: string | undefined

  constructor(options: TokenStateOptions) {
    this.#options = options
    this.#missingSince = options.now
  }

  get plan(): Pick<RefreshPlan, 'dueAt' | 'calmUntil' | 'askedAt'> {
    return this.#plan
  }

  /** The token, unless it is dead. */
  get held(): HeldToken | undefined {
    return this.#held
  }

  /** Whether a token request is under way. */
  get isAsking(): boolean {
    return this.#isAsking
  }

  get missingSince(): number {
    return this.#missingSince
  }

  get failure(): schedule.FailureRun | undefined {
    return this.#failure
  }

  get heldBackSince(): number | undefined {
    return this.#heldBackSince
  }

  get refusedInstanceUrl(): string | undefined {
    return this.#refusedInstanceUrl
  }

  /** Whether the last attempt brought nothing. */
  get isFailing(): boolean {
    return this.#failure !== undefined || this.#heldBackSince !== undefined
  }

  /** How many tokens in a row died as soon as they were issued, and without having served. */
  get shortLives(): number {
    return this.#shortLives
  }

  /** Whether a token has died. */
  get hasDied(): boolean {
    return this.#dead.size > 0
  }

  /** Whether the org has confirmed this value as dead. */
  wasDead(value: string): boolean {
    return this.#dead.has(value)
  }

  /** A token request begins. */
  asked(now: number): void {
    this.#isAsking = true
    this.#heldBackSince = undefined
    this.#plan.asked(now)
    this.#options.emit({ type: 'requested', reason: this.#plan.reason })
  }

  /** The endpoint gave a token that the org does not call dead: the one held (no failure and no new life), or another. */
  answered(answer: TokenAnswer, moment: Moment): void {
    const { now } = moment
    const outcome = { reason: this.#plan.reason, afterFailures: this.#failure?.count ?? 0 }
    this.#isAsking = false
    this.#failure = undefined
    this.#plan.release()
    this.#noteInstance(answer.refusedInstanceUrl)
    const held = this.#held
    if (held?.token.value === answer.value) {
      this.#held = readdress(held, answer)
      this.#keep(held.token, outcome, now)
    } else this.#adopt(answer, outcome, moment)
  }

  /** A token request failed; the token held, if any, serves on, since only the org can prove it dead. */
  failed(error: OAuthError, { now, paceMs }: Moment): void {
    this.#isAsking = false
    const run = schedule.nextFailure(this.#failure, error, { now, random: this.#options.random(), paceMs })
    const event = failedEvent(run, { reason: this.#plan.reason, serving: this.#held?.token.fingerprint })
    this.#failure = run
    this.#plan.want(now, 'retry')
    this.#plan.hold(now + run.delayMs)
    this.#options.emit(event)
  }

  /** The budget allows no request for `waitMs`. */
  heldBack(waitMs: number, requestsPerHour: number, now: number): void {
    this.#heldBackSince ??= now
    this.#plan.hold(now + waitMs)
    const { reason } = this.#plan
    const loud = now >= this.#heldBackQuietUntil
    if (loud) this.#heldBackQuietUntil = now + schedule.HELD_BACK_QUIET_MS
    this.#options.emit({ type: 'held-back', reason, requestsPerHour, resumesInSeconds: seconds(waitMs), loud })
  }

  /** The org confirmed that a token is dead. Of the one held a replacement is due, as a rule at once; returns whether it was that one. */
  retired({ value }: AccessToken, { now, hasWorked }: { now: number; hasWorked: boolean }): boolean {
    this.#rememberDead(value)
    const held = this.#held
    if (held?.token.value !== value) return false
    this.#held = undefined
    this.#missingSince = now
    const ageMs = now - held.bornAt
    const isEarly = this.#lifetimes.add(ageMs, held.life.ms)
    const { fingerprint } = held.token
    this.#shortLives = hasWorked ? 0 : schedule.countShortLives(this.#shortLives, ageMs)
    const delayMs = schedule.replacementDelayMs(this.#shortLives)
    this.#options.emit({
      type: 'refused',
      fingerprint,
      ageSeconds: seconds(ageMs),
      isEarly,
      replacedInSeconds: seconds(delayMs),
    })
    const learned = learnFromDeath(held.life, ageMs, now)
    if (learned !== undefined) {
      this.#learned = learned
      this.#options.emit({ type: 'life-learned', lifeSeconds: seconds(learned.ms) })
    }
    this.#plan.want(now + delayMs, 'refused')
    // There is a new reason to ask.
    this.#plan.release()
    return true
  }

  /** The operator, or a new secret, asks for an attempt now; only the budget, which asks for `paceMs`, stands above that. */
  demanded(reason: 'operator' | 'reload', now: number, paceMs: number): void {
    this.#plan.demand(reason, now, paceMs)
    // There is a new reason to ask.
    this.#plan.release()
  }

  /** A caller has waited for the attempt that is due; if it hangs, the next callers need not. */
  waitedFor(now: number): void {
    if (now >= this.#plan.calmUntil) this.#plan.calm(now + schedule.GRACE_MS)
  }

  /** The token that the endpoint has just given, where it said nothing of its life. */
  get toIntrospect(): HeldToken | undefined {
    const held = this.#held
    if (held === undefined || this.isFailing || this.#plan.reason !== 'schedule') return undefined
    return held.life.source === 'expires_in' || held.life.source === 'jwt' ? undefined : held
  }

  /** The endpoint was asked for the life left of the token held, and said it or not; nothing happened meanwhile. */
  introspected(held: HeldToken, outcome: number | OAuthError, now: number): void {
    const loud = !this.#introspectionFails
    this.#introspectionFails = outcome instanceof OAuthError
    if (outcome instanceof OAuthError) this.#options.emit({ type: 'introspection-failed', error: outcome.error, loud })
    else this.#learnLife(held, outcome, now)
  }

  #rememberDead(value: string): void {
    this.#dead.delete(value)
    this.#dead.add(value)
    const [oldest] = this.#dead
    if (this.#dead.size > MOST_DEAD && oldest !== undefined) this.#dead.delete(oldest)
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
    const life = answer.statedLife ?? assumedLife(this.#options.configuredLifeMs, this.#learned, moment.now)
    const held = holdToken(answer, life, moment)
    this.#unchanged = 0
    this.#live(held, moment.now, 0)
    const history = this.#dead.delete(answer.value) ? { refusedBefore: true as const } : {}
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
