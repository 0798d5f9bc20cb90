import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ProxyError } from '../errors.ts'
import { familyOf, type ApiFamily } from '../upstream/api-family.ts'
import { createAdmission, KEY_REQUIRED } from './admission.ts'
import type { AdmissionOptions, Denied } from './admission.ts'
import { codingTakenOff, withoutCoding } from './decoded-body.ts'
import { keyAmong } from './caller-key.ts'
import type { LocalCall } from './login/local-call.ts'
import { isSeparateLogin, loginEndpoint } from './login/login-paths.ts'
import { normalPath } from './normal-path.ts'
import { RequestBoundary } from './request-boundary.ts'
import { createRequestPolicy } from './request-policy.ts'
import type { BodyJudge, Recognise, RequestPolicyOptions } from './request-policy.ts'
import { toProxyError } from './refusal.ts'
import type { BodyMemory, Claim } from '../upstream/body-memory.ts'
import type { Refusal } from './refusal.ts'
import type { Target } from './request-target.ts'
import { isSoapPath } from './soap-policy.ts'

export type GuardOptions = Omit<AdmissionOptions, 'mayBeInBody'> &
  RequestPolicyOptions & {
    /** Shared by all bodies that have to be held. */
    readonly bodyMemory: BodyMemory
  }

/** A body that may go. `claim` covers what is held of it, until it is released. */
export interface JudgedBody {
  readonly stream: Readable
  readonly claim: Claim
}

/** What the server asks on the way of a request. */
export interface Guard {
  /** Judges the head: 400 target, 403 host, origin, key, 405 method, 403 path, 405 read-only; answers preflights. */
  onRequest: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void
  /**
   * The body to send: the request's own stream; or, where it has to be judged first, a stream of the very same bytes, or a call for the
   * proxy itself. Rejects with a ProxyError. What is claimed for it is released at the latest when the exchange is over.
   */
  bodyOf: (request: FastifyRequest, reply: FastifyReply) => Readable | Promise<JudgedBody | LocalCall>
  /** Whether that stream has lost the content coding that the head tells of. */
  takesCodingOff: (request: FastifyRequest) => boolean
  /** CORS fields for a listed origin's answer, errors included, they replace the upstream's own. */
  corsOf: (request: FastifyRequest) => Readonly<Record<string, string>> | undefined
  /** The name of the key that the request presented. */
  callerOf: (request: FastifyRequest) => string | undefined
  /** Its credentials named this caller. */
  nameCaller: (request: FastifyRequest, caller: string | undefined) => void
  /** The path as the policy judged it; as it was sent where it cannot be read. */
  policyPathOf: (request: FastifyRequest) => string
  /** The path as it may be logged: see {@link normalPath}. */
  shownPathOf: (request: FastifyRequest) => string
  /** Whose errors and whose session the request has, whatever becomes of it. */
  familyOf: (request: FastifyRequest) => ApiFamily
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What the guard found out of it; not there before, nor where the router refused it. */
    admission?: Passport | Denied
  }
}

interface Passport {
  readonly target: Target
  readonly isKeyDue: boolean
  readonly cors: Readonly<Record<string, string>> | undefined
  caller: string | undefined
  judgeBody: BodyJudge | undefined
}

/** May this caller ask this? Composes the policies. Throws a RangeError on a malformed setting, by its name. */
export function createGuard(options: GuardOptions): Guard {
  const { callerKeys, answersLogins = false, bodyMemory } = options
  const mayBeInBody = (method: string, path: string) =>
    answersLogins && (isSeparateLogin(path) || (method === 'POST' && isSoapPath(path)))
  const admit = createAdmission({ ...options, mayBeInBody })
  const judge = createRequestPolicy(options)
  // RFC 9110 §15.5.6: a 405 names what would be served.
  const allow = options.isReadOnly ? 'GET, HEAD, OPTIONS' : 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

  function refused(reply: FastifyReply, refusal: Refusal): ProxyError {
    if (refusal.code === 'PROXY_METHOD_REFUSED') reply.header('allow', allow)
    return toProxyError(refusal)
  }

  function localCall(
    request: FastifyRequest,
    { target, caller }: Passport,
    { stream: body, claim }: JudgedBody,
  ): LocalCall {
    const { policyPath, search } = target
    const { method } = request
    const isDecoded = codingTakenOff(method, policyPath, request.headers) !== undefined
    const headers = isDecoded ? withoutCoding(request.headers) : request.headers
    return { endpoint: loginEndpoint(policyPath) ?? 'soap', method, policyPath, search, headers, body, claim, caller }
  }

  function recogniserOf(passport: Passport): Recognise {
    if (!passport.isKeyDue) return undefined
    return (session) => {
      passport.caller = keyAmong(callerKeys?.() ?? [], session === undefined ? [] : [session])?.name
      return passport.caller !== undefined
    }
  }

  function policyPathOf(request: FastifyRequest): string {
    return request.admission?.target?.policyPath ?? request.raw.url ?? '/'
  }

  return {
    onRequest(request, reply, done) {
      const admitted = admit(request.raw)
      if ('refusal' in admitted) {
        request.admission = admitted
        done(toProxyError(admitted.refusal))
        return
      }
      const { target, caller, isKeyDue, cors, isPreflight } = admitted
      const passport: Passport = { target, isKeyDue, caller, cors, judgeBody: undefined }
      request.admission = passport
      if (isPreflight) {
        reply
          .code(204)
          .headers(cors ?? {})
          .send()
        return
      }
      const verdict = judge(request.method, target, request.headers)
      if (typeof verdict === 'object') {
        done(refused(reply, verdict))
        return
      }
      passport.judgeBody = verdict
      // Nobody would ask for the key any more.
      done(isKeyDue && verdict === undefined ? toProxyError(KEY_REQUIRED) : undefined)
    },

    bodyOf(request, reply) {
      const passport = passportOf(request)
      if (passport === undefined) throw new Error('guard.bodyOf needs guard.onRequest before it')
      if (passport.judgeBody === undefined) return request.raw
      // Node drains a body that nobody touched. This one was, and what is left of it would block the connection.
      reply.raw.once('finish', () => request.raw.resume())
      const claim = bodyMemory.claim({ isNeeded: true })
      RequestBoundary.of(reply.raw).atEnd(() => {
        claim.release()
      })
      const judging = passport.judgeBody(request.raw, { recognise: recogniserOf(passport), claim }).then((judged) => {
        if (judged instanceof Readable) return { stream: judged, claim }
        if ('login' in judged) return localCall(request, passport, { stream: judged.login, claim })
        throw refused(reply, judged)
      })
      judging.catch(() => {
        claim.release()
      })
      return judging
    },

    takesCodingOff(request) {
      const path = passportOf(request)?.target.policyPath
      return path !== undefined && codingTakenOff(request.method, path, request.headers) !== undefined
    },

    corsOf: (request) => request.admission?.cors,

    callerOf: (request) => passportOf(request)?.caller,

    nameCaller(request, caller) {
      const passport = passportOf(request)
      if (passport !== undefined && caller !== undefined) passport.caller = caller
    },

    policyPathOf,

    // What cannot be read has none yet.
    shownPathOf: (request) => request.admission?.target?.shownPath ?? normalPath(request.raw.url ?? '/'),

    familyOf: (request) => familyOf(policyPathOf(request)),
  }
}

function passportOf({ admission }: FastifyRequest): Passport | undefined {
  return admission === undefined || 'refusal' in admission ? undefined : admission
}
