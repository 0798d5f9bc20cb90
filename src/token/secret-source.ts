import { fingerprint } from './fingerprint.ts'
import { OAuthError, type SecretLabel } from './oauth-error.ts'

/** A credential that may change while the program runs; read at each use. */
export interface SecretSource {
  /** The setting, and the file where there is one: what people are shown. */
  readonly name: string
  /** The value, trimmed. Throws OAuthError where there has never been one. */
  current(): string | Promise<string>
}

/** A secret given as a value. */
export function fixedSecret(name: string, value: string): SecretSource {
  const trimmed = value.trim()
  return {
    name,
    current() {
      if (trimmed !== '') return trimmed
      throw new OAuthError({ kind: 'permanent', error: 'secret_unreadable', description: `${name} is empty` })
    },
  }
}

export function labelOf({ name }: SecretSource, value: string): SecretLabel {
  return { name, fingerprint: fingerprint(value) }
}
