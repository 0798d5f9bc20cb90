import { createHash } from 'node:crypto'

/** What logs and status show in place of a token or secret: the first 8 hex digits of its SHA-256. */
export function fingerprint(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 8)
}
