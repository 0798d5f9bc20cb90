import { systemClock } from '../../src/clock.ts'
import { fingerprint } from '../../src/token/fingerprint.ts'
import type { Grant, RefreshReason, TokenAnswer } from '../../src/token/token-source.ts'
import type { StoreEvent } from '../../src/token-store/patient-store.ts'
import { openRedisStore } from '../../src/token-store/redis-store.ts'
import { sealingKey } from '../../src/token-store/sealed-token.ts'
import { shareGrant } from '../../src/token-store/shared-grant.ts'

/** A token endpoint that counts, and gives a new token each time unless told otherwise. */
export class CountingGrant implements Grant {
  readonly name = 'client_credentials'
  requests = 0
  next = (): string => `token-${this.requests}`
  statedLife: TokenAnswer['statedLife'] = undefined
  /** Awaited before each answer. */
  delay: Promise<unknown> = Promise.resolve()

  async request(): Promise<TokenAnswer> {
    this.requests += 1
    const value = this.next()
    await this.delay
    return {
      value,
      format: 'opaque',
      instanceUrl: undefined,
      refusedInstanceUrl: undefined,
      identityUrl: undefined,
      statedLife: this.statedLife,
    }
  }
}

export interface Replica extends AsyncDisposable {
  readonly events: readonly StoreEvent[]
  /** As the keeper asks. */
  ask(reason?: RefreshReason): Promise<TokenAnswer>
  /** As the keeper tells of a refusal. */
  refuse(value: string): void
}

export const KEY = sealingKey('secret', ['org'])

/** One replica's share in the store, with a connection of its own. */
export function startReplica(
  url: string,
  grant: Grant,
  { ca, key = KEY, timeoutMs }: { ca?: string; key?: typeof KEY; timeoutMs?: number } = {},
): Replica {
  const events: StoreEvent[] = []
  const shared = shareGrant({
    grant,
    clock: systemClock,
    assumedLifeMs: 7_200_000,
    open: () => Promise.resolve(openRedisStore({ url, ca, timeoutMs })),
    sealingKey: () => Promise.resolve(key),
    onEvent: (event) => events.push(event),
  })
  return {
    events,
    ask(reason = 'start') {
      shared.observe({ type: 'requested', reason })
      return shared.request(new AbortController().signal)
    },
    refuse(value) {
      shared.observe({
        type: 'refused',
        fingerprint: fingerprint(value),
        ageSeconds: 1,
        isEarly: false,
        replacedInSeconds: 0,
      })
    },
    [Symbol.asyncDispose]: () => shared.close(),
  }
}
