import type { IncomingMessage } from 'node:http'
import type { CallerKey } from './caller-key.ts'
import { createHostPolicy } from './host-policy.ts'
import { callerFinder } from './known-callers.ts'
import { createOriginPolicy } from './origin-policy.ts'
import type { Refusal } from './refusal.ts'
import { MAX_TARGET_BYTES, parseTarget, tooLong } from './request-target.ts'
import type { Target } from './request-target.ts'

export interface AdmissionOptions {
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  /** The keys that are good now, asked for each request; undefined asks callers for none. */
  readonly callerKeys: (() => readonly CallerKey[]) | undefined
  /** Whether the key may stand in the body, where logins and SOAP have it: judged there, then. */
  readonly mayBeInBody?: (method: string, policyPath: string) => boolean
}

/** A caller who may ask, whatever it is that he asks. */
export interface Admitted {
  readonly target: Target
  /** The name of the key that was presented. */
  readonly caller: string | undefined
  /** A key is asked for, and the head has none: the body has to. */
  readonly isKeyDue: boolean
  /** Fields for the answer, errors included. */
  readonly cors: Readonly<Record<string, string>> | undefined
  /** To be answered with 204 at once. */
  readonly isPreflight: boolean
}

/** Why not. A listed origin's page may read it. */
export interface Denied {
  readonly refusal: Refusal
  readonly cors?: Admitted['cors']
  /** Undefined where it cannot be read. */
  readonly target?: Target
}

/** Far beyond what any client sends. Node would drop fields after the 2,000th without a word. */
const MAX_FIELDS = 256

/** Judges who calls and how: length and form of the head, Host, Origin, key, target. Throws a RangeError on a malformed setting. */
export function createAdmission(options: AdmissionOptions): (request: IncomingMessage) => Admitted | Denied {
  const judgeHost = createHostPolicy(options)
  const judgeOrigin = createOriginPolicy(options)
  const { callerKeys, mayBeInBody = () => false } = options
  const findCaller = callerFinder()

  return (request) => {
    const { headers, rawHeaders, method = '', url = '' } = request
    // Whatever takes longer than a look comes after these: a stranger must not choose what the proxy reads.
    const problem = tooLong(url) ?? headProblem(request)
    if (problem !== undefined) return denied(problem, url)
    const hostRefusal = judgeHost(valuesOf(rawHeaders, 'host'))
    if (hostRefusal !== undefined) return denied(hostRefusal, url)
    const originCount = headers.origin === undefined ? 0 : valuesOf(rawHeaders, 'origin').length
    const origin = judgeOrigin({ method, headers, originCount, isSecure: 'encrypted' in request.socket })
    if (origin.kind === 'refused') return denied(origin.refusal, url)
    // A preflight carries no key: browsers send it without credentials.
    const caller = callerKeys && findCaller(request.socket, callerKeys(), headers)
    const isPreflight = origin.kind === 'preflight'
    const isKeyDue = callerKeys !== undefined && caller === undefined && !isPreflight
    const target = parseTarget(url)
    if ('problem' in target) {
      return { refusal: isKeyDue ? KEY_REQUIRED : invalid('target', target.problem), cors: origin.cors }
    }
    if (isKeyDue && !mayBeInBody(method, target.policyPath)) return { refusal: KEY_REQUIRED, cors: origin.cors, target }
    return { target, caller, isKeyDue, cors: origin.cors, isPreflight }
  }
}

/** The target, where it can be read, tells the family in whose language the refusal is written, and names the request in the log. */
function denied(refusal: Refusal, url: string): Denied {
  const target = url.length > MAX_TARGET_BYTES ? undefined : parseTarget(url)
  return target === undefined || 'problem' in target ? { refusal } : { refusal, target }
}

/** No key in the head, nor where else it may be. */
export const KEY_REQUIRED: Refusal = {
  code: 'PROXY_KEY_REQUIRED',
  rule: 'PROXY_API_KEY',
  detail: 'The request presents none of its keys.',
}

function headProblem({ headers, rawHeaders, httpVersion }: IncomingMessage): Refusal | undefined {
  // Node's parser takes 0.9 and 2.0 for the same syntax, which nobody else does.
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return invalid('version', 'It is not in HTTP/1.1.')
  if (headers.host === undefined && httpVersion === '1.1') {
    return invalid('host missing', 'It has no Host header, which HTTP/1.1 requires.')
  }
  if (rawHeaders.length > MAX_FIELDS * 2)
    return invalid('header count', `It has more than ${MAX_FIELDS} header fields.`)
  const framing = framingProblem(headers['transfer-encoding'], httpVersion) ?? expectationProblem(headers, httpVersion)
  if (framing !== undefined) return framing
  // Java's HttpClient offers h2c with every first request and goes on in HTTP/1.1; RFC 9110 §7.8 lets a server ignore the offer.
  const { upgrade } = headers
  if (upgrade === undefined || upgrade.trim().toLowerCase() === 'h2c') return undefined
  return invalid('upgrade', 'It asks for an upgrade (WebSocket or the like), which the proxy does not make.')
}

/**
 * Codings before `chunked` would be missing on the way upstream, where the body is framed anew: 501 (RFC 9112 §6.1). Without a final
 * `chunked` nobody knows where the body ends: 400 and the end of the connection (§6.3), as Node's parser would have it a moment later.
 */
function framingProblem(coding: string | undefined, httpVersion: string): Refusal | undefined {
  if (coding === undefined) return undefined
  const codings = coding.toLowerCase()
  if (httpVersion === '1.0') {
    return { ...invalid('framing', 'HTTP/1.0 knows no Transfer-Encoding.'), endsConnection: true }
  }
  if (codings === 'chunked') return undefined
  if (!/(?:^|[\t ,])chunked$/.test(codings)) {
    return { ...invalid('framing', 'Its last Transfer-Encoding is not chunked.'), endsConnection: true }
  }
  return { code: 'PROXY_CODING_UNSUPPORTED', rule: 'transfer coding', detail: 'It was not sent.' }
}

/** RFC 9110 §10.1.1: a list, in which only 100-continue is known; HTTP/1.0 has no such field. */
function expectationProblem({ expect }: IncomingMessage['headers'], httpVersion: string): Refusal | undefined {
  if (expect === undefined || httpVersion === '1.0') return undefined
  const members = expect.split(',').map((member) => member.trim().toLowerCase())
  if (members.every((member) => member === '' || member === '100-continue')) return undefined
  return { code: 'PROXY_EXPECTATION_FAILED', rule: 'expectation', detail: 'It was not sent.' }
}

function invalid(rule: string, detail: string): Refusal {
  return { code: 'PROXY_REQUEST_INVALID', rule, detail }
}

/** All values of a field as sent: Node's `headers` keeps the first Host and the first Origin only. */
function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const field = rawHeaders[at]
    if (field?.length === name.length && field.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '')
  }
  return values
}
