import type { IncomingHttpHeaders } from 'node:http'
import type { ApiFamily } from './api-family.ts'
import { codingOf, isKnownCoding } from './content-coding.ts'

/** An answer larger than this holds records, not addresses: it is never held back. */
export const MAX_ADDRESS_BYTES = 64 * 1024

/** A SOAP answer shows its operation within this, or passes. */
export const MAX_SOAP_PEEK_BYTES = 4096

/** How an answer holds addresses: members of an object, elements, or the two elements of a SOAP login. */
export type AddressForm = 'json' | 'xml' | 'soap'

/**
 * The few resources whose answers name the org's own addresses (domain facts: the version's root has `identity`; the identity has `id` and `urls`;
 * a SOAP login has `serverUrl` and `metadataServerUrl`). Every other address that the platform gives is relative already.
 */
export function mayHoldAddresses(family: ApiFamily, method: string, target: string): boolean {
  switch (family) {
    case 'rest':
      return method === 'GET' && VERSION_ROOT.test(target)
    case 'identity':
      return IDENTITY.test(target) && (method === 'GET' || method === 'POST')
    case 'soap':
      return method === 'POST'
    default:
      return false
  }
}

const VERSION_ROOT = /^\/+services\/+data\/+v\d+\.\d+\/?(?:\?|$)/i
const IDENTITY = /^\/+(?:id\/+\w+\/+\w+|services\/+oauth2\/+userinfo)\/?(?:\?|$)/i

/** The form of an answer of theirs; undefined where it is not to be touched. */
export function addressForm(family: ApiFamily, status: number, headers: IncomingHttpHeaders): AddressForm | undefined {
  if (status !== 200 || !isKnownCoding(codingOf(headers['content-encoding']))) return undefined
  if (Number(headers['content-length'] ?? 0) > MAX_ADDRESS_BYTES) return undefined
  // RFC 9111 §5.2.2.6: intermediaries leave such content alone.
  if (/\bno-transform\b/i.test(headers['cache-control'] ?? '')) return undefined
  const type = headers['content-type'] ?? ''
  if (/\/(?:[\w.-]+\+)?xml\b/i.test(type)) return family === 'soap' ? 'soap' : 'xml'
  return family !== 'soap' && /^\s*application\/json\b/i.test(type) ? 'json' : undefined
}

/** Whether a SOAP answer, of which this much has come, is a login's; undefined while that cannot be told. */
export function isLoginAnswer(text: string): boolean | undefined {
  const operation = /<(?:[\w.-]+:)?Body(?:\s[^<>]*)?>\s*<(?:[\w.-]+:)?([\w.-]+)[\s/>]/.exec(text)?.[1]
  return operation === undefined ? undefined : operation === 'loginResponse' || operation === 'getUserInfoResponse'
}

export interface AddressOptions {
  /** The origin that was asked, as URL spells origins. */
  readonly upstreamOrigin: string
  /** The origin under which the caller reached the proxy. */
  readonly callerOrigin: string
}

/** The text with the org's own addresses at the caller's, every other character as it came. Works on UTF-8 shown as latin1. */
export function withCallerAddresses(text: string, form: AddressForm, options: AddressOptions): string {
  return text.replace(ADDRESSES[form], (whole, before: string, origin: string, path = '') =>
    before.startsWith('"sub"') || !isOurs(origin, path as string, options)
      ? whole
      : before + options.callerOrigin + String(path),
  )
}

/** Each: what stands before, the origin, and the path if there is one. JSON may write a slash as `\/`. */
const ADDRESSES: Readonly<Record<AddressForm, RegExp>> = {
  json: /("\w+"\s*:\s*")(https?:(?:\\?\/){2}[^"\\/?#]+)((?:\\?\/[^"]*)?)(?=")/g,
  xml: /(>)(https?:\/\/[^<>/?#\s]+)((?:\/[^<>]*)?)(?=<)/g,
  soap: /(<(?:[\w.-]+:)?(?:serverUrl|metadataServerUrl)>)(https?:\/\/[^<>/?#\s]+)((?:\/[^<>]*)?)(?=<)/g,
}

/** Paths that the proxy serves; others are pages for people, who log in by themselves. An instance may be named by its My Domain, its pod or the common login host. */
function isOurs(origin: string, path: string, { upstreamOrigin }: AddressOptions): boolean {
  if (!/^(?:\/?$|\/(?:services|cometd|id)\/)/i.test(path.replaceAll('\\', ''))) return false
  const url = URL.parse(origin.replaceAll('\\', ''))
  if (url === null) return false
  return url.origin === upstreamOrigin || (url.protocol === 'https:' && url.hostname.endsWith('.salesforce.com'))
}
