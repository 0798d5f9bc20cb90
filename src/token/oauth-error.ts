/** What to do about a failed token request: try again soon; seldom, since a person must mend it; or after an hour. */
export type FailureKind = 'transient' | 'permanent' | 'rate-limited'

/** A secret as people may see it: the setting or file it comes from, and the fingerprint of its value. */
export interface SecretLabel {
  readonly name: string
  readonly fingerprint: string
}

interface OAuthErrorFields {
  kind: FailureKind
  error: string
  description?: string
  status?: number | undefined
  secret?: SecretLabel | undefined
}

/** A token request that brought no token: the endpoint's own refusal, an answer that is none, or a network failure. Carries no secret. */
export class OAuthError extends Error {
  readonly kind: FailureKind
  /** The `error` of RFC 6749 §5.2, or a code of ours or of Node's (`redirected`, `html_answer`, `timeout`, `ENOTFOUND`, …). */
  readonly error: string
  /** `error_description` as sent, printable and cut short; or our own words. */
  readonly description: string
  readonly status: number | undefined
  /** The credential that the endpoint refuses, where it refuses one. */
  readonly secret: SecretLabel | undefined

  constructor({ kind, error, description = '', status, secret }: OAuthErrorFields) {
    super(description === '' ? error : `${error}: ${description}`)
    this.name = 'OAuthError'
    this.kind = kind
    this.error = error
    this.description = description
    this.status = status
    this.secret = secret
  }
}

/** Anything thrown on the way to the token endpoint. Only codes are kept of foreign errors: their messages may quote what was sent. */
export function toOAuthError(thrown: unknown): OAuthError {
  if (thrown instanceof OAuthError) return thrown
  return new OAuthError({ kind: 'transient', error: errorCode(thrown) })
}

/** undici wraps the socket's error in `cause`, and Node collects those of several addresses in `errors`. */
function errorCode(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'unexpected'
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return errorCode(thrown.errors[0])
  return thrown.cause instanceof Error ? errorCode(thrown.cause) : thrown.name
}

/** What was presented to an endpoint. */
export interface Presented {
  readonly id: SecretLabel
  readonly secret: SecretLabel
  /** The secret itself: an endpoint that echoes it must not bring it into a log. */
  readonly value: string
}

/** The failure as it may be shown, naming the credential that it blames. */
export function blame(thrown: unknown, { id, secret, value }: Presented): OAuthError {
  const { kind, error, description, status } = toOAuthError(thrown)
  const culprit = error === 'invalid_client_id' ? id : isAboutSecret(error, description) ? secret : undefined
  return new OAuthError({
    kind,
    error: error.replaceAll(value, '…'),
    description: description.replaceAll(value, '…'),
    status,
    secret: culprit,
  })
}

function isAboutSecret(error: string, description: string): boolean {
  return error === 'invalid_client' || error === 'unreadable_private_key' || /invalid assertion/i.test(description)
}
