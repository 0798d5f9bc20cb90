import type { Logger } from 'pino'
import type { Settings } from './config.ts'
import type { ConnectorOptions } from './upstream/connector.ts'

/** HTTPS_PROXY and NO_PROXY, for the connector; said in the log, without its password. */
export function companyProxy(settings: Settings, logger: Logger): ConnectorOptions['proxy'] {
  const { HTTPS_PROXY: url, NO_PROXY: except = '' } = settings
  if (url === undefined) return undefined
  const { protocol, host } = new URL(url)
  logger.info({ companyProxy: `${protocol}//${host}`, except }, 'https goes through the company proxy')
  return { url, except }
}
