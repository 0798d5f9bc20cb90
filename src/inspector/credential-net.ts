import { createRedactor, REDACTED } from '../redaction.ts'
import type { Field } from './wire.ts'

const NAMES =
  'sessionId|accessToken|refreshToken|password|newPassword|secret|clientSecret|access_token|refresh_token|oauth_token|id_token|client_secret|api_key|apikey|assertion|client_assertion|sid'

/** What credentials look like in bodies, where the log's net does not look: XML, JSON that is laid out, forms. None needs its end: bodies are cut. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`(<(?:[\\w.-]+:)?(?:${NAMES})(?:\\s[^<>]*)?>)[^<]+`, 'gi'), `$1${REDACTED}`],
  [new RegExp(`("(?:${NAMES})"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"?`, 'gi'), `$1"${REDACTED}"`],
  [new RegExp(`((?:^|[&?;\\s])(?:${NAMES})=)[^&\\s"'<>;]+`, 'gi'), `$1${REDACTED}`],
]

/** No shape, here or of the log's net, is without one of these words in it: most texts can be let off after a look for them. */
const HINTS =
  /token|secret|session|passw|authoriz|cookie|api-key|api_key|apikey|assertion|sid|00d|eyj|3mvg|bearer|oauth|basic|private key/

/** Fields whose values are blanked whatever they hold. */
const SECRET_FIELD = /^(?:proxy-)?authorization$|cookie|session|token|secret|password|api[-_]?key/i

/** The beginning of a secret at the end of a text that was cut: from so many characters on. */
const LEAST_PART = 4

/** Tokens come and go. */
const MAX_REMEMBERED = 64

export interface CredentialNet {
  /** A body, or a target. `isCut`: a secret may have lost its end. */
  readonly text: (text: string, isCut?: boolean) => string
  /** Fields, flat: name and value in turn. */
  readonly fields: (flat: readonly string[]) => Field[]
}

/** Blanks whatever looks like a credential, and every one of `secrets`, in what the inspector keeps. */
export function createCredentialNet(secrets: () => Iterable<string>): CredentialNet {
  const redact = createRedactor(secrets)
  const plainParts = new Map<string, string>()
  /** The secrets' parts that stay the same in whatever form they travel. */
  const marks = function* () {
    for (const secret of secrets()) {
      const known = plainParts.get(secret) ?? plainPartOf(secret)
      if (plainParts.size >= MAX_REMEMBERED) plainParts.clear()
      plainParts.set(secret, known)
      yield known
    }
  }
  const text = (whole: string, isCut = false) => {
    const uncut = isCut ? withoutCutSecret(whole, secrets()) : whole
    if (!isSuspect(uncut, marks())) return uncut
    let safe = redact(uncut)
    for (const [shape, replacement] of SHAPES) safe = safe.replace(shape, replacement)
    return safe
  }
  const fields = (flat: readonly string[]) => {
    const found: Field[] = []
    for (let at = 0; at + 1 < flat.length; at += 2) found.push([String(flat[at]), String(flat[at + 1])])
    // One look for all of them, since next to none holds anything.
    if (!isSuspect(flat.join('\n'), marks())) return found
    return found.map(([name, value]): Field => [name, SECRET_FIELD.test(name) ? REDACTED : text(value)])
  }
  return { text, fields }
}

function isSuspect(text: string, marks: Iterable<string>): boolean {
  // Thrice as fast as the flag `i`.
  if (HINTS.test(text.toLowerCase())) return true
  for (const mark of marks) if (text.includes(mark)) return true
  return false
}

/** The longest run of characters that look the same in JSON, in a URL and in a form. */
function plainPartOf(secret: string): string {
  const runs = secret.match(/[\w.-]+/g) ?? ['']
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest))
}

function withoutCutSecret(text: string, secrets: Iterable<string>): string {
  for (const secret of secrets) {
    for (let length = Math.min(secret.length - 1, text.length); length >= LEAST_PART; length--) {
      if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + REDACTED
    }
  }
  return text
}
