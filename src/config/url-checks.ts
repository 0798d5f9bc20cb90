const MY_DOMAIN = "use the org's My Domain, https://<name>.my.salesforce.com (Setup > My Domain)"

/** Hosts of the same org that people copy from the browser or from other guides, and why none of them will do. */
const WRONG_HOSTS: readonly (readonly [RegExp, string])[] = [
  [/^(login|test)\.salesforce\.com$/, 'names a common login host, which refuses the client-credentials flow'],
  [/^api\.salesforce\.com$/, 'names the multi-tenant API host, which serves no CMDB API'],
  [/\.salesforce-setup\.com$/, 'names the Setup pages, not the API'],
  [/\.lightning\.force\.com$/, 'names the browser interface, not the API'],
  [/\.force\.com$/, 'names a site or page host, not the API'],
]

/** What is wrong with a URL that tokens or secrets will be sent to; the value is not repeated. `path`: may it have one? */
export function urlProblem(value: string, { path }: { path: boolean }): string | undefined {
  if (!URL.canParse(value)) return `is no URL: ${MY_DOMAIN}.`
  const url = new URL(value)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https://.'
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return 'must begin with https://: the token would travel in clear (http is for loopback hosts only).'
  }
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or a password.'
  // url.search is empty for a lone "?", and url.hash for a lone "#".
  if (/[?#]/.test(value)) return 'must not have a query or a fragment.'
  if (!path && !/^\/+$/.test(url.pathname)) return 'must not have a path: give the scheme and the host only.'
  const wrong = WRONG_HOSTS.find(([pattern]) => pattern.test(url.hostname.replace(/\.$/, '')))
  return wrong === undefined ? undefined : `${wrong[1]}: ${MY_DOMAIN}.`
}

/** The URL in normal form without a trailing slash, so that paths can be appended. */
export function withoutTrailingSlash(value: string): string {
  const { href } = new URL(value)
  let end = href.length
  while (href.endsWith('/', end)) end--
  return href.slice(0, end)
}

/** localhost and its subdomains, 127.0.0.0/8 and ::1, with or without brackets. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
}

/** `host:port` is what many write, and every other program understands. */
export function withProxyScheme(value: string): string {
  return value.includes('://') ? value : `http://${value}`
}
