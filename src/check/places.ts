import { companyProxyOf } from '../company-proxy.ts'
import type { Settings } from '../config.ts'
import { noProxyRule } from '../upstream/no-proxy.ts'

/** Where a TCP connection leads. */
export interface Place {
  readonly url: URL
  /** As connections are made: an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** The setting that names it first. */
  readonly setting: string
}

/** A host that the proxy will speak to. */
export interface Destination extends Place {
  /** The company proxy that opens the tunnel to it, where there is one. */
  readonly via: Place | undefined
}

const NAMED_BY = ['CLOUDAWARE_URL', 'CLOUDAWARE_TOKEN_URL', 'CLOUDAWARE_API_URL'] as const

/** Each host that the settings name, once: mostly there is one. */
export function destinationsOf(settings: Settings): readonly Destination[] {
  const proxy = companyProxyOf(settings)
  const isDirect = noProxyRule(proxy?.except ?? '')
  const byOrigin = new Map<string, Destination>()
  for (const name of NAMED_BY) {
    const value = settings[name]
    if (value === undefined) continue
    const place = placeAt(new URL(value), name)
    const isTunnelled = proxy !== undefined && place.isSecure && !isDirect(place.url.hostname, place.port)
    const via = isTunnelled ? placeAt(new URL(proxy.url), 'HTTPS_PROXY') : undefined
    if (!byOrigin.has(place.url.origin)) byOrigin.set(place.url.origin, { ...place, via })
  }
  return [...byOrigin.values()]
}

/** Where connections really lead: the hosts, or the company proxy in their place; each once. */
export function nextHopsOf(settings: Settings): readonly Place[] {
  const hops = destinationsOf(settings).map(({ via, ...place }) => via ?? place)
  return hops.filter((hop, index) => hops.findIndex(({ url }) => url.origin === hop.url.origin) === index)
}

function placeAt(url: URL, setting: string): Place {
  const isSecure = url.protocol === 'https:'
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port)
  return { url, host: url.hostname.replace(/^\[|\]$/g, ''), port, isSecure, setting }
}

/** The names that every org has, in production and in sandboxes. */
export function isMyDomain(host: string): boolean {
  return /\.my\.salesforce\.com$/i.test(host)
}
