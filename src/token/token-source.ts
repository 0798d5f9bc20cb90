import type { Diagnosis } from './diagnosis.ts'
import type { FailureKind, SecretLabel } from './oauth-error.ts'
import type { LifeSource } from './lifetime.ts'

/** An access token as the rest of the program sees it. Its value never leaves memory but as a bearer on the pinned host. */
export interface AccessToken {
  /** The bearer value, exactly as issued; printable ASCII, checked at parse time. */
  readonly value: string
  /** First 8 hex digits of the value's SHA-256: what logs and status show instead of the value. */
  readonly fingerprint: string
  /** `jwt` tokens are accepted by the REST APIs only. */
  readonly format: 'opaque' | 'jwt'
  /** The `instance_url` of the token answer, origin only, already checked against the configured and trusted hosts. */
  readonly instanceUrl: string | undefined
  /** The identity URL (`id`) of the token answer, unchecked: `https://login…/id/<org>/<user>`. */
  readonly identityUrl: string | undefined
  /** When this value was first received here, epoch milliseconds. */
  readonly obtainedAt: number
}

/** All that the request side knows of tokens. */
export interface TokenSource {
  /**
   * A token to send now: at once where one is held, else a promise that settles within TOKEN_WAIT_MS.
   * Rejects with TokenUnavailableError where none is to be had.
   */
  get(): AccessToken | Promise<AccessToken>
  /** The org confirmed that this token is dead: it is replaced, once, however many requests report it. */
  retire(token: AccessToken): void
}

/** What the org says of a token. `unknown`: it did not answer, or not in a way that proves anything. */
export type TokenHealth = 'dead' | 'alive' | 'unknown'

/** No token is to be had now. `reason` is one sentence fit for the caller: no secret, no text of the token endpoint's. */
export class TokenUnavailableError extends Error {
  readonly reason: string
  readonly retryAfterSeconds: number
  /** Whether a token is held all the same: only a new one was not to be had. */
  readonly isHeld: boolean

  constructor(
    reason: string,
    retryAfterSeconds: number,
    { cause, isHeld = false }: { cause?: unknown; isHeld?: boolean } = {},
  ) {
    super(reason, { cause })
    this.name = 'TokenUnavailableError'
    this.reason = reason
    this.retryAfterSeconds = retryAfterSeconds
    this.isHeld = isHeld
  }
}

/** What a token endpoint's good answer says, checked. */
export interface TokenAnswer {
  readonly value: string
  readonly format: 'opaque' | 'jwt'
  readonly instanceUrl: string | undefined
  /** The `instance_url` that was not adopted because its host is not trusted: the token is then used on the configured host. */
  readonly refusedInstanceUrl: string | undefined
  readonly identityUrl: string | undefined
  /** The life left as the answer states it (`expires_in`, else the JWT's `exp`), milliseconds. */
  readonly statedLife: { readonly ms: number; readonly source: 'expires_in' | 'jwt' } | undefined
}

/** One way of asking for a token: one POST, no time policy. */
export interface Grant {
  readonly name: 'client_credentials' | 'jwt_bearer'
  /** Throws OAuthError. */
  request(signal: AbortSignal): Promise<TokenAnswer>
}

/** Why a token was asked for. */
export type RefreshReason = 'start' | 'schedule' | 'refused' | 'retry' | 'operator' | 'reload'

/** What happens to the token, for logs and metrics. Fingerprints, never values. `loud`: worth a person's attention; else for debugging. */
export type TokenEvent =
  | { readonly type: 'requested'; readonly reason: RefreshReason }
  | {
      readonly type: 'obtained'
      readonly reason: RefreshReason
      readonly fingerprint: string
      readonly format: 'opaque' | 'jwt'
      readonly lifeSeconds: number
      readonly lifeSource: LifeSource
      readonly afterFailures: number
      /** The org said before that this very value was dead, but no longer does. */
      readonly refusedBefore?: true
    }
  | {
      readonly type: 'unchanged'
      readonly reason: RefreshReason
      readonly fingerprint: string
      readonly nextInSeconds: number
      readonly afterFailures: number
    }
  | {
      readonly type: 'failed'
      readonly reason: RefreshReason
      readonly kind: FailureKind
      readonly diagnosis: Diagnosis
      /** OAuth error code, or a code of ours or of Node's. */
      readonly error: string
      /** The endpoint's own words, printable and without what was presented. */
      readonly description: string
      readonly status: number | undefined
      readonly secret: SecretLabel | undefined
      readonly failures: number
      readonly retryInSeconds: number
      /** The token that goes on serving meanwhile. */
      readonly serving: string | undefined
      readonly loud: boolean
    }
  | {
      /** The org confirmed that the token is dead. */
      readonly type: 'refused'
      readonly fingerprint: string
      readonly ageSeconds: number
      /** It died much sooner than others did, or than was assumed. */
      readonly isEarly: boolean
      /** Until a new one is requested; above 0 where many have died at birth. */
      readonly replacedInSeconds: number
    }
  | { readonly type: 'life-learned'; readonly lifeSeconds: number }
  | { readonly type: 'life-introspected'; readonly fingerprint: string; readonly lifeSeconds: number }
  | { readonly type: 'introspection-failed'; readonly error: string; readonly loud: boolean }
  | {
      readonly type: 'held-back'
      readonly reason: RefreshReason
      readonly requestsPerHour: number
      readonly resumesInSeconds: number
      readonly loud: boolean
    }
  | { readonly type: 'instance-url-refused'; readonly instanceUrl: string }
  | { readonly type: 'secret-changed'; readonly secret: SecretLabel }
  | { readonly type: 'secret-unreadable'; readonly name: string; readonly error: string }
