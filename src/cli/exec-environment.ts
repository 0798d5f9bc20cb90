type Environment = Readonly<Record<string, string | undefined>>

const LOOPBACK = 'localhost,127.0.0.1,::1'
const PLAIN_PROXIES = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY']

/**
 * The environment of a command that is to call the proxy at `url`: the address under our name and under that which the Salesforce CLI reads.
 * The secret stays behind, since the command needs none any more, and a company's proxy is kept off the loopback address.
 */
export function commandEnvironment(env: Environment, url: string): Environment {
  const inherited = Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'CLOUDAWARE_CLIENT_SECRET'))
  const isProxied = PLAIN_PROXIES.some((name) => (env[name] ?? '') !== '')
  return {
    ...inherited,
    ...(isProxied && { NO_PROXY: beside(env.NO_PROXY), no_proxy: beside(env.no_proxy ?? env.NO_PROXY) }),
    CLOUDAWARE_PROXY_URL: url,
    SF_ORG_INSTANCE_URL: url,
  }
}

function beside(noProxy: string | undefined): string {
  return (noProxy ?? '') === '' ? LOOPBACK : `${noProxy},${LOOPBACK}`
}
