import { expect, test } from 'vitest'
import { OAuthError } from '../../src/token/oauth-error.ts'
import { TokenUnavailableError, type AccessToken } from '../../src/token/token-source.ts'
import { answer, hanging, HOUR, KeeperBench, MINUTE, SECOND } from '../support/keeper-bench.ts'
import fc from '../support/properties.ts'

const WAIT_MS = 10 * SECOND
/** Enough for whatever an org may do; smaller ones are there to be exhausted. */
const AMPLE_PER_HOUR = 20

type Mode = 'well' | 'slow' | 'transient' | 'permanent' | 'rate-limited' | 'hangs' | 'reissues'
type Step =
  | { do: 'pass'; ms: number }
  | { do: 'jump'; ms: number }
  | { do: 'mode'; mode: Mode }
  | { do: 'expire' }
  | { do: 'blind'; isBlind: boolean }
  | { do: 'call'; callers: number; isStaggered: boolean; latencyMs: number }
  | { do: 'refresh' }
  | { do: 'reload' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        callers: fc.integer({ min: 1, max: 5 }),
        isStaggered: fc.boolean(),
        // From an API that answers at once to one that thinks for minutes: refusals come in after the token was replaced.
        latencyMs: fc.oneof(
          fc.constant(0),
          fc.integer({ min: 0, max: 2 * SECOND }),
          fc.integer({ min: 0, max: 5 * MINUTE }),
        ),
      }),
      weight: 5,
    },
    {
      arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 2 * MINUTE }) }),
      weight: 3,
    },
    {
      arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 9 * HOUR }) }),
      weight: 2,
    },
    {
      arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.integer({ min: -12 * HOUR, max: 12 * HOUR }) }),
      weight: 1,
    },
    {
      arbitrary: fc.record({
        do: fc.constant('mode' as const),
        mode: fc.constantFrom<Mode>(
          'well',
          'well',
          'slow',
          'transient',
          'permanent',
          'rate-limited',
          'hangs',
          'reissues',
        ),
      }),
      weight: 3,
    },
    { arbitrary: fc.constant({ do: 'expire' as const }), weight: 2 },
    { arbitrary: fc.record({ do: fc.constant('blind' as const), isBlind: fc.boolean() }), weight: 1 },
    { arbitrary: fc.constant({ do: 'refresh' as const }), weight: 1 },
    { arbitrary: fc.constant({ do: 'reload' as const }), weight: 1 },
  ),
  { maxLength: 50 },
)

const budgets = fc.constantFrom(1, 3, 8, AMPLE_PER_HOUR)

const jitters = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 20 })

interface Terms {
  readonly requestsPerHour: number
  /** What token answers state. */
  readonly life?: number
  readonly introspectedLife?: number
}

/** An org that gives the same token while it is valid, and a keeper on it; every rule is checked as it goes. */
class World {
  mode: Mode = 'well'
  #issued = 0
  #valid: string | undefined
  #lastDead: string | undefined
  #inFlight = 0
  #mostAtOnce = 0
  /** The value that the keeper was last given and that nobody has refused. */
  #current: string | undefined
  /** What the org last called dead. */
  readonly #dead = new Set<string>()
  /** The API refuses whatever it is sent, for a moment or for hours. */
  isBlind = false
  readonly #life: number | undefined
  readonly #requestsPerHour: number
  readonly bench: KeeperBench

  constructor(random: () => number, { requestsPerHour, life, introspectedLife }: Terms) {
    this.#life = life
    this.#requestsPerHour = requestsPerHour
    this.bench = new KeeperBench({
      isStarted: false,
      requestsPerHour,
      waitMs: WAIT_MS,
      random,
      introspect:
        introspectedLife === undefined ? undefined : (_, signal) => this.#introspect(introspectedLife, signal),
      confirm: ({ value }) => Promise.resolve(this.#confirm(value)),
      answering: async (signal) => {
        this.#inFlight += 1
        this.#mostAtOnce = Math.max(this.#mostAtOnce, this.#inFlight)
        try {
          return await this.#answer(signal)
        } finally {
          this.#inFlight -= 1
        }
      },
    })
    this.bench.keeper.start()
  }

  expire(): void {
    if (this.#valid !== undefined) this.#lastDead = this.#valid
    this.#valid = undefined
  }

  /** One caller: gets a token, calls the API with it, and comes back once where the API refused it. Says whether it was served. */
  async call(latencyMs = 0): Promise<boolean> {
    const first = await this.#try(latencyMs)
    return (first === 'refused' ? await this.#try(latencyMs) : first) === 'served'
  }

  async #try(latencyMs: number): Promise<'served' | 'refused' | 'turned away'> {
    const token = await this.#get()
    if (token === undefined) return 'turned away'
    const isAccepted = this.#accepts(token.value)
    if (latencyMs > 0) await this.bench.clock.sleep(latencyMs)
    if (isAccepted) return 'served'
    if (this.#confirm(token.value) === 'alive') return 'served'
    if (this.#current === token.value) this.#current = undefined
    this.bench.keeper.retire(token)
    return 'refused'
  }

  checkRequests(): void {
    expect(this.#mostAtOnce, 'token requests at once').toBeLessThanOrEqual(1)
    const { requestedAt } = this.bench
    requestedAt.forEach((at, index) => {
      const inTheHour = requestedAt.slice(0, index + 1).filter((earlier) => at - earlier < HOUR).length
      expect(inTheHour, 'token requests in an hour').toBeLessThanOrEqual(this.#requestsPerHour)
    })
  }

  async #get(): Promise<AccessToken | undefined> {
    const { clock, keeper } = this.bench
    const askedAt = clock.monotonic()
    const serves = this.#current
    const token = await Promise.resolve(keeper.get()).catch((error: unknown) => {
      if (error instanceof TokenUnavailableError) return undefined
      throw error
    })
    expect(clock.monotonic() - askedAt, 'a caller waits').toBeLessThanOrEqual(WAIT_MS)
    if (token === undefined) {
      const wouldServe = serves !== undefined && serves === this.#current && this.#accepts(serves)
      expect(wouldServe, 'turned away while the org would have accepted the token').toBe(false)
    } else expect(this.#dead.has(token.value), 'a token known dead').toBe(false)
    return token
  }

  /** What the org says of a token; the keeper must not give out what it last called dead. */
  #confirm(value: string): 'dead' | 'alive' {
    const isAlive = this.#accepts(value)
    if (isAlive) this.#dead.delete(value)
    else this.#dead.add(value)
    return isAlive ? 'alive' : 'dead'
  }

  #accepts(value: string): boolean {
    return value === this.#valid && !this.isBlind
  }

  async #answer(signal: AbortSignal) {
    const { mode } = this
    if (mode === 'hangs') return hanging(signal)
    if (mode === 'slow') await this.bench.clock.sleep(7 * SECOND, signal)
    if (mode === 'transient' || mode === 'permanent' || mode === 'rate-limited')
      throw new OAuthError({ kind: mode, error: mode })
    if (mode === 'reissues' && this.#lastDead !== undefined) return this.#give(this.#lastDead)
    this.#valid ??= `token-${++this.#issued}`
    return this.#give(this.#valid)
  }

  async #introspect(life: number, signal: AbortSignal): Promise<number> {
    if (this.mode === 'hangs') return hanging(signal)
    if (this.mode === 'slow') await this.bench.clock.sleep(7 * SECOND, signal)
    if (this.mode === 'permanent') throw new OAuthError({ kind: 'permanent', error: 'insufficient_scope' })
    return life
  }

  #give(value: string) {
    if (!this.#dead.has(value)) this.#current = value
    return answer(value, this.#life === undefined ? {} : { statedLife: { ms: this.#life, source: 'expires_in' } })
  }
}

async function live(history: Step[], random: () => number, terms: Terms): Promise<void> {
  const world = new World(random, terms)
  await using bench = world.bench
  const { clock, keeper } = bench
  const calls: Promise<unknown>[] = []
  for (const step of history) {
    if (step.do === 'pass') await clock.advance(step.ms)
    else if (step.do === 'jump') clock.set(clock.now() + step.ms)
    else if (step.do === 'mode') world.mode = step.mode
    else if (step.do === 'expire') world.expire()
    else if (step.do === 'blind') world.isBlind = step.isBlind
    else if (step.do === 'reload') keeper.reload()
    else if (step.do === 'refresh') calls.push(keeper.refresh().catch(() => undefined))
    else {
      for (let caller = 0; caller < step.callers; caller++) {
        const call = world.call(step.latencyMs)
        // Awaited at the end; until then a broken rule must not count as a rejection that nobody handles.
        call.catch(() => undefined)
        calls.push(call)
        if (step.isStaggered) await clock.advance(300)
      }
    }
  }
  // A caller waits once, is refused, and waits once more.
  await clock.advance(2 * (WAIT_MS + 5 * MINUTE))
  await Promise.all(calls)
  world.checkRequests()

  // Whatever happened, once the endpoint has been well for long enough the next caller is served.
  // (Lives too short for the budget, or a small one, may have left none of it.)
  if ((terms.life ?? HOUR) < HOUR || terms.requestsPerHour < AMPLE_PER_HOUR) return
  world.mode = 'well'
  world.isBlind = false
  await clock.advance(2 * HOUR)
  const served = world.call()
  await clock.advance(2 * WAIT_MS)
  expect(await served, 'served in the end').toBe(true)
}

test.each<[string, Omit<Terms, 'requestsPerHour'>]>([
  ['opaque, life unknown', {}],
  ['a minute', { life: MINUTE }],
  ['a second', { life: SECOND }],
  ['two hours', { life: 2 * HOUR }],
  ['introspected: a quarter of an hour', { introspectedLife: 15 * MINUTE }],
])('whatever happens, the five rules hold (%s)', async (_, lives) => {
  await fc.assert(
    fc.asyncProperty(steps, jitters, budgets, (history, randoms, requestsPerHour) => {
      let used = 0
      return live(history, () => randoms[used++ % randoms.length] ?? 0, { ...lives, requestsPerHour })
    }),
    { numRuns: 300 },
  )
})
