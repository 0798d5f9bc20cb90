import { Readable } from 'node:stream'
import { carriesRequests, judgeComposite } from './composite-policy.ts'
import type { Judge } from './composite-policy.ts'
import { effectiveMethods, isReadMethod } from './effective-method.ts'
import type { HeaderFields } from './effective-method.ts'
import { bytesOf, readComposite, unjudgeableBody, unreadable } from './judged-body.ts'
import { createPathPolicy } from './path-policy.ts'
import type { PathPolicyOptions } from './path-policy.ts'
import { judgeReadOnly } from './read-only.ts'
import type { Refusal } from './refusal.ts'
import type { Target } from './request-target.ts'
import { isSoapPath, judgeSoap, peekSoap } from './soap-policy.ts'

export interface RequestPolicyOptions extends PathPolicyOptions {
  /** PROXY_READ_ONLY. */
  readonly isReadOnly: boolean
  /** How much of a composite body is held to be judged. */
  readonly compositeLimitBytes: number
  /** What the proxy answers itself, so that it may be asked: policy paths (lower case), and SOAP operations (lower case). */
  readonly answeredHere?: { readonly paths: readonly string[]; readonly soapOperations: readonly string[] }
}

/** Judges a body and resolves to a stream of the same bytes, or to why it may not go. */
export type BodyJudge = (body: Readable) => Promise<Readable | Refusal>

/** Undefined lets the request pass, a function lets it pass with a body that the function takes, a refusal refuses. */
export type RequestPolicy = (method: string, target: Target, headers: HeaderFields) => Refusal | BodyJudge | undefined

/** Judges what is asked: method, path, read-only. Throws a RangeError on a malformed setting. */
export function createRequestPolicy(options: RequestPolicyOptions): RequestPolicy {
  const judgePath = createPathPolicy(options)
  const localPaths = new Set(options.answeredHere?.paths)
  const judge: Judge = (method, path) =>
    judgePath(method, path) ?? (options.isReadOnly ? judgeReadOnly(method, path) : undefined)

  return (method, { policyPath, search }, headers) => {
    // TRACE would give the injected token back.
    if (NEVER_FORWARDED.has(method)) return methodRefusal(method)
    if (localPaths.has(policyPath)) return undefined
    const methods = effectiveMethods(method, search, headers)
    const isComposite = carriesRequests(policyPath)
    if (!isComposite && !isSoapPath(policyPath)) return firstRefusal(methods, (name) => judge(name, policyPath))

    const refusal = firstRefusal(methods, (name) => judgePath(name, policyPath))
    if (refusal !== undefined) return refusal
    if (methods.length > 1) return unreadable('A method override is not passed on with a body that has to be judged.')
    if (isReadMethod(method)) return undefined
    if (method !== 'POST') return methodRefusal('other than POST')
    const bodyProblem = unjudgeableBody(headers)
    if (bodyProblem !== undefined) return bodyProblem
    return isComposite ? compositeJudge(judge, options.compositeLimitBytes) : soapJudge(policyPath, options)
  }
}

const NEVER_FORWARDED = new Set(['TRACE', 'TRACK', 'CONNECT'])

function methodRefusal(method: string): Refusal {
  return { code: 'PROXY_METHOD_REFUSED', rule: `method ${method}`, detail: 'No setting allows it.' }
}

function firstRefusal(methods: readonly string[], judge: (method: string) => Refusal | undefined): Refusal | undefined {
  for (const method of methods) {
    const refusal = judge(method)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function compositeJudge(judge: Judge, limit: number): BodyJudge {
  return async (stream) => {
    const body = await readComposite(stream, limit)
    if (body === 'too-large') {
      return unreadable(`The proxy reads a composite to judge its parts, and this one is larger than ${limit} bytes.`)
    }
    return judgeComposite(body, judge) ?? Readable.from([body], { objectMode: false })
  }
}

function soapJudge(policyPath: string, options: RequestPolicyOptions): BodyJudge {
  return async (stream) => {
    const { held, found } = await peekSoap(stream)
    if (typeof found === 'object') return found
    const isAnsweredHere = options.answeredHere?.soapOperations.includes(found.toLowerCase()) === true
    const refusal = isAnsweredHere ? undefined : judgeSoap(found, policyPath, options)
    return refusal ?? Readable.from(continued(held, stream), { objectMode: false })
  }
}

async function* continued(held: Buffer, rest: Readable): AsyncGenerator<Buffer> {
  yield held
  yield* bytesOf(rest)
}
