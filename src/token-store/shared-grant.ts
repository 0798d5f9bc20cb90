import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { fingerprint } from '../token/fingerprint.ts'
import type { Grant, RefreshReason, TokenAnswer, TokenEvent } from '../token/token-source.ts'
import { seal, unseal, type SealingKey, type SharedToken } from './sealed-token.ts'
import type { SharedStore } from './shared-store.ts'
import { PatientStore, type StoreEvent } from './patient-store.ts'

export interface SharedGrantOptions {
  /** Asks the token endpoint. */
  readonly grant: Grant
  /** Loads and opens the store, at the first request. */
  readonly open: () => Promise<SharedStore>
  readonly sealingKey: () => Promise<SealingKey>
  readonly clock: Clock
  /** The life of a token that says nothing of it (TOKEN_LIFETIME_SECONDS). */
  readonly assumedLifeMs: number
  readonly onEvent: (event: StoreEvent) => void
  /** In [0, 1). */
  readonly random?: () => number
}

/** A grant whose tokens are shared between replicas. */
export interface SharedGrant extends Grant {
  /** What the keeper tells of the token: why the next request is made, and which values the API refused. */
  observe(event: TokenEvent): void
  close(): Promise<void>
}

/** A replica that dies with the lease holds the others up for so long; so often, at most, the fleet asks an endpoint that hangs. */
const LEASE_MS = 5000
/** Then a replica that still waits for another one's token asks by itself. */
const PATIENCE_MS = 20_000
const POLL_MS = 100
/** Of a token's life: what is older is not worth adopting. */
const FRESH_SHARE = 0.8
/** Refused values that are remembered. */
const MOST_REFUSED = 32

/** `grant`, asked by one replica for all of them; by each for itself while the store is of no use. */
export function shareGrant(options: SharedGrantOptions): SharedGrant {
  return new LeasedGrant(options)
}

class LeasedGrant implements SharedGrant {
  readonly name: Grant['name']
  readonly #options: SharedGrantOptions
  readonly #store: PatientStore
  readonly #refused = new Set<string>()
  #reason: RefreshReason = 'start'
  /** The generation last adopted or written: what is not newer brings nothing, or brings back what was refused. */
  #generation = 0

  constructor(options: SharedGrantOptions) {
    this.#options = options
    this.name = options.grant.name
    this.#store = new PatientStore(options)
  }

  observe(event: TokenEvent): void {
    if (event.type === 'requested') this.#reason = event.reason
    // The endpoint vouches for it once more.
    if (event.type === 'obtained') this.#refused.delete(event.fingerprint)
    if (event.type !== 'refused') return
    this.#refused.add(event.fingerprint)
    for (const oldest of this.#refused) if (this.#refused.size > MOST_REFUSED) this.#refused.delete(oldest)
  }

  async request(signal: AbortSignal): Promise<TokenAnswer> {
    const sealingKey = await this.#options.sealingKey()
    // The operator, or a new secret, wants the endpoint asked.
    const isDemanded = this.#reason === 'operator' || this.#reason === 'reload'
    const owner = randomUUID()
    const { clock, random = Math.random } = this.#options
    const until = clock.monotonic() + PATIENCE_MS
    while (!isDemanded && clock.monotonic() < until) {
      const found = await this.#look(sealingKey)
      if (found?.token !== undefined) return this.#adopt(found.token)
      if (found === undefined) break
      const leased = await this.#store.use((store) => store.acquire(sealingKey.name, { owner, lifeMs: LEASE_MS }))
      if (leased === undefined) break
      if (leased) return this.#askWithLease(sealingKey, { owner, signal })
      await clock.sleep(POLL_MS * (0.5 + random()), signal)
    }
    return this.#askAndShare(sealingKey, signal)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async #askWithLease(sealingKey: SealingKey, { owner, signal }: { owner: string; signal: AbortSignal }) {
    try {
      // Its last holder may have written between our look and our lease.
      const found = await this.#look(sealingKey)
      return found?.token === undefined ? await this.#askAndShare(sealingKey, signal) : this.#adopt(found.token)
    } finally {
      await this.#store.use((store) => store.release(sealingKey.name, owner))
    }
  }

  /** Undefined where the store is of no use now; else with the token, where there is one that this replica can use. */
  async #look(sealingKey: SealingKey): Promise<{ token: SharedToken | undefined } | undefined> {
    const found = await this.#read(sealingKey)
    return found && { token: found.token !== undefined && this.#isUseful(found.token) ? found.token : undefined }
  }

  async #read(
    sealingKey: SealingKey,
  ): Promise<{ text: string | undefined; token: SharedToken | undefined } | undefined> {
    return this.#store.use(async (store) => {
      const text = await store.read(sealingKey.name)
      return { text, token: text === undefined ? undefined : unseal(text, sealingKey) }
    })
  }

  #isUseful({ answer, generation, obtainedAt }: SharedToken): boolean {
    if (generation <= this.#generation || this.#refused.has(fingerprint(answer.value))) return false
    return this.#ageMs(obtainedAt) < this.#lifeMs(answer) * FRESH_SHARE
  }

  #adopt({ answer, generation, obtainedAt }: SharedToken): TokenAnswer {
    this.#generation = generation
    this.#options.onEvent({ type: 'token-adopted', fingerprint: fingerprint(answer.value), generation })
    const { statedLife } = answer
    if (statedLife === undefined) return answer
    return { ...answer, statedLife: { ...statedLife, ms: statedLife.ms - this.#ageMs(obtainedAt) } }
  }

  async #askAndShare(sealingKey: SealingKey, signal: AbortSignal): Promise<TokenAnswer> {
    const before = await this.#read(sealingKey)
    const answer = await this.#options.grant.request(signal)
    // Not what the API has just refused: no other replica should go through that.
    if (before === undefined || this.#refused.has(fingerprint(answer.value))) return answer
    const generation = Math.max(before.token?.generation ?? 0, this.#generation) + 1
    const after = seal({ answer, generation, obtainedAt: this.#options.clock.now() }, sealingKey)
    const change = { before: before.text, after, lifeMs: this.#lifeMs(answer) }
    const isWritten = await this.#store.use((store) => store.replace(sealingKey.name, change))
    if (isWritten) this.#generation = generation
    return answer
  }

  #lifeMs({ statedLife }: TokenAnswer): number {
    return statedLife?.ms ?? this.#options.assumedLifeMs
  }

  /** The other replica's clock may be ahead of ours. */
  #ageMs(obtainedAt: number): number {
    return Math.max(this.#options.clock.now() - obtainedAt, 0)
  }
}
