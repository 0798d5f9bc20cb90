import type { Settings } from '../config.ts'

/** A host that the proxy will speak to. */
export interface Place {
  readonly url: URL
  /** As connections are made: an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** The setting that names it first. */
  readonly setting: string
}

const NAMED_BY = ['CLOUDAWARE_URL', 'CLOUDAWARE_TOKEN_URL', 'CLOUDAWARE_API_URL'] as const

/** Each host that the settings name, once: mostly there is one. */
export function placesOf(settings: Settings): readonly Place[] {
  const byOrigin = new Map<string, Place>()
  for (const name of NAMED_BY) {
    const value = settings[name]
    if (value === undefined) continue
    const url = new URL(value)
    if (!byOrigin.has(url.origin)) byOrigin.set(url.origin, placeAt(url, name))
  }
  return [...byOrigin.values()]
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
