import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ProxyError } from '../errors.ts'
import { createAdmission } from './admission.ts'
import type { AdmissionOptions } from './admission.ts'
import { createRequestPolicy } from './request-policy.ts'
import type { BodyJudge, RequestPolicyOptions } from './request-policy.ts'
import { toProxyError } from './refusal.ts'
import type { Refusal } from './refusal.ts'

export type GuardOptions = AdmissionOptions & RequestPolicyOptions

/** What the server asks on the way of a request. */
export interface Guard {
  /** Judges the head: 400 target, 403 host, origin, key, 405 method, 403 path, 405 read-only; answers preflights. */
  onRequest: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void
  /** The body to send: the request's own stream; or, where it has to be judged first, a stream of the very same bytes. Rejects with a ProxyError. */
  bodyOf: (request: FastifyRequest, reply: FastifyReply) => Readable | Promise<Readable>
  /** CORS fields for a listed origin's answer, errors included, they replace the upstream's own. */
  corsOf: (request: FastifyRequest) => Readonly<Record<string, string>> | undefined
  /** The name of the key that the request presented. */
  callerOf: (request: FastifyRequest) => string | undefined
}

interface Passport {
  caller: string | undefined
  cors: Readonly<Record<string, string>> | undefined
  judgeBody: BodyJudge | undefined
}

/** May this caller ask this? Composes the policies. Throws a RangeError on a malformed setting, by its name. */
export function createGuard(options: GuardOptions): Guard {
  const admit = createAdmission(options)
  const judge = createRequestPolicy(options)
  // RFC 9110 §15.5.6: a 405 names what would be served.
  const allow = options.isReadOnly ? 'GET, HEAD, OPTIONS' : 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
  const passports = new WeakMap<FastifyRequest, Passport>()

  function refused(reply: FastifyReply, refusal: Refusal): ProxyError {
    if (refusal.code === 'PROXY_METHOD_REFUSED') reply.header('allow', allow)
    return toProxyError(refusal)
  }

  return {
    onRequest(request, reply, done) {
      const admitted = admit(request.raw)
      if ('refusal' in admitted) {
        passports.set(request, { caller: undefined, cors: admitted.cors, judgeBody: undefined })
        done(toProxyError(admitted.refusal))
        return
      }
      const { target, caller, cors, isPreflight } = admitted
      const passport: Passport = { caller, cors, judgeBody: undefined }
      passports.set(request, passport)
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
      done()
    },

    bodyOf(request, reply) {
      const passport = passports.get(request)
      if (passport === undefined) throw new Error('guard.bodyOf needs guard.onRequest before it')
      if (passport.judgeBody === undefined) return request.raw
      // Node drains a body that nobody touched. This one was, and what is left of it would block the connection.
      reply.raw.once('finish', () => request.raw.resume())
      return passport.judgeBody(request.raw).then((judged) => {
        if (judged instanceof Readable) return judged
        throw refused(reply, judged)
      })
    },

    corsOf: (request) => passports.get(request)?.cors,

    callerOf: (request) => passports.get(request)?.caller,
  }
}
