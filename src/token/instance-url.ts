/** Where the bearer may go: the configured org (`https://name.my.salesforce.com`) and further hosts that the operator listed. */
export interface TrustedOrigins {
  readonly configuredUrl: string
  readonly trustedHosts: readonly string[]
}

export type InstanceUrl =
  | { readonly origin: string | undefined; readonly refused?: undefined }
  | { readonly origin: undefined; readonly refused: string }

/**
 * The origin to adopt from a token answer's `instance_url`; or, as `refused`, the host that was not adopted.
 * Only https to a trusted host, or http to a trusted host on loopback: whoever forges the answer must not be sent the bearer.
 */
export function adoptInstanceUrl(raw: unknown, { configuredUrl, trustedHosts }: TrustedOrigins): InstanceUrl {
  if (raw === undefined || raw === null || raw === '') return { origin: undefined }
  const url = typeof raw === 'string' ? URL.parse(raw) : null
  if (url === null) return { origin: undefined, refused: 'an unreadable address' }
  const hosts = [new URL(configuredUrl).host, ...trustedHosts.map((host) => host.toLowerCase())]
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  if (isSecure && url.username === '' && url.password === '' && hosts.includes(url.host)) return { origin: url.origin }
  return { origin: undefined, refused: url.origin === 'null' ? url.protocol : url.origin }
}

/** As URL.hostname spells them. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
