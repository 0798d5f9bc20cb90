import { parseCallerKeys, type NamedKey, type Settings } from './config.ts'
import { digestKeys, keysWithSessions, type CallerKey } from './server/caller-key.ts'

/** What PROXY_API_KEY names, as it is held; undefined where callers need no key. */
export function holdKeys(settings: Settings): Promise<readonly CallerKey[]> | undefined {
  const { PROXY_API_KEY: text } = settings
  if (text === undefined) return undefined
  const parsed = parseCallerKeys(text)
  return hold('keys' in parsed ? parsed.keys : [], settings)
}

/** With their sessions where there is a login to give them out, which takes some 30 ms of another thread each. */
export function hold(
  keys: readonly NamedKey[],
  { PROXY_LOGIN: login }: Pick<Settings, 'PROXY_LOGIN'>,
): Promise<readonly CallerKey[]> {
  return login === 'on' ? keysWithSessions(keys) : Promise.resolve(digestKeys(keys))
}
