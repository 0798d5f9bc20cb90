import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { TokenAnswer } from '../token/token-source.ts'

/** A token as replicas share it. */
export interface SharedToken {
  readonly answer: TokenAnswer
  /** Grows with every token that takes another's place. */
  readonly generation: number
  /** Epoch milliseconds by the clock of the replica that asked. */
  readonly obtainedAt: number
}

/** Under which name a token is shared, and with which key it is sealed. */
export interface SealingKey {
  readonly name: string
  readonly key: Buffer
}

const SALT = 'cloudaware-proxy token store v1'
const [KEY_BYTES, NAME_BYTES, NONCE_BYTES, TAG_BYTES] = [32, 16, 12, 16] as const

/**
 * RFC 5869, from the app's secret: whoever cannot ask for the token cannot read it either. `context` is all that decides whether two
 * replicas may share one; those that differ in any of it never see each other's entries.
 */
export function sealingKey(secret: string, context: readonly string[]): SealingKey {
  const bytes = Buffer.from(hkdfSync('sha256', secret, SALT, JSON.stringify(context), KEY_BYTES + NAME_BYTES))
  return {
    key: bytes.subarray(0, KEY_BYTES),
    name: `cloudaware-proxy:${bytes.subarray(KEY_BYTES).toString('hex')}`,
  }
}

/** AES-256-GCM; the name is authenticated too, so that an entry is worth nothing under another one. */
export function seal(token: SharedToken, { name, key }: SealingKey): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(name))
  const sealed = Buffer.concat([cipher.update(JSON.stringify(token), 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
}

/** What `seal` made with the same key; undefined for anything else. */
export function unseal(text: string, { name, key }: SealingKey): SharedToken | undefined {
  const bytes = Buffer.from(text, 'base64')
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)
  if (tag.length < TAG_BYTES) return undefined
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(name)).setAuthTag(tag)
    const opened = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()])
    // Authenticated: a replica with the same secret wrote it, in this version's form, which SALT names.
    return JSON.parse(opened.toString('utf8')) as SharedToken
  } catch {
    return undefined
  }
}
