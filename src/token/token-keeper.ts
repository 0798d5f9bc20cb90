import type { Clock } from '../clock.ts'
import type { Introspect } from './introspection.ts'
import type { TokenStatus } from './token-status.ts'
import type { AccessToken, Grant, TokenEvent, TokenHealth, TokenSource } from './token-source.ts'

/** The TokenSource as the composition root and the admin listener see it. */
export interface TokenKeeper extends TokenSource {
  /** Begins to keep a token. */
  start(): void
  /** Asks for a token now, for the operator. Rejects with TokenUnavailableError where none comes, at the latest after `waitMs`. */
  refresh(): Promise<void>
  /** The credentials may have changed: tries them at once, while the old token serves on. */
  reload(): void
  status(): TokenStatus
  /** Ends the loop and every wait. */
  close(): Promise<void>
}

export interface TokenKeeperOptions {
  readonly grant: Grant
  readonly clock: Clock
  /** How long `get` waits at most (TOKEN_WAIT_MS). */
  readonly waitMs: number
  /** The life assumed where nothing better is known (TOKEN_LIFETIME_SECONDS). */
  readonly lifetimeSeconds: number
  /** TOKEN_REQUESTS_PER_HOUR, at least 1. */
  readonly requestsPerHour: number
  /** Asks the org whether a token that it called dead is so still. Never rejects. */
  readonly confirm: (token: AccessToken) => Promise<TokenHealth>
  /** Whether the org has ever accepted this token. */
  readonly hasWorked: (token: AccessToken) => boolean
  readonly introspect?: Introspect | undefined
  /** In [0, 1). */
  readonly random?: (() => number) | undefined
  readonly onEvent?: ((event: TokenEvent) => void) | undefined
}
