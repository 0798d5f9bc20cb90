import { hash, scrypt } from 'node:crypto'
import { promisify } from 'node:util'

/** What a local login gives out in the stead of a caller's key. The secret is as good as the key, and says nothing of it. */
export interface CallerSession {
  /** 64 hex digits. */
  readonly secret: string
  readonly digest: Buffer
}

const derive = promisify<string, string, number, object, Buffer>(scrypt)

/** About 30 ms for each try at guessing the key from a session that got into wrong hands. */
const COST = { N: 2 ** 14, r: 8, p: 1 }

/**
 * The session of a key: the same at every start and in every replica, so that nothing has to be stored, and tools that keep theirs
 * stay logged in; and gone with the key, or with its name.
 */
export async function sessionOf({ name, key }: { name: string; key: string }): Promise<CallerSession> {
  const secret = (await derive(key, `cloudaware-proxy session 1 ${name}`, 32, COST)).toString('hex')
  return { secret, digest: digestOf(secret) }
}

/** Digests have one length, so that comparing them tells nothing of what was digested. */
export function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

/**
 * What callers hold for an access token: in the shape of the platform's own, which tools check (`00D<org>!<session>`), and never a JWT,
 * which jsforce would not use for SOAP. Without keys there is nothing to prove.
 */
export function placeholderToken(orgId: string, session: CallerSession | undefined): string {
  return `${orgId.slice(0, 15)}!PROXY.${session?.secret ?? 'PLACEHOLDER'}`
}

/** The session secret in a presented token; undefined where it is none of ours. The org's id in front says nothing. */
export function sessionSecretIn(token: string): string | undefined {
  return /^00D\w{12,15}(?:!|%21)PROXY\.([\da-f]{64})$/.exec(token)?.[1]
}
