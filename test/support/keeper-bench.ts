import { createTokenKeeper } from '../../src/token/keeper.ts'
import { OAuthError, type FailureKind } from '../../src/token/oauth-error.ts'
import type { TokenKeeper, TokenKeeperOptions } from '../../src/token/token-keeper.ts'
import type { TokenAnswer, TokenEvent, TokenHealth } from '../../src/token/token-source.ts'
import { FakeClock } from './fake-clock.ts'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

type Answering = (signal: AbortSignal, count: number) => TokenAnswer | Promise<TokenAnswer>

/** A keeper on a fake clock, with a token endpoint that answers as the test says. Started; closed by `await using`. */
export class KeeperBench implements AsyncDisposable {
  readonly clock = new FakeClock()
  readonly events: TokenEvent[] = []
  /** When each token request began, monotonic milliseconds. */
  readonly requestedAt: number[] = []
  readonly keeper: TokenKeeper
  /** How the endpoint answers; at first with token-1, token-2, … */
  answering: Answering
  /** What the org says of a value that it called dead before. */
  health: TokenHealth = 'dead'
  /** Whether tokens serve before they die. */
  hasWorked = false

  constructor(options: Partial<TokenKeeperOptions> & { answering?: Answering; isStarted?: boolean } = {}) {
    const { answering, isStarted = true, ...others } = options
    this.answering = answering ?? ((_, count) => answer(`token-${count}`))
    this.keeper = createTokenKeeper({
      grant: {
        name: 'client_credentials',
        request: async (signal) => {
          this.requestedAt.push(this.clock.monotonic())
          return this.answering(signal, this.requestedAt.length)
        },
      },
      clock: this.clock,
      waitMs: 10 * SECOND,
      lifetimeSeconds: 7200,
      requestsPerHour: 60,
      random: () => 0,
      confirm: () => Promise.resolve(this.health),
      hasWorked: () => this.hasWorked,
      onEvent: (event) => this.events.push(event),
      ...others,
    })
    if (isStarted) this.keeper.start()
  }

  get requests(): number {
    return this.requestedAt.length
  }

  eventsOf<T extends TokenEvent['type']>(type: T): Extract<TokenEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<TokenEvent, { type: T }> => event.type === type)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper.close()
  }
}

export function answer(value: string, fields: Partial<TokenAnswer> = {}): TokenAnswer {
  return {
    value,
    format: 'opaque',
    instanceUrl: undefined,
    refusedInstanceUrl: undefined,
    identityUrl: undefined,
    statedLife: undefined,
    ...fields,
  }
}

/** An endpoint that fails. */
export function failing(kind: FailureKind, error = 'server_error', description = ''): Answering {
  return () => {
    throw new OAuthError({ kind, error, description, status: 400 })
  }
}

/** An endpoint that never answers, and lets go when asked to. */
export function hanging(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    })
  })
}
