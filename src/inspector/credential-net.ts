import { createRedactor, REDACTED } from '../redaction.ts'

const NAMES =
  'sessionId|accessToken|refreshToken|password|newPassword|secret|clientSecret|access_token|refresh_token|oauth_token|id_token|client_secret|api_key|apikey|assertion|client_assertion|sid'

/** What credentials look like in bodies, where the log's net does not look: XML, JSON that is laid out, forms. None needs its end: bodies are cut. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`(<(?:[\\w.-]+:)?(?:${NAMES})(?:\\s[^<>]*)?>)[^<]+`, 'gi'), `$1${REDACTED}`],
  [new RegExp(`("(?:${NAMES})"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"?`, 'gi'), `$1"${REDACTED}"`],
  [new RegExp(`((?:^|[&?;\\s])(?:${NAMES})=)[^&\\s"'<>;]+`, 'gi'), `$1${REDACTED}`],
]

/** Fields whose values are blanked whatever they hold. */
const SECRET_FIELD = /^(?:proxy-)?authorization$|cookie|session|token|secret|password|api[-_]?key|signature/i

/** The beginning of a secret at the end of a text that was cut: from so many characters on. */
const LEAST_PART = 4

export interface CredentialNet {
  /** A body, or a target. `isCut`: a secret may have lost its end. */
  text(text: string, isCut?: boolean): string
  field(name: string, value: string): string
}

/** Blanks whatever looks like a credential, and every one of `secrets`, in what the inspector keeps. */
export function createCredentialNet(secrets: () => Iterable<string>): CredentialNet {
  const redact = createRedactor(secrets)
  const text = (whole: string, isCut = false) => {
    let safe = redact(isCut ? withoutCutSecret(whole, secrets()) : whole)
    for (const [shape, replacement] of SHAPES) safe = safe.replace(shape, replacement)
    return safe
  }
  return {
    text,
    field: (name, value) => (SECRET_FIELD.test(name) ? REDACTED : text(value)),
  }
}

function withoutCutSecret(text: string, secrets: Iterable<string>): string {
  for (const secret of secrets) {
    for (let length = Math.min(secret.length - 1, text.length); length >= LEAST_PART; length--) {
      if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + REDACTED
    }
  }
  return text
}
