import { shared } from '../shared-state.ts'
import { RequestBudget } from './budget.ts'
import { withDeadline } from './deadline.ts'
import { holdToken, type Moment } from './held-token.ts'
import { Notifier } from './notifier.ts'
import { OAuthError, toOAuthError } from './oauth-error.ts'
import { REQUEST_TIMEOUT_MS, INTROSPECTION_TIMEOUT_MS } from './schedule.ts'
import { SteadyTime } from './steady-time.ts'
import { TokenState } from './token-state.ts'
import { describePause, pauseText, type Pause } from './pause.ts'
import type { TokenKeeper, TokenKeeperOptions } from './token-keeper.ts'
import { describeState, type TokenStatus } from './token-status.ts'
import { TokenUnavailableError, type AccessToken, type TokenAnswer } from './token-source.ts'

/** The one that holds the token: one loop that sleeps and asks, and the callers that wait for it. The rules are TokenState's. */
export function createTokenKeeper(options: TokenKeeperOptions): TokenKeeper {
  return new Keeper(options)
}

class Keeper implements TokenKeeper {
  static {
    shared(this, (error) => error instanceof TokenUnavailableError)
  }

  readonly #options: TokenKeeperOptions
  readonly #time: SteadyTime
  readonly #state: TokenState
  readonly #budget: RequestBudget
  readonly #notifier: Notifier
  readonly #closing = new AbortController()
  #loop: Promise<void> | undefined
  #nap: AbortController | undefined
  /** Attempts ended, those that the budget held back included. */
  #attempts = 0
  /** A demand made during an attempt: that one may have begun with the old secret. */
  #nextDemand: 'operator' | 'reload' | undefined

  constructor(options: TokenKeeperOptions) {
    const { clock, lifetimeSeconds, requestsPerHour, random = Math.random, onEvent = () => undefined } = options
    this.#options = options
    this.#notifier = new Notifier(clock)
    this.#time = new SteadyTime(clock)
    this.#budget = new RequestBudget(requestsPerHour)
    const now = this.#time.now()
    this.#state = new TokenState({ now, configuredLifeMs: lifetimeSeconds * 1000, random, emit: onEvent })
  }

  get(): AccessToken | Promise<AccessToken> {
    const token = this.#calmToken()
    return token ?? this.#waitForToken()
  }

  retire(token: AccessToken): void {
    const hasWorked = this.#options.hasWorked(token)
    if (this.#state.retired(token, { now: this.#time.now(), hasWorked })) this.#wake()
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async refresh(): Promise<void> {
    const attempts = this.#attempts + (this.#state.isAsking ? 2 : 1)
    this.#demand('operator')
    await this.#waitUntil(() => this.#attempts >= attempts)
    if (this.#attempts < attempts || this.#state.isFailing) throw this.#unavailable()
  }

  reload(): void {
    this.#demand('reload')
  }

  status(): TokenStatus {
    const { grant, clock } = this.#options
    return describeState(this.#state, {
      grant: grant.name,
      now: this.#time.now(),
      pause: this.#pause(),
      budget: { limit: this.#budget.limit, used: this.#budget.used(clock.monotonic()) },
    })
  }

  async close(): Promise<void> {
    this.#closing.abort(new OAuthError({ kind: 'transient', error: 'closed' }))
    this.#wake()
    this.#notifier.notify()
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const waitMs = this.#state.plan.dueAt - this.#time.now()
      if (waitMs > 0) await this.#sleep(waitMs)
      else await this.#attempt()
    }
  }

  async #sleep(ms: number): Promise<void> {
    this.#nap = new AbortController()
    // Woken early is as good as woken late: the loop looks at the time again.
    await this.#options.clock.sleep(ms, this.#nap.signal).catch(() => undefined)
  }

  async #attempt(): Promise<void> {
    const heldBackMs = this.#budget.take(this.#options.clock.monotonic())
    if (heldBackMs > 0) {
      this.#state.heldBack(heldBackMs, this.#budget.limit, this.#time.now())
    } else {
      this.#state.asked(this.#time.now())
      const outcome = await this.#request()
      if (this.#closing.signal.aborted) return
      if (outcome instanceof OAuthError) this.#state.failed(outcome, this.#moment())
      else this.#state.answered(outcome, this.#moment())
    }
    this.#attempts += 1
    if (this.#nextDemand !== undefined) this.#demand(this.#nextDemand)
    this.#notifier.notify()
    await this.#introspect()
  }

  /** A token, unless it is one that the org calls dead still; or why there is none. */
  async #request(): Promise<TokenAnswer | OAuthError> {
    const { grant, confirm } = this.#options
    const limits = { timeoutMs: REQUEST_TIMEOUT_MS, signal: this.#closing.signal }
    const answer = await this.#ask(limits, grant.request.bind(grant))
    if (answer instanceof OAuthError || !this.#state.wasDead(answer.value)) return answer
    const { token } = holdToken(answer, { ms: 0, source: 'configured' }, this.#moment())
    const isDead = (await this.#ask(limits, () => confirm(token))) === 'dead'
    return isDead ? new OAuthError({ kind: 'transient', error: 'refused_token_reissued' }) : answer
  }

  /** Callers have the token already. As a sleep, it ends when the loop is woken: a refusal or a demand need not wait for it. */
  async #introspect(): Promise<void> {
    const { introspect } = this.#options
    const held = this.#state.toIntrospect
    if (introspect === undefined || held === undefined) return
    const { signal } = (this.#nap = new AbortController())
    const outcome = await this.#ask(
      { timeoutMs: INTROSPECTION_TIMEOUT_MS, signal },
      introspect.bind(undefined, held.token.value),
    )
    // Whatever came meanwhile, a refusal or a demand, woke the loop: its plan stands.
    if (!signal.aborted) this.#state.introspected(held, outcome, this.#time.now())
  }

  async #ask<T>(
    limits: { timeoutMs: number; signal: AbortSignal },
    request: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | OAuthError> {
    try {
      return await withDeadline({ clock: this.#options.clock, ...limits }, request)
    } catch (thrown) {
      return toOAuthError(thrown)
    }
  }

  #moment(): Moment {
    const { clock } = this.#options
    return { now: this.#time.now(), wallNow: clock.now(), paceMs: this.#budget.paceMs(clock.monotonic()) }
  }

  #calmToken(): AccessToken | undefined {
    const { held, plan } = this.#state
    return held !== undefined && this.#time.now() < plan.calmUntil ? held.token : undefined
  }

  async #waitForToken(): Promise<AccessToken> {
    // The loop may sleep past a jump of the clock, or a suspended machine's night.
    this.#wake()
    await this.#waitUntil(() => this.#calmToken() !== undefined)
    const { held } = this.#state
    if (held === undefined) throw this.#unavailable()
    this.#state.waitedFor(this.#time.now())
    return held.token
  }

  /** Ends when `isDone`, when nothing will happen within the wait, when the wait is up, or at close. */
  async #waitUntil(isDone: () => boolean): Promise<void> {
    const { waitMs } = this.#options
    const until = this.#time.now() + waitMs
    const isHopeless = () => !this.#state.isAsking && this.#state.plan.dueAt > until
    await this.#notifier.until(() => isDone() || isHopeless() || this.#closing.signal.aborted, waitMs)
  }

  #demand(reason: 'operator' | 'reload'): void {
    this.#nextDemand = this.#state.isAsking ? reason : undefined
    if (this.#state.isAsking) return
    const paceMs = this.#budget.demandPaceMs(this.#options.clock.monotonic())
    this.#state.demanded(reason, this.#time.now(), paceMs)
    this.#wake()
  }

  #wake(): void {
    this.#nap?.abort()
  }

  #unavailable(): TokenUnavailableError {
    const { plan, failure, held } = this.#state
    const seconds = Math.max(Math.ceil((plan.dueAt - this.#time.now()) / 1000), 1)
    return new TokenUnavailableError(pauseText(this.#pause()), seconds, {
      cause: failure?.error,
      isHeld: held !== undefined,
    })
  }

  #pause(): Pause {
    const { clock } = this.#options
    return describePause(this.#state, { now: this.#time.now(), wallNow: clock.now(), limit: this.#budget.limit })
  }
}
