import type { Settings } from './config.ts'
import { createGuard, type Guard, type GuardOptions } from './server/guard.ts'

/** The guard that the settings ask for. Throws a RangeError on a malformed one, by its name. */
export function guardFor(settings: Settings, shared: Pick<GuardOptions, 'callerKeys' | 'bodyMemory'>): Guard {
  return createGuard({
    allowedHosts: settings.PROXY_ALLOWED_HOSTS,
    allowedOrigins: settings.PROXY_ALLOWED_ORIGINS,
    ...shared,
    answersLogins: settings.PROXY_LOGIN === 'on',
    isReadOnly: settings.PROXY_READ_ONLY,
    allowedPaths: settings.PROXY_ALLOWED_PATHS,
    deniedPaths: settings.PROXY_DENIED_PATHS,
    compositeLimitBytes: settings.PROXY_REPLAY_LIMIT_BYTES,
  })
}
