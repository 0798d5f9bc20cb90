import { remembered } from '../remembered.ts'
import { normalPath } from './normal-path.ts'
import type { Refusal } from './refusal.ts'

/** A request target in origin-form, in the one reading that both the policy and the upstream get. */
export interface Target {
  /** As sent, with repeated slashes collapsed: what goes upstream. */
  readonly path: string
  /** `?` and the query, byte for byte as sent; empty where there is none. */
  readonly search: string
  /** What the path means at its most generous reading: see {@link decodedForPolicy}. Policies judge this. */
  readonly policyPath: string
  /** The path as it may be logged: see {@link normalPath}. */
  readonly shownPath: string
}

export interface TargetProblem {
  readonly problem: string
}

/** The platform accepts no more either, and answers 414. */
export const MAX_TARGET_BYTES = 16_384

/** Refuses a raw target by its length alone, before anything reads it. Node shows each byte as one character. */
export function tooLong(rawUrl: string): Refusal | undefined {
  if (rawUrl.length <= MAX_TARGET_BYTES) return undefined
  const detail = `It has ${rawUrl.length.toLocaleString('en-US')} bytes, and was not sent.`
  return { code: 'PROXY_TARGET_TOO_LONG', rule: 'target length', detail }
}

/** Reads a raw request target. A target that two servers could read in two ways is a problem, a sentence without input. */
export function parseTarget(rawUrl: string): Target | TargetProblem {
  if (!rawUrl.startsWith('/')) return { problem: 'The target must be a path that begins with a slash.' }
  const queryAt = rawUrl.indexOf('?')
  const search = queryAt === -1 ? '' : rawUrl.slice(queryAt)
  if (NOT_IN_A_URL.test(search)) {
    return { problem: 'The query holds a control, space, # or non-ASCII character: percent-encode it as UTF-8.' }
  }
  const { path, policyPath, shownPath } = read(queryAt === -1 ? rawUrl : rawUrl.slice(0, queryAt))
  return typeof policyPath === 'string' ? { path, search, policyPath, shownPath } : policyPath
}

const read = remembered((sent) => {
  // The Salesforce CLI and Data Loader send //services/…; http-proxy would refuse it.
  const path = collapseSlashes(sent)
  return { path, policyPath: meaningOf(path), shownPath: normalPath(path) }
})

function meaningOf(path: string): string | TargetProblem {
  if (NOT_IN_A_URL.test(path) || path.includes('\\')) {
    return { problem: 'The path holds a control, space, #, backslash or non-ASCII character.' }
  }
  return decodedForPolicy(path)
}

/**
 * The target with repeated slashes of its path collapsed: for the router, before the guard judges it. The query stays as it is,
 * and so does a target that will be refused for its length.
 */
export function collapseSlashes(target: string): string {
  if (target.length > MAX_TARGET_BYTES || !target.includes('//')) return target
  const queryAt = target.indexOf('?')
  if (queryAt === -1) return target.replace(/\/{2,}/g, '/')
  return target.slice(0, queryAt).replace(/\/{2,}/g, '/') + target.slice(queryAt)
}

// eslint's no-control-regex is content with escapes outside the C0 range, hence "all but printable ASCII".
const NOT_IN_A_URL = /[^!-~]|#/

/** Up to that which names the version, or the service: `/services/data/v62.0`. */
const API_SEGMENTS = 4

const PLAIN_PATH = /^(?:\/[\w-][\w.-]*)+$/
/** The response format that a path may end in. An empty one, a final dot, included: nobody's name for a resource ends in one. */
const RESPONSE_FORMATS = ['.', '.json', '.xml']

/**
 * The path as a lenient server could read it: decoded, case-folded, without what follows `;`, `?` or `#` in a segment, outer blanks,
 * a final slash or the `.json`/`.xml` that Salesforce takes off. A problem where even that is ambiguous.
 */
export function decodedForPolicy(path: string): string | TargetProblem {
  if (PLAIN_PATH.test(path)) return withoutResponseFormat(path.toLowerCase())
  if (/%(?![\da-f]{2})/i.test(path)) return { problem: 'The path holds a malformed percent-encoding.' }
  if (/%(?:2f|5c|[01][\da-f]|7f)/i.test(path)) {
    return { problem: 'The path holds an encoded slash, backslash or control character.' }
  }
  const folded = foldedCase(path)
  if (folded === undefined) return { problem: 'The percent-encoding of the path is not UTF-8.' }
  // Whichever of the characters of the inner encoding were encoded once more.
  if (/%[\da-f]{2}/.test(folded)) return { problem: 'The path is percent-encoded twice.' }
  const segments = folded.split('/')
  if (segments.length !== path.split('/').length || /[\\\p{Cc}]/u.test(folded)) {
    return { problem: 'The path holds a look-alike of a slash, a backslash or a control character.' }
  }
  // Behind it could be the query for whoever decodes the path before dividing it, and in that another method.
  const queryAt = folded.indexOf('?')
  if (queryAt !== -1 && folded.includes('=', queryAt)) return { problem: 'The path holds an encoded query.' }
  // There it would choose the API: `/services/data%3f` is one to some servers and none to others.
  if (/[?#]/.test(segments.slice(0, API_SEGMENTS).join('/'))) {
    return { problem: 'The path holds an encoded question mark or number sign.' }
  }
  const plain = segments.map(withoutParameters)
  if (plain.some((segment, index) => isAmbiguous(segment, index, plain.length))) {
    return { problem: 'The path holds a dot segment or an empty one.' }
  }
  const readable = withoutResponseFormat(plain.join('/'))
  return readable.length > 1 && readable.endsWith('/') ? readable.slice(0, -1) : readable
}

/** From the end, since an expression would look for the end from each dot. */
function withoutResponseFormat(path: string): string {
  const whole = path.endsWith('/') ? path.length - 1 : path.length
  let end = whole
  for (;;) {
    const format = RESPONSE_FORMATS.find((candidate) => path.endsWith(candidate, end))
    if (format === undefined) return end === whole ? path : path.slice(0, end)
    end -= format.length
  }
}

/**
 * Upper case first: Java's equalsIgnoreCase takes dotless ı for i; NFKC takes ſ for s, fullwidth letters for plain ones
 * and one-character dots and slashes apart, so that the checks after this see them.
 */
function foldedCase(path: string): string | undefined {
  const decoded = decodedOnce(path)
  return decoded?.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('\u0307', '')
}

function decodedOnce(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function withoutParameters(segment: string): string {
  const [own = ''] = segment.split(';', 1)
  // A value may begin with one: `#4711`.
  const at = own.search(/(?<=.)[?#]/)
  return (at === -1 ? own : own.slice(0, at)).trim()
}

/** The first segment stands before the leading slash, and the last is empty after a final one: both may be. */
function isAmbiguous(segment: string, index: number, count: number): boolean {
  if (segment === '') return index !== 0 && index !== count - 1
  return /^\.+$/.test(segment)
}
