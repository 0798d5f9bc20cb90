import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import type { AccessToken, TokenSource } from '../token/token-source.ts'
import type { ApiFamily } from './api-family.ts'
import type { BodyMemory, Claim } from './body-memory.ts'
import type { ConnectionQueue } from './connection-queue.ts'
import type { ConfirmationEvent, SessionConfirmation } from './session-confirmation.ts'

/** What the interceptor tells its observer; no token, no header, no body. */
export type BearerEvent =
  | { readonly type: 'session-replaced'; readonly family: ApiFamily; readonly fingerprint: string }
  | { readonly type: 'session-lost'; readonly family: ApiFamily; readonly fingerprint: string; readonly why: NoReplay }
  | ConfirmationEvent
  | { readonly type: 'api-refused'; readonly family: ApiFamily; readonly diagnosis: string }
  | { readonly type: 'replay-ended'; readonly family: ApiFamily; readonly outcome: ReplayOutcome }
  | { readonly type: 'connection-replaced'; readonly family: ApiFamily }

/** Why a request whose session had ended was not sent again: its body was too large to be held, or the org's own code may have run. */
export type NoReplay = 'too_large' | 'unsafe'

/** The second sending was answered; or refused again; or it failed, or its caller left. */
export type ReplayOutcome = 'answered' | 'refused' | 'failed'

export interface BearerOptions {
  readonly tokens: TokenSource
  readonly confirmation: Pick<SessionConfirmation, 'tick' | 'accepted' | 'hasWorked' | 'check'>
  /** The origin that a token may be sent to: pinned, never taken from a request. */
  readonly originFor: (token: AccessToken) => string
  readonly queue: ConnectionQueue
  readonly clock: Clock
  readonly replayLimitBytes: number
  readonly bodyMemory: BodyMemory
  /** Whether a failure is only the end of an idle connection (ConnectionWatch). */
  readonly isStale: (error: Error) => boolean
  /** A reset that is being told of in this very moment (ConnectionWatch). */
  readonly breach: () => Error | undefined
  readonly onEvent: (event: BearerEvent) => void
}

/** What a request may say beyond undici's options. */
export interface ForwardOptions extends Dispatcher.DispatchOptions {
  /** The path as the policy judged it, where that is spelt otherwise than `path`: both must be taken for the same thing. */
  readonly policyPath?: string | undefined
  /** The name of the caller's key, where callers have one. */
  readonly caller?: string | undefined
  /** Covers what is held of the body already: it and the claim are the exchange's from here. */
  readonly claim?: Claim | undefined
  /** Given each piece of the caller's body once, as it comes, without any session of ours. */
  readonly onBody?: (chunk: Buffer) => void
  /** Given what was thrown in the middle of the exchange, which ends then. */
  readonly onException?: ((error: unknown) => void) | undefined
  /** Told each time that the request goes onto a connection. */
  readonly onConnection?: () => void
}
