import type { CallerKey } from '../server/caller-key.ts'
import { digestOf } from '../server/caller-session.ts'
import type { ToldCallerKeys } from './messages.ts'

/** The keys as they travel to a worker: their digests, and the sessions that took the primary its time to derive. */
export function toldKeys(keys: readonly CallerKey[]): ToldCallerKeys {
  return keys.map(({ name, digest, length, session }) => ({
    name,
    digest: digest.toString('hex'),
    length,
    session: session?.secret ?? null,
  }))
}

export function keysTold(told: ToldCallerKeys): readonly CallerKey[] {
  return told.map(({ name, digest, length, session }) => ({
    name,
    digest: Buffer.from(digest, 'hex'),
    length,
    ...(session !== null && { session: { secret: session, digest: digestOf(session) } }),
  }))
}
