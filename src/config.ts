import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseCallerKeys } from './config/caller-keys.ts'
import { crossCheck } from './config/checks.ts'
import type { Checked } from './config/checks.ts'
import { hasFileTwin, SETTINGS } from './config/schema.ts'
import type { SettingName, ValidatedSettings } from './config/schema.ts'
import type { Settings } from './config/settings.ts'
import { errorCode, gatherTexts, gatherValues } from './config/sources.ts'
import type { Sources } from './config/sources.ts'
import { ConfigError } from './config-error.ts'
import { withoutTrailingSlash, withProxyScheme } from './config/url-checks.ts'
import { validate } from './config/validate.ts'

export { ConfigError } from './config-error.ts'
export type { Settings } from './config/settings.ts'
export { parseCallerKeys } from './config/caller-keys.ts'
export type { NamedKey } from './config/caller-keys.ts'
export { describeSettings, exampleFile, settingsHelp, settingsTable } from './config/render.ts'
export { environmentWarnings } from './config/sources.ts'

/** The settings from flags, environment, file and defaults, in this order of precedence. Throws ConfigError. */
export function loadSettings({
  argv = [],
  env = {},
  cwd,
  readFile = (path) => readFileSync(path, 'utf8'),
  byFlagOnly = [],
}: Partial<Sources>): Settings {
  const gathered = gatherValues({ argv, env, cwd, readFile, byFlagOnly })
  const { settings, problems } = validate(gathered.values, gathered.blamed)
  const all = [
    ...gathered.problems,
    ...problems,
    ...crossCheck(settings, (name) => gathered.values.has(name) || gathered.blamed.has(name)),
    ...unreadableFiles(settings, { cwd, readFile }),
  ]
  if (all.length > 0) throw new ConfigError(all)
  // Nothing was refused, so nothing is missing.
  return Object.freeze(withDerived(settings as ValidatedSettings))
}

/**
 * Some settings alone, for commands that need no more: what the others hold, or lack, is no problem then.
 * `names` have defaults. Throws ConfigError.
 */
export function loadSome<Name extends SettingName>(
  names: readonly Name[],
  { argv = [], env = {}, cwd, readFile = (path) => readFileSync(path, 'utf8') }: Partial<Sources>,
): Pick<ValidatedSettings, Name> {
  const wanted: ReadonlySet<string> = new Set(names)
  const gathered = gatherTexts({ argv, env, cwd, readFile })
  const values = new Map([...gathered.values].filter(([name]) => wanted.has(name)))
  const { settings, problems } = validate(values, new Set([...SETTINGS.keys()].filter((name) => !wanted.has(name))))
  const all = [...gathered.problems, ...problems]
  if (all.length > 0) throw new ConfigError(all)
  // Each of them was given and passed, or has its default.
  return settings as Pick<ValidatedSettings, Name>
}

/** The credentials among the settings, which must never be printed; of several API keys each by itself. */
export function secretsOf(settings: Partial<Settings>): readonly string[] {
  const given = Object.entries(settings).flatMap(([name, value]) =>
    // Where its address holds no credentials, the company's proxy may be named.
    hasFileTwin(name) && typeof value === 'string' && name !== 'HTTPS_PROXY' ? [value] : [],
  )
  return [
    ...given,
    ...proxyCredentials(settings.HTTPS_PROXY),
    ...storePassword(settings.TOKEN_STORE_URL),
    ...callerSecretsOf(settings),
  ]
}

/** What callers may present, each key by itself. */
export function callerSecretsOf({ PROXY_API_KEY: text }: Partial<Settings>): readonly string[] {
  const parsed = parseCallerKeys(text ?? '')
  return 'keys' in parsed ? parsed.keys.map(({ key }) => key) : []
}

/** Each form in which they travel or are written down. */
function proxyCredentials(address: string | undefined): string[] {
  const { username = '', password = '' } = address === undefined ? {} : new URL(address)
  if (username === '' && password === '') return []
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return [`${username}:${password}`, pair, Buffer.from(pair).toString('base64')]
}

function storePassword(address: string | undefined): string[] {
  const { password = '' } = address === undefined ? {} : new URL(address)
  return password === '' ? [] : [password, decodeURIComponent(password)]
}

function unreadableFiles(settings: Checked, { cwd, readFile }: Pick<Sources, 'cwd' | 'readFile'>): string[] {
  return Object.entries(settings).flatMap(([name, path]) => {
    if (SETTINGS.get(name)?.file !== true || typeof path !== 'string') return []
    try {
      readFile(resolve(cwd ?? '', path))
      return []
    } catch (error) {
      return [`${name} names a file that cannot be read (${errorCode(error)}).`]
    }
  })
}

function withDerived(settings: ValidatedSettings): Settings {
  const url = withoutTrailingSlash(settings.CLOUDAWARE_URL)
  const { CLOUDAWARE_TOKEN_URL: token, CLOUDAWARE_API_URL: api, CLOUDAWARE_JWT_AUDIENCE: audience } = settings
  const { HTTPS_PROXY: proxy } = settings
  return {
    ...settings,
    CLOUDAWARE_URL: url,
    CLOUDAWARE_TOKEN_URL: withoutTrailingSlash(token ?? `${url}/services/oauth2/token`),
    CLOUDAWARE_JWT_AUDIENCE: audience ?? loginHost(url),
    ...(proxy === undefined ? {} : { HTTPS_PROXY: new URL(withProxyScheme(proxy)).href }),
    ...(api === undefined ? {} : { CLOUDAWARE_API_URL: withoutTrailingSlash(api) }),
  }
}

/** The audience that Salesforce documents for assertions: the common login host of production, or that of sandboxes. */
function loginHost(url: string): string {
  const isSandbox = new URL(url).hostname.endsWith('.sandbox.my.salesforce.com')
  return isSandbox ? 'https://test.salesforce.com' : 'https://login.salesforce.com'
}
