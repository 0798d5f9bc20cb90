import type { Readable } from 'node:stream'
import type { Claim } from '../upstream/body-memory.ts'
import { HeldBytes } from '../upstream/held-bytes.ts'
import { bytesOf, hold, unreadable } from './judged-body.ts'
import { MarkupBytes } from './markup-bytes.ts'
import { readOnlyRefusal } from './read-only.ts'
import type { Refusal } from './refusal.ts'

/** Operations that would hand a caller more than the API, end the shared session, or change the org itself. */
const DENIED_OPERATIONS: ReadonlyMap<string, string> = new Map([
  ['login', 'It would send its own credentials to Cloudaware.'],
  ['logout', 'It would end the session that all callers of the proxy share.'],
  ['invalidatesessions', 'It would end sessions that other callers use.'],
  ['setpassword', "It changes a user's password."],
  ['resetpassword', "It changes a user's password."],
  ['changeownpassword', "It changes the password of the proxy's own user."],
  ['executeanonymous', 'It runs arbitrary code, which can read the access token.'],
  ['deploy', 'It changes code or configuration of the org.'],
  ['deployrecentvalidation', 'It changes code or configuration of the org.'],
])

const RECORD_READS =
  /^(?:query|querymore|queryall|search|retrieve|getuserinfo|getservertimestamp|getdeleted|getupdated|describe\w*)$/

/**
 * What changes nothing, by service: partner (u), enterprise (c), tooling (t), metadata (m). The Apex service (s) compiles and runs code.
 * What a method of an Apex class (`/services/Soap/class/…`) does, its name does not tell.
 */
const READS: Readonly<Record<string, RegExp>> = {
  u: RECORD_READS,
  c: RECORD_READS,
  t: RECORD_READS,
  m: /^(?:retrieve|listmetadata|readmetadata|describemetadata|describevaluetype|check(?:retrieve|deploy)?status)$/,
}

/** Writes that only the metadata service and the tooling service have: both change the org's configuration. */
const METADATA_WRITE = /^(?:create|update|upsert|delete|rename)(?:metadata)?$/

export interface SoapPolicy {
  readonly isReadOnly: boolean
  /** PROXY_ALLOWED_PATHS: an entry `soap:<operation>` lifts that refusal. */
  readonly allowedPaths: readonly string[]
}

/** Judges a SOAP operation (local name of the first element in the Body) on `/services/soap/<service>/…`. */
export function judgeSoap(operation: string, policyPath: string, policy: SoapPolicy): Refusal | undefined {
  const name = operation.toLowerCase()
  const service = platformService(policyPath)
  const isConfiguration = service === 'm' || service === 't'
  const why =
    DENIED_OPERATIONS.get(name) ??
    (isConfiguration && METADATA_WRITE.test(name) ? 'It changes code or configuration of the org.' : undefined)
  if (why !== undefined && !policy.allowedPaths.some((entry) => entry.toLowerCase() === `soap:${name}`)) {
    const detail = `${why} To allow it all the same, name "soap:${name}" in PROXY_ALLOWED_PATHS.`
    return { code: 'PROXY_PATH_REFUSED', rule: `soap:${name}`, detail }
  }
  const isRead = service !== undefined && READS[service]?.test(name) === true
  return policy.isReadOnly && !isRead ? readOnlyRefusal() : undefined
}

/** The letter of one of the platform's own services; undefined for Apex classes and whatever else is below /services/Soap. */
export function platformService(policyPath: string): string | undefined {
  return /^\/services\/soap\/([ucmst])(?:\/|$)/.exec(policyPath)?.[1]
}

/** Whether a POST to this policy path is a SOAP call. */
export function isSoapPath(policyPath: string): boolean {
  return policyPath.startsWith('/services/soap/')
}

/** As latin1 shows it, or as much of it as has come. */
const UTF8_BOM = /^\u00EF(?:\u00BB\u00BF?)?/
const UNREADABLE =
  'The proxy reads this envelope to judge it, and finds no SOAP operation: it takes one Envelope with one Body, and no DOCTYPE.'
// The look-aheads keep names from being tried at every length: input must not choose how long this takes.
const MARKUP =
  /<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>|<\?[^]*?\?>|<(\/?)([\w.:-]+)(?![\w.:-])((?:[^<>"']|"[^"<]*"|'[^'<]*')*?)(\/?)>/y

/**
 * The operation that an envelope calls: the first element in Envelope/Body. `more` where the text ends before it,
 * and a refusal for what is no plain SOAP (DOCTYPE, CDATA where no text belongs, another root).
 */
export function soapOperation(text: string): { operation: string } | 'more' | Refusal {
  const open: string[] = []
  let at = UTF8_BOM.exec(text)?.[0].length ?? 0
  for (;;) {
    const next = text.indexOf('<', at)
    if (next === -1) return isBlankBetween(text.slice(at), open) ? 'more' : unreadable(UNREADABLE)
    if (!isBlankBetween(text.slice(at, next), open)) return unreadable(UNREADABLE)
    MARKUP.lastIndex = next
    const found = MARKUP.exec(text)
    if (found === null) return isBegun(text.slice(next)) ? 'more' : unreadable(UNREADABLE)
    at = MARKUP.lastIndex
    // As any text, it stands only inside header entries.
    if (found[0].startsWith('<![') && open.length < 3) return unreadable(UNREADABLE)
    const [, close, name, , empty] = found
    if (name === undefined) continue
    // No XML name: which of its parts counts is anybody's guess.
    if (open.length < 3 && name.indexOf(':') !== name.lastIndexOf(':')) return unreadable(UNREADABLE)
    const local = localName(name)
    if (close === '/') {
      if (open.pop() !== name) return unreadable(UNREADABLE)
      continue
    }
    const depth = open.length
    if (depth === 2 && localName(open[1] ?? '') === 'Body') return { operation: local }
    if (depth === 0 && local !== 'Envelope') return unreadable(UNREADABLE)
    if (depth === 1 && local !== 'Header' && local !== 'Body') return unreadable(UNREADABLE)
    if (empty !== '/') open.push(name)
  }
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/** Text stands only inside header entries: elsewhere it would mean that this reading is not the right one. */
function isBlankBetween(text: string, open: readonly string[]): boolean {
  return open.length > 2 || /^\s*$/.test(text)
}

/** Markup whose end may still come. DOCTYPE never becomes readable. */
function isBegun(text: string): boolean {
  return /^<(?:\/?$|!(?:-(?:-[^]*)?)?$|!\[(?:$|C$|CD$|CDA$|CDAT$|CDATA$|CDATA\[)|\?|\/?[\w.:-]+(?![\w.:-])(?:[^<>"']|"[^"<]*"|'[^'<]*')*(?:"[^"<]*|'[^'<]*)?$)/.test(
    text,
  )
}

/** The most of an envelope that is held to find its operation: headers are small. */
const PEEK_LIMIT = 64 * 1024

/** `text`: what is held, as UTF-8, for who looks for the session in it. */
interface Peeked {
  readonly held: Buffer
  readonly text: Buffer
  readonly found: string | Refusal
}

/** Reads a SOAP request up to its operation. Forward `held` and then what is left of the stream. Rejects with PROXY_MEMORY_FULL. */
export async function peekSoap(stream: Readable, claim: Claim): Promise<Peeked> {
  const begun = new HeldBytes(claim)
  let readAgainAt = 0
  for await (const chunk of bytesOf(stream)) {
    hold(begun, chunk)
    const size = begun.length
    // Read again only when there is twice as much: single bytes must not cost the square of their number.
    if (size < readAgainAt) continue
    readAgainAt = Math.min(size * 2, PEEK_LIMIT)
    const peeked = operationIn(begun)
    if (peeked.found !== undefined) return { ...peeked, found: peeked.found }
    if (size >= PEEK_LIMIT) break
  }
  const { held, text, found } = operationIn(begun)
  return { held, text, found: found ?? unreadable(UNREADABLE) }
}

function operationIn(begun: HeldBytes): Omit<Peeked, 'found'> & { found: Peeked['found'] | undefined } {
  const held = begun.concat()
  const text = new MarkupBytes().push(held.subarray(0, PEEK_LIMIT))
  // latin1 keeps the markup of every superset of ASCII in place, wherever a chunk ends.
  const found = soapOperation(text.toString('latin1'))
  if (found === 'more') return { held, text, found: undefined }
  return { held, text, found: 'operation' in found ? found.operation : found }
}
