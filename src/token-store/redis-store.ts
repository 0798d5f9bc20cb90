import { getCACertificates } from 'node:tls'
import { Redis } from 'ioredis'
import type { SharedStore } from './shared-store.ts'

/** How long connecting, and any single command, may take. */
const TIMEOUT_MS = 2000
const LONGEST_RECONNECT_MS = 5000
/** Several times the largest token response that is read, sealed. A longer value is not ours, and would be buffered as a whole. */
const MAX_VALUE_BYTES = 256 * 1024

/** Compare and set, compare and delete: Redis runs a script as one step. An absent key reads as false, which no text equals. */
const REPLACE = `
local now = redis.call('GET', KEYS[1])
if (now or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

export interface RedisStoreOptions {
  /** `redis://` or `rediss://`, with user, password and database number. */
  readonly url: string
  /** Further PEM certificates that are trusted. */
  readonly ca?: string | undefined
  readonly timeoutMs?: number | undefined
}

/** Redis or Valkey. Connects in the background, and again and again; while there is no connection every call rejects at once. */
export function openRedisStore({ url, ca, timeoutMs = TIMEOUT_MS }: RedisStoreOptions): SharedStore {
  const redis = new Redis(url, {
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A command is worth nothing later: the replica has gone on without the store by then.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempts) => Math.min(attempts * 200, LONGEST_RECONNECT_MS),
    // Commands must not wait for a connection, but the first few may: they have this long.
    enableOfflineQueue: true,
    // It asks INFO, and writes to the console where the user may not; a store that is loading says so to each command.
    enableReadyCheck: false,
    ...(url.startsWith('rediss:') && ca !== undefined && { tls: { ca: [...getCACertificates('default'), ca] } }),
  })
  // The calls tell of it: their own errors speak of the library's queue, and not of what is the matter.
  let trouble: Error | undefined
  redis.on('error', (error: Error) => (trouble = error))
  redis.on('ready', () => (trouble = undefined))
  const database = Number(new URL(url).pathname.slice(1))
  let isSelected = database === 0
  const telling = async <T>(command: () => Promise<T>): Promise<T> => {
    try {
      // The library selects it too, but goes on in database 0 where there is none of that number.
      if (!isSelected) await redis.select(database)
      isSelected = true
      return await command()
    } catch (error) {
      throw error instanceof Error && error.name === 'ReplyError' ? error : (trouble ?? noAnswer(error))
    }
  }
  const leaseOf = (key: string) => `${key}:lease`
  return {
    async read(key) {
      // Not GET, which sends a value of any size. An absent key reads as an empty text.
      const text = await telling(() => redis.getrange(key, 0, MAX_VALUE_BYTES))
      if (Buffer.byteLength(text) > MAX_VALUE_BYTES) throw tooLarge()
      return text === '' ? undefined : text
    },
    async replace(key, { before = '', after, lifeMs }) {
      return (await telling(() => redis.eval(REPLACE, 1, key, before, after, Math.ceil(lifeMs)))) === 1
    },
    async acquire(key, { owner, lifeMs }) {
      return (await telling(() => redis.set(leaseOf(key), owner, 'PX', lifeMs, 'NX'))) === 'OK'
    },
    async release(key, owner) {
      await telling(() => redis.eval(RELEASE, 1, leaseOf(key), owner))
    },
    close() {
      redis.disconnect()
    },
  }
}

/** The library's error for a command that took too long has no code. */
function noAnswer(error: unknown): unknown {
  if (!(error instanceof Error) || error.message !== 'Command timed out') return error
  return Object.assign(new Error(error.message), { code: 'ETIMEDOUT' })
}

function tooLarge(): Error {
  return Object.assign(new Error('The value in the store is longer than any token'), { code: 'VALUE_TOO_LARGE' })
}
