import { sessionEdits, type Edit, type SoapProblem } from './soap-edits.ts'

/** The beginning of a request body as it is to be sent, in place of all that was pushed; `delta` is what Content-Length grows by. */
export interface SoapHead {
  readonly head: Buffer
  readonly delta: number
}

/** A Header lies within this, or the request is refused: nothing beyond is held or read. */
export const MAX_SOAP_HEAD_BYTES = 64 * 1024

/**
 * Puts our session into a SOAP request while its body streams. Push chunks until something other than undefined comes back;
 * what follows passes as it is. Where no session can be placed a problem comes back, and nothing may be sent: it could hold the caller's own.
 */
export class SoapSession {
  readonly #token: string
  readonly #namespace: string | undefined
  readonly #held: Buffer[] = []
  #heldBytes = 0
  #readAgainAt = 0

  /**
   * `path` is the request target: it tells the service, and so the namespace of a SessionHeader that is missing. `policyPath` is the same
   * as the policy judged it, where it is spelt otherwise.
   */
  constructor(token: string, path: string, policyPath = path) {
    this.#token = token
    this.#namespace = namespaceOf(path, policyPath)
  }

  push(chunk: Buffer): SoapHead | SoapProblem | undefined {
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    // Read again only when there is twice as much: single bytes must not cost the square of their number.
    if (this.#heldBytes < this.#readAgainAt) return undefined
    this.#readAgainAt = Math.min(this.#heldBytes * 2, MAX_SOAP_HEAD_BYTES)
    return this.#read() ?? (this.#heldBytes >= MAX_SOAP_HEAD_BYTES ? TOO_FAR : undefined)
  }

  /** The body ended before a head came. An empty one carries no session and passes. */
  end(): SoapHead | SoapProblem {
    if (this.#heldBytes === 0) return { head: Buffer.alloc(0), delta: 0 }
    return this.#read() ?? CUT_SHORT
  }

  #read(): SoapHead | SoapProblem | undefined {
    const bytes = Buffer.concat(this.#held)
    const unit = unitOf(bytes)
    const text = unit.decode(bytes.subarray(0, MAX_SOAP_HEAD_BYTES))
    if (!isReadable(text)) return ENCODING
    const edits = sessionEdits(text, { token: this.#token, namespace: this.#namespace })
    if (edits === undefined || 'problem' in edits) return edits
    const head = applied(bytes, edits, unit)
    return { head, delta: head.length - bytes.length }
  }
}

const TOO_FAR: SoapProblem = { problem: 'The SOAP Body begins beyond the first 64 KiB of the request.' }
const CUT_SHORT: SoapProblem = { problem: 'The body ended before a SOAP Body began.' }
const ENCODING: SoapProblem = { problem: 'A SOAP request must be in UTF-8, UTF-16 or another superset of ASCII.' }

const NAMESPACES: Readonly<Record<string, string>> = {
  u: 'urn:partner.soap.sforce.com',
  c: 'urn:enterprise.soap.sforce.com',
  m: 'http://soap.sforce.com/2006/04/metadata',
  t: 'urn:tooling.soap.sforce.com',
  s: 'http://soap.sforce.com/2006/08/apex',
}

/** Apex classes have a namespace each: `/services/Soap/class/My` and, of a package, `/services/Soap/class/pkg/My`. */
function namespaceOf(path: string, policyPath: string): string | undefined {
  const [, service = '', named] =
    /^\/+services\/+soap\/+(?:(\w)(?=[/?]|$)|class\/+(\w+(?:\/+\w+)*))/i.exec(policyPath) ?? []
  if (named === undefined) return NAMESPACES[service.toLowerCase()]
  const className = asSent(named, path)
  return className && `http://soap.sforce.com/schemas/class/${className}`
}

/** The letters of a class's name count, and a policy path is in small ones. */
function asSent(className: string, path: string): string | undefined {
  const sent = decodeURIComponent(path.replace(/\?.*/s, ''))
  const at = sent.toLowerCase().lastIndexOf(`/${className.toLowerCase()}`)
  return at === -1 ? undefined : sent.slice(at + 1, at + 1 + className.length)
}

/** How characters lie in the bytes, where each markup character takes `width` bytes: so positions in the text are positions in the bytes. */
interface Unit {
  readonly width: 1 | 2
  readonly decode: (bytes: Buffer) => string
  readonly encode: (text: string) => Buffer
}

/** UTF-8 and every other superset of ASCII: markup is ASCII, and no byte of another character looks like it. */
const ASCII: Unit = {
  width: 1,
  decode: (bytes) => bytes.toString('latin1'),
  encode: (text) => Buffer.from(text, 'latin1'),
}
const UTF16LE: Unit = {
  width: 2,
  decode: (bytes) => bytes.toString('utf16le'),
  encode: (text) => Buffer.from(text, 'utf16le'),
}
const UTF16BE: Unit = {
  width: 2,
  decode: (bytes) =>
    Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString('utf16le'),
  encode: (text) => Buffer.from(text, 'utf16le').swap16(),
}

/** By the byte order mark, or by the zero beside the first `<` (XML 1.0, appendix F). */
function unitOf([first, second]: Buffer): Unit {
  if ((first === 0xff && second === 0xfe) || second === 0) return UTF16LE
  if ((first === 0xfe && second === 0xff) || first === 0) return UTF16BE
  return ASCII
}

/** An encoding in which ASCII bytes could mean other characters would hide a session from us. */
function isReadable(text: string): boolean {
  const declared = /^[^<]{0,3}<\?xml(?=\s)[^>]*?\sencoding\s*=\s*["']([^"']*)/.exec(text)?.[1]
  return declared === undefined || /^(?:utf-?(?:8|16)|us-ascii|iso-8859-\d+|windows-125\d)$/i.test(declared)
}

function applied(bytes: Buffer, edits: readonly Edit[], { width, encode }: Unit): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (const { start, end, text } of edits) {
    parts.push(bytes.subarray(from, start * width), encode(text))
    from = end * width
  }
  return Buffer.concat([...parts, bytes.subarray(from)])
}
