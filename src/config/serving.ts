import { SETTINGS } from './schema.ts'
import type { Settings } from './settings.ts'

/** Known to the keeper of the token alone, or told otherwise than as settings. */
const WITHHELD = [
  'CLOUDAWARE_CLIENT_ID',
  'CLOUDAWARE_CLIENT_ID_FILE',
  'CLOUDAWARE_CLIENT_SECRET',
  'CLOUDAWARE_CLIENT_SECRET_FILE',
  'CLOUDAWARE_JWT_KEY_FILE',
  'TOKEN_STORE_URL',
  'TOKEN_STORE_URL_FILE',
  'HTTPS_PROXY_FILE',
  'PROXY_API_KEY',
  'PROXY_API_KEY_FILE',
  'PROXY_TLS_KEY_FILE',
] as const

/** What serving requests takes, and a worker is told: no credential of the token endpoint is among it. */
export type ServingSettings = Omit<Settings, (typeof WITHHELD)[number]>

export function servingSettings(settings: Settings): ServingSettings {
  const withheld: ReadonlySet<string> = new Set(WITHHELD)
  // All but those that the type leaves out.
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !withheld.has(name))) as ServingSettings
}

/** Whether an environment variable of this name is read as a setting, in whatever capitals. */
export function isSetting(name: string): boolean {
  return SETTINGS.has(name.toUpperCase())
}
