import { randomUUID } from 'node:crypto'
import { reasonOf } from '../token-store/patient-store.ts'
import { CheckFailure, type Finding } from './finding.ts'
import type { Visit } from './visit.ts'

/** Of no org, so that no replica's entry is touched. */
const KEY = 'cloudaware-proxy:check'

const TO_DO: Readonly<Record<string, string>> = {
  WRONGPASS:
    'Correct the user and the password in TOKEN_STORE_URL: redis://user:password@host (no user: redis://:password@host).',
  NOAUTH: 'The store wants a password: TOKEN_STORE_URL=redis://user:password@host (no user: redis://:password@host).',
  NOPERM: 'Let the user do what replicas do: ACL SETUSER <user> +getrange +get +set +del +eval ~cloudaware-proxy:*',
  OOM: 'The store is full: give it more memory, or let it evict what expires (maxmemory-policy volatile-ttl).',
  ERR: 'Correct the number of the database at the end of TOKEN_STORE_URL. A store must know GETRANGE, GET, SET, DEL and EVAL.',
  READONLY: 'TOKEN_STORE_URL names a read-only copy: name the primary.',
}
const NO_WAY =
  'Start the store, or correct the host and port in TOKEN_STORE_URL; rediss:// is for a store that speaks TLS.'
const OF_THE_STORE = 'The store itself refuses, in this word: its documentation has what it means.'
const UNTRUSTED =
  'Name the CA of the store in CLOUDAWARE_CA_FILE, and the store in TOKEN_STORE_URL as its certificate does.'

/** Whether replicas can share a token there: it reads, writes and runs a script, as they do. A proxy goes on without a store. */
export async function storeStep({ settings, further }: Visit): Promise<Finding> {
  const { TOKEN_STORE_URL: url } = settings
  if (url === undefined) return { status: 'skipped', summary: 'not used: this proxy keeps its token to itself' }
  const { openRedisStore } = await import('../token-store/redis-store.ts')
  const store = openRedisStore({ url, ca: further })
  const owner = randomUUID()
  const { host } = new URL(url)
  try {
    await store.read(KEY)
    await store.acquire(KEY, { owner, lifeMs: 1000 })
    await store.release(KEY, owner)
    return { status: 'ok', summary: `${host} takes what replicas share`, facts: { store: host } }
  } catch (thrown) {
    const reason = reasonOf(thrown)
    const isItsOwn = thrown instanceof Error && thrown.name === 'ReplyError'
    const summary = `${host} is of no use (${reason}), so each replica asks for tokens of its own`
    const fix = TO_DO[reason] ?? (/CERT|SIGNATURE|ALTNAME/.test(reason) ? UNTRUSTED : isItsOwn ? OF_THE_STORE : NO_WAY)
    throw new CheckFailure('settings', summary, { fix }, { store: host, error: reason })
  } finally {
    store.close()
  }
}
