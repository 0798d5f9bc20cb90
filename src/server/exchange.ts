import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ProxyError } from '../errors.ts'
import type { ApiFamily } from '../upstream/api-family.ts'
import { withoutSessionParameters } from '../upstream/session-parameters.ts'
import type { BodyCapture } from './body-capture.ts'
import type { RejectedRequest } from './connection-guard.ts'
import type { Guard } from './guard.ts'
import { RequestBoundary } from './request-boundary.ts'

/** What the forwarder learns of an exchange while it runs. Times are monotonic milliseconds. */
export interface ExchangeFacts {
  readonly family: ApiFamily
  /** The target as it went upstream: query included, session parameters not. */
  readonly target: string
  /** The fields that went upstream, but for the session: flat, name and value in turn. */
  readonly sentHeaders: readonly string[]
  /** When the last attempt was on a connection. */
  upstreamStartedAt: number | undefined
  /** When its last byte came, or when it failed. */
  upstreamEndedAt: number | undefined
  sessionReplaced: boolean
  /** Bytes of the body that the caller sent. */
  bytesIn: number
  /** Bytes of the body that came from upstream and went to the caller. */
  bytesOut: number
  /** Cloudaware's own name for the request: what its support asks for. */
  sfdcRequestId: string | undefined
  /** The Sforce-Limit-Info field of the answer. */
  limitInfo: string | undefined
  /** The fields that went to the caller: flat, and free of any session. */
  answerHeaders: readonly string[] | undefined
  /** The beginnings of both bodies, where the inspector keeps them. */
  readonly bodies: BodyCapture | undefined
}

/** Of an exchange that has not begun. */
export function newFacts({
  family,
  target,
  sentHeaders,
  bodies,
}: Pick<ExchangeFacts, 'family' | 'target' | 'sentHeaders' | 'bodies'>): ExchangeFacts {
  return {
    family,
    target,
    sentHeaders,
    bodies,
    upstreamStartedAt: undefined,
    upstreamEndedAt: undefined,
    sessionReplaced: false,
    bytesIn: 0,
    bytesOut: 0,
    sfdcRequestId: undefined,
    limitInfo: undefined,
    answerHeaders: undefined,
  }
}

/** A request that is over, for log, metrics and inspector. No token, and nothing of the caller's own session or key. */
export interface Exchange {
  readonly id: string
  readonly method: string
  readonly target: string
  /** Its path as it may be logged: see normal-path.ts. */
  readonly shownPath: string
  readonly family: ApiFamily
  /** Undefined where the caller left before there was an answer. */
  readonly status: number | undefined
  /** From the last byte of the request's head to the last one of the answer. */
  readonly ms: number
  /** The part of `ms` during which a connection to Cloudaware worked on it; undefined where nothing was sent. */
  readonly upstreamMs: number | undefined
  /** Bytes of the answer's body, whoever made it. */
  readonly bytesOut: number
  /** The name of the key that the caller presented. */
  readonly caller: string | undefined
  /** Why the proxy answered itself, where it did. */
  readonly problem: ProxyError | undefined
  /** The answer did not reach the caller whole. */
  readonly isBrokenOff: boolean
  /** Undefined where the request was refused before it was forwarded. */
  readonly facts: ExchangeFacts | undefined
}

/** Told of every request: `begun` as its head is there, `ended` once when all is over, `exception` for each mistake of the proxy's own. */
export interface ExchangeObserver {
  begun(): void
  exception(): void
  ended(exchange: Exchange): void
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What the forwarder learnt; null where the request was refused before it. */
    exchange: ExchangeFacts | null
    /** Why the proxy answered itself, where it did. */
    problem: ProxyError | null
    /** It brought credentials that were for the proxy alone. */
    isLogin: boolean
  }
}

interface Watched {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly observer: ExchangeObserver
  readonly now: () => number
  readonly guard: Pick<Guard, 'callerOf' | 'familyOf' | 'shownPathOf'>
}

/** Watches one request to its end, however it ends: `close` comes after `finish`, and alone where the caller leaves. */
export function watchExchange({ request, reply, observer, now, guard }: Watched): void {
  const startedAt = now()
  observer.begun()
  RequestBoundary.of(reply.raw).atEnd(() => {
    const { method, id, exchange: facts, problem } = request
    const endedAt = now()
    observer.ended({
      id,
      method,
      target: facts?.target ?? shownTarget(request),
      shownPath: guard.shownPathOf(request),
      family: facts?.family ?? guard.familyOf(request),
      status: reply.raw.headersSent ? reply.raw.statusCode : undefined,
      ms: endedAt - startedAt,
      upstreamMs:
        facts?.upstreamStartedAt === undefined
          ? undefined
          : (facts.upstreamEndedAt ?? endedAt) - facts.upstreamStartedAt,
      bytesOut: facts?.answerHeaders === undefined ? ownBytes(request, reply) : facts.bytesOut,
      caller: guard.callerOf(request),
      // Requests that the router itself refuses are not decorated.
      problem: problem ?? undefined,
      isBrokenOff: !reply.raw.writableFinished,
      facts: facts ?? undefined,
    })
  })
}

/** A request that was rejected before anybody could handle it. */
export function rejectedExchange({ id, method, problem, status, bytesOut }: RejectedRequest): Exchange {
  return {
    id,
    method,
    target: '-',
    shownPath: '-',
    family: 'rest',
    status,
    ms: 0,
    upstreamMs: undefined,
    bytesOut,
    caller: undefined,
    problem,
    isBrokenOff: status === undefined,
    facts: undefined,
  }
}

/** Of an answer that the proxy made itself, which is always written whole. */
function ownBytes({ method }: FastifyRequest, reply: FastifyReply): number {
  return method === 'HEAD' || !reply.raw.headersSent ? 0 : Number(reply.getHeader('content-length') ?? 0)
}

/** A login may carry its password in the query. */
function shownTarget({ raw, isLogin }: FastifyRequest): string {
  const target = withoutSessionParameters(raw.url ?? '/')
  const queryAt = target.indexOf('?')
  return isLogin && queryAt !== -1 ? target.slice(0, queryAt) : target
}
