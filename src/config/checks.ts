import { parseCallerKeys } from './caller-keys.ts'
import type { SettingName, ValidatedSettings } from './schema.ts'
import { isLoopbackHost, urlProblem, withProxyScheme } from './url-checks.ts'

/** What is known after validation: settings with a problem of their own are missing. */
export type Checked = Partial<ValidatedSettings>

type IsGiven = (name: SettingName) => boolean

/**
 * What no single setting shows: combinations that contradict each other or would be unsafe.
 * `isGiven` also holds for settings that have a problem of their own, so that they are not called missing.
 */
export function crossCheck(settings: Checked, isGiven: IsGiven): string[] {
  const checks = [
    urlProblems,
    proxyProblems,
    storeProblems,
    grantProblems,
    tlsProblems,
    keyProblems,
    exposureProblems,
    portProblems,
    reusePortProblems,
  ]
  return checks.flatMap((check) => check(settings, isGiven))
}

function urlProblems(settings: Checked): string[] {
  const urls = [
    { name: 'CLOUDAWARE_URL', path: false },
    { name: 'CLOUDAWARE_TOKEN_URL', path: true },
    { name: 'CLOUDAWARE_API_URL', path: false },
  ] as const
  return urls.flatMap(({ name, path }) => {
    const value = settings[name]
    const problem = value === undefined ? undefined : urlProblem(value, { path })
    return problem === undefined ? [] : [`${name} ${problem}`]
  })
}

function proxyProblems({ HTTPS_PROXY: value }: Checked): string[] {
  if (value === undefined) return []
  const url = URL.parse(withProxyScheme(value))
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && /^\/?$/.test(url.pathname) && hasReadableUser(url)
  return isUsable
    ? []
    : ['HTTPS_PROXY must be the address of an http or https proxy: http://[user:password@]host:port.']
}

function storeProblems({ TOKEN_STORE_URL: value }: Checked): string[] {
  if (value === undefined) return []
  const url = URL.parse(value)
  const isUsable =
    url !== null &&
    /^rediss?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    /^(\/\d*)?$/.test(url.pathname) &&
    url.search === '' &&
    hasReadableUser(url)
  return isUsable
    ? []
    : ['TOKEN_STORE_URL must be redis://[user:password@]host[:port][/database], or rediss:// for TLS.']
}

function hasReadableUser({ username, password }: URL): boolean {
  try {
    return decodeURIComponent(username + password).length >= 0
  } catch {
    return false
  }
}

function grantProblems(settings: Checked, isGiven: IsGiven): string[] {
  const grant = settings.CLOUDAWARE_GRANT_TYPE
  if (grant === undefined) return []
  const needed =
    grant === 'jwt_bearer'
      ? (['CLOUDAWARE_JWT_KEY_FILE', 'CLOUDAWARE_JWT_USERNAME'] as const)
      : (['CLOUDAWARE_CLIENT_SECRET'] as const)
  return needed
    .filter((name) => !isGiven(name))
    .map((name) => {
      const also = name === 'CLOUDAWARE_CLIENT_SECRET' ? ' (or CLOUDAWARE_CLIENT_SECRET_FILE)' : ''
      return `${name}${also} is required with CLOUDAWARE_GRANT_TYPE=${grant}.`
    })
}

/** With a port alone the proxy makes a certificate of its own. */
function tlsProblems(_: Checked, isGiven: IsGiven): string[] {
  const files = ['PROXY_TLS_CERT_FILE', 'PROXY_TLS_KEY_FILE'] as const
  const missing = files.filter((name) => !isGiven(name))
  if (missing.length === files.length) return []
  return [
    ...missing.map((name) => `${files.join(' and ')} come together: ${name} is missing.`),
    ...(isGiven('PROXY_TLS_PORT') ? [] : ['PROXY_TLS_PORT is missing: a certificate alone opens no listener.']),
  ]
}

function keyProblems({ PROXY_API_KEY: text }: Checked): string[] {
  const parsed = text === undefined ? undefined : parseCallerKeys(text)
  return parsed && 'problem' in parsed ? [`PROXY_API_KEY ${parsed.problem}`] : []
}

function exposureProblems(settings: Checked, isGiven: IsGiven): string[] {
  const { PROXY_HOST: host, PROXY_ALLOW_REMOTE: allowed } = settings
  if (host === undefined || isLoopbackHost(host) || isGiven('PROXY_API_KEY') || allowed === true) return []
  return [
    'PROXY_HOST listens beyond this machine, where anybody who reaches it would act as Cloudaware’s run-as user: ' +
      'set PROXY_API_KEY, or PROXY_ALLOW_REMOTE=true if the network around it keeps others out.',
  ]
}

function portProblems(settings: Checked): string[] {
  const { PROXY_HOST: proxy, ADMIN_HOST: admin } = settings
  const listeners = [
    { name: 'PROXY_PORT', host: proxy, port: settings.PROXY_PORT },
    { name: 'PROXY_TLS_PORT', host: proxy, port: settings.PROXY_TLS_PORT },
    { name: 'ADMIN_PORT', host: admin, port: settings.ADMIN_PORT },
  ].filter(({ port }) => typeof port === 'number' && port !== 0)
  return listeners.flatMap((one, index) =>
    listeners
      .slice(index + 1)
      .filter((other) => one.port === other.port && overlaps(one.host, other.host))
      .map((other) => `${one.name} and ${other.name} are the same port.`),
  )
}

/** Instances share fixed ports, and nothing else. */
function reusePortProblems(settings: Checked, isGiven: IsGiven): string[] {
  if (settings.PROXY_REUSE_PORT !== true) return []
  const free = (['PROXY_PORT', 'PROXY_TLS_PORT'] as const).filter((name) => settings[name] === 0)
  return [
    ...free.map((name) => `${name}=0 takes any free port, which PROXY_REUSE_PORT cannot share: give its number.`),
    ...(isGiven('PROXY_SOCKET') ? ['PROXY_SOCKET cannot be shared: leave it out, or PROXY_REUSE_PORT.'] : []),
    ...(isGiven('ADMIN_PORT')
      ? []
      : ['ADMIN_PORT is required with PROXY_REUSE_PORT: another one for each instance, or off.']),
  ]
}

/** Whether two addresses to listen on would compete for one port. */
function overlaps(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return false
  const wildcards = ['0.0.0.0', '::']
  if (one === other || wildcards.includes(one) || wildcards.includes(other)) return true
  return (
    [one, other].includes('localhost') && [one, other].every((host) => ['localhost', '127.0.0.1', '::1'].includes(host))
  )
}
