import { Readable } from 'node:stream'
import { KEY_REQUIRED } from './admission.ts'
import { carriesRequests, judgeComposite } from './composite-policy.ts'
import type { Judge } from './composite-policy.ts'
import { codingTakenOff, decodedBody, withoutCoding } from './decoded-body.ts'
import { effectiveMethods, isReadMethod } from './effective-method.ts'
import type { HeaderFields } from './effective-method.ts'
import type { Claim } from '../upstream/body-memory.ts'
import { bodyOf } from '../upstream/body-stream.ts'
import { bytesOf, hasBody, readBody, unjudgeableBody, unreadable } from './judged-body.ts'
import { bodyJudgement, judgeText, unjudgeableText } from './named-types.ts'
import { createDenials, createPathPolicy } from './path-policy.ts'
import type { PathPolicyOptions } from './path-policy.ts'
import { isLoginOperation, isSeparateLogin, loginEndpoint } from './login/login-paths.ts'
import { sessionIn } from './login/xml.ts'
import { judgeReadOnly } from './read-only.ts'
import { createRecordPolicy } from './record-policy.ts'
import type { RecordPolicy } from './record-policy.ts'
import type { Refusal } from './refusal.ts'
import type { Target } from './request-target.ts'
import { isSoapPath, judgeSoap, peekSoap } from './soap-policy.ts'
import { onlyOperation } from './soap-remainder.ts'
import { judgeEnvelope, soapJudgement } from './soap-types.ts'

export interface RequestPolicyOptions extends PathPolicyOptions {
  /** PROXY_READ_ONLY. */
  readonly isReadOnly: boolean
  /** How much of a composite body is held to be judged. */
  readonly compositeLimitBytes: number
  /** PROXY_LOGIN: whether logins are answered here, and therefore may be asked for. */
  readonly answersLogins?: boolean
}

/** A body that the proxy answers itself, from its first byte on. */
export interface LoginBody {
  readonly login: Readable
}

/** Whether the session in a body names a caller. Undefined where nobody has to be named. */
export type Recognise = ((session: string | undefined) => boolean) | undefined

export interface JudgeMeans {
  readonly recognise: Recognise
  /** Covers what is held of the body; whoever has the result releases it. */
  readonly claim: Claim
}

/** Judges a body and resolves to a stream of the same bytes, or to why it may not go. Rejects with PROXY_MEMORY_FULL. */
export type BodyJudge = (body: Readable, means: JudgeMeans) => Promise<Readable | LoginBody | Refusal>

/** Undefined lets the request pass, a function lets it pass with a body that the function takes, a refusal refuses. */
export type RequestPolicy = (method: string, target: Target, headers: HeaderFields) => Refusal | BodyJudge | undefined

/** Judges what is asked: method, path, read-only. Throws a RangeError on a malformed setting. */
export function createRequestPolicy(options: RequestPolicyOptions): RequestPolicy {
  const judgePath = createPathPolicy(options)
  const judgeDenied = createDenials(options.deniedPaths)
  const records = createRecordPolicy(options.allowedPaths)
  const judge: Judge = (method, path, search) =>
    judgePath(method, path, search) ?? (options.isReadOnly ? judgeReadOnly(method, path) : undefined)
  const judgePart: Judge = (method, path, search, body) =>
    judge(method, path, search) ?? bodyJudgement(path, records)?.(JSON.stringify(body ?? null))

  return (method, { policyPath, search }, headers) => {
    // TRACE would give the injected token back.
    if (NEVER_FORWARDED.has(method)) return methodRefusal(method)
    if (options.answersLogins === true && isSeparateLogin(policyPath)) {
      return judgeDenied(policyPath) ?? ((login) => Promise.resolve({ login }))
    }
    const methods = effectiveMethods(method, search, headers)
    const isComposite = carriesRequests(policyPath)
    if (!isComposite && !isSoapPath(policyPath)) {
      const refusal = firstRefusal(methods, (name) => judge(name, policyPath, search))
      // A body that came with a GET would be sent on as well.
      if (refusal !== undefined || (methods.every(isReadMethod) && !hasBody(headers))) return refusal
      const judgement = bodyJudgement(policyPath, records)
      if (judgement === undefined) return undefined
      return (
        unjudgeableText(headers) ?? ((body, { claim }) => judgeText({ policyPath, body, headers, claim }, judgement))
      )
    }

    const refusal = firstRefusal(methods, (name) => judgePath(name, policyPath, search))
    if (refusal !== undefined) return refusal
    if (methods.length > 1) return unreadable('A method override is not passed on with a body that has to be judged.')
    if (isReadMethod(method) && !hasBody(headers)) return undefined
    // A body that came with a GET would be sent on as well, and who knows who reads it.
    if (method !== 'POST') return methodRefusal('other than POST')
    const coding = codingTakenOff(method, policyPath, headers)
    const bodyProblem = unjudgeableBody(coding === undefined ? headers : withoutCoding(headers), !isComposite)
    if (bodyProblem !== undefined) return bodyProblem
    if (isComposite) return compositeJudge(judgePart, options.compositeLimitBytes)
    const judgeCall = soapJudge(policyPath, records, options)
    if (coding === undefined) return judgeCall
    return async (body, means) => judgeCall(decodedBody(body, coding, means.claim), means)
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

function compositeJudge(judge: Judge, limitBytes: number): BodyJudge {
  return async (stream, { claim }) => {
    const body = await readBody(stream, { limitBytes, claim })
    if (body === 'too-large') {
      return unreadable(
        `The proxy reads a composite to judge its parts, and this one is larger than ${limitBytes} bytes.`,
      )
    }
    return judgeComposite(body, judge) ?? bodyOf([body])
  }
}

function soapJudge(policyPath: string, records: RecordPolicy, options: RequestPolicyOptions): BodyJudge {
  const hasLogin = options.answersLogins === true && loginEndpoint(policyPath) === 'soap'
  return async (stream, { recognise, claim }) => {
    const { held, text, found } = await peekSoap(stream, claim)
    // What cannot be read goes nowhere, but a SOAP client is to be told so in SOAP, as the platform does it.
    if (hasLogin && (typeof found === 'object' || isLoginOperation(found))) {
      return { login: bodyOf(continued(held, stream)) }
    }
    if (recognise?.(sessionIn(text.toString())) === false) return KEY_REQUIRED
    if (typeof found === 'object') return found
    const judged = judgeSoap(found, policyPath, options) ?? onlyOperation(held, stream)
    const judgement = soapJudgement(found, policyPath, records)
    return judged instanceof Readable && judgement !== undefined ? judgeEnvelope(judged, claim, judgement) : judged
  }
}

async function* continued(held: Buffer, rest: Readable): AsyncGenerator<Buffer> {
  yield held
  yield* bytesOf(rest)
}
