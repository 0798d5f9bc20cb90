import type { Logger } from 'pino'
import type { Settings } from './config.ts'
import type { ConnectorOptions } from './upstream/connector.ts'

/** HTTPS_PROXY and NO_PROXY, for the connector. */
export function companyProxyOf({
  HTTPS_PROXY: url,
  NO_PROXY: except = '',
}: Pick<Settings, 'HTTPS_PROXY' | 'NO_PROXY'>): ConnectorOptions['proxy'] {
  return url === undefined ? undefined : { url, except }
}

/** The same, said in the log, without its password. */
export function companyProxy(settings: Settings, logger: Logger): ConnectorOptions['proxy'] {
  const proxy = companyProxyOf(settings)
  if (proxy === undefined) return undefined
  const { protocol, host } = new URL(proxy.url)
  logger.info({ companyProxy: `${protocol}//${host}`, except: proxy.except }, 'https goes through the company proxy')
  return proxy
}
