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
  /** The API refused this token as expired: the holder replaces it, once, whoever else reports the same value. */
  reject(token: AccessToken): void
}
