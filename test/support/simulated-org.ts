import { setImmediate } from 'node:timers/promises'
import { OrgState } from '../../src/emulator/org-state.ts'
import { clientCredentialsGrant } from '../../src/token/client-credentials.ts'
import { createTokenKeeper } from '../../src/token/keeper.ts'
import { fixedSecret } from '../../src/token/secret-source.ts'
import type { TokenKeeper } from '../../src/token/token-keeper.ts'
import { TokenUnavailableError, type AccessToken, type TokenEvent } from '../../src/token/token-source.ts'
import { FakeClock } from './fake-clock.ts'
import { InProcessLogin } from './in-process-login.ts'
import { MINUTE, SECOND } from './keeper-bench.ts'

/** What the org or its operator does, `at` milliseconds after the start. */
export interface Action {
  readonly at: number
  readonly do: (simulated: SimulatedOrg) => void
}

/**
 * The emulated org with sessions of fifteen minutes, and the keeper with its real grant in front of it, on one fake clock.
 * A call does what the proxy's bearer does: takes a token, and where the org refuses it, says so and comes once more.
 */
export class SimulatedOrg implements AsyncDisposable {
  readonly clock = new FakeClock()
  readonly org = new OrgState({ clock: this.clock, seed: 1, sessionTimeoutMs: 15 * MINUTE })
  readonly keeper: TokenKeeper
  readonly events: TokenEvent[] = []
  readonly #startedAt = this.clock.now()
  readonly #waiting = new Set<Promise<void>>()
  served = 0
  /** Milliseconds since the start at which each failed call began. */
  readonly failedAt: number[] = []
  /** What the operator gave the proxy. */
  secret = this.org.clientSecret
  /** A token request is under way that will be answered. */
  #isAnswerDue = false
  #hangs = false

  constructor(random: () => number) {
    this.keeper = createTokenKeeper({
      grant: clientCredentialsGrant({
        tokenUrl: InProcessLogin.tokenUrl,
        configuredUrl: InProcessLogin.origin,
        trustedHosts: [],
        clientId: fixedSecret('CLOUDAWARE_CLIENT_ID', this.org.clientId),
        clientSecret: { name: 'CLOUDAWARE_CLIENT_SECRET_FILE', current: () => this.secret },
        clientAuth: 'post',
        dispatcher: new InProcessLogin(this.org),
        now: () => this.clock.now(),
      }),
      clock: this.clock,
      waitMs: 10 * SECOND,
      lifetimeSeconds: 7200,
      requestsPerHour: 60,
      random,
      hasWorked: () => true,
      confirm: (token) => Promise.resolve(this.#accepts(token) ? 'alive' : 'dead'),
      onEvent: (event) => {
        this.events.push(event)
        if (event.type === 'requested') this.#isAnswerDue = !this.#hangs
        if (event.type === 'obtained' || event.type === 'unchanged' || event.type === 'failed')
          this.#isAnswerDue = false
      },
    })
    this.keeper.start()
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.clock.now() - this.#startedAt
  }

  /** The token endpoint is down in this way, or, without one, up again. */
  outage(failure?: 'html-503' | 'server-error' | 'empty-body' | 'hang'): void {
    this.org.heal()
    if (failure !== undefined) this.org.fail(failure)
    this.#hangs = failure === 'hang'
  }

  /** The operator gives the proxy another secret, as a changed file does. */
  giveSecret(secret: string): void {
    this.secret = secret
    this.keeper.reload()
  }

  /** One call begins; it is over at once unless it has to wait. */
  call(): void {
    const at = this.now
    const token = this.keeper.get()
    if (!(token instanceof Promise) && this.#accepts(token)) {
      this.served += 1
      return
    }
    const rest = this.#finish(token, at).finally(() => this.#waiting.delete(rest))
    this.#waiting.add(rest)
  }

  /** A call every `intervalMs`, and every action at its time, until `until`. A token request that is answered takes no time. */
  async run(intervalMs: number, until: number, actions: readonly Action[]): Promise<void> {
    const left = actions.toSorted((a, b) => a.at - b.at)
    for (let callAt = 0; callAt < until; callAt += intervalMs) {
      for (let next = left[0]; next !== undefined && next.at <= callAt; next = left[0]) {
        await this.pass(next.at - this.now)
        next.do(this)
        left.shift()
      }
      const ms = callAt - this.now
      // What waits has to be let on.
      if (this.#waiting.size > 0 || !this.clock.skip(ms)) await this.pass(ms)
      this.call()
    }
    await this.pass(20 * SECOND)
    await Promise.all(this.#waiting)
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms)
    while (this.#isAnswerDue) await setImmediate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper.close()
  }

  #accepts({ value }: AccessToken): boolean {
    return this.org.sessions.use(value) !== undefined
  }

  async #finish(first: AccessToken | Promise<AccessToken>, at: number): Promise<void> {
    try {
      const token = await first
      if (!this.#accepts(token)) {
        this.keeper.retire(token)
        if (!this.#accepts(await this.keeper.get())) throw new TokenUnavailableError('refused twice', 0)
      }
      this.served += 1
    } catch (error) {
      if (!(error instanceof TokenUnavailableError)) throw error
      this.failedAt.push(at)
    }
  }
}
