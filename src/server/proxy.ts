import type { Readable } from 'node:stream'
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'
import { METHODS } from '../node-http.ts'
import type { ForwardOptions } from '../upstream/bearer-options.ts'
import type { BodyMemory, Claim } from '../upstream/body-memory.ts'
import { toProxyError } from '../upstream/gateway-error.ts'
import { mayHoldAddresses } from '../upstream/own-addresses.ts'
import { withoutFields } from '../upstream/header-list.ts'
import { upstreamHeaders } from '../upstream/request-headers.ts'
import { withoutSessionParameters } from '../upstream/session-parameters.ts'
import { AddressSink } from './address-sink.ts'
import { AnswerSink } from './answer-sink.ts'
import { BodyPace } from './body-pace.ts'
import { BodyCapture } from './body-capture.ts'
import { newFacts } from './exchange.ts'
import type { Guard, JudgedBody } from './guard.ts'
import { hasBody } from './judged-body.ts'
import { answerLocally, withIdentity } from './login/answer-locally.ts'
import type { LocalCall } from './login/local-call.ts'
import type { Login } from './login/login.ts'
import { UnreadAnswers } from './unread-answers.ts'

export interface ProxyOptions {
  readonly guard: Guard
  /** PROXY_LOGIN; undefined where callers that log in are refused. */
  readonly login?: Login | undefined
  readonly dispatcher: Dispatcher
  /** The pinned origin of the API, as far as it is known. */
  readonly upstreamOrigin: () => string
  /** PROXY_REWRITE_BODIES: whether the org's own addresses in small, known answers become the caller's. */
  readonly rewritesAddresses: boolean
  readonly version: string
  /** Keep the beginnings of bodies, for the inspector. */
  readonly captureBodies: boolean
  readonly clock: Clock
  /** How many requests wait for a connection to Cloudaware. */
  readonly waiting: () => number
  /** Shared by all that is held of requests. */
  readonly bodyMemory: BodyMemory
  /** Told of the size of each piece of a body, either way. */
  readonly onStreamed: (bytes: number) => void
}

/** CONNECT never reaches a router; TRACE would echo the injected session to the caller, and is refused by the guard. */
const FORWARDED_METHODS = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE')

/**
 * Mounts @fastify/http-proxy over the whole path space, with our own forwarder in its `preHandler` seam. reply-from is thereby out of
 * the way of a request, and with it: TLS without verification, a 503 asked eleven times, Retry-After read as milliseconds,
 * ECONNREFUSED as 500, and upstream calls that outlive their caller.
 */
export async function mountProxy(app: FastifyInstance, options: ProxyOptions): Promise<void> {
  // Bodiless to Fastify means that nobody parses, limits or refuses a body: it streams on, whatever its type.
  for (const method of FORWARDED_METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.decorateRequest('exchange', null)
  app.decorateRequest('problem', null)
  app.decorateRequest('isLogin', false)
  app.decorateRequest('admission', undefined)
  const bodyPace = new BodyPace(options.clock)
  const unread = new UnreadAnswers(options)
  app.addHook('onClose', () => {
    bodyPace.close()
    unread.close()
  })
  const way: Way = { ...options, bodyPace, unread, now: () => options.clock.monotonic() }
  await app.register(httpProxy, {
    upstream: options.upstreamOrigin(),
    // Any object with `request` keeps reply-from from building an Agent of its own, one that verifies no certificate.
    undici: options.dispatcher as never, // typed by the plugin's own undici 7
    httpMethods: FORWARDED_METHODS,
    proxyPayloads: false,
    // Before the plugin's own handler, which would parse three URLs to find the target that is known here. The hook never calls back:
    // the request does not come to that handler.
    preHandler: (request, reply) => {
      forward(request, reply, way)
    },
  })
}

interface Way extends ProxyOptions {
  readonly bodyPace: BodyPace
  readonly unread: UnreadAnswers
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** One request, on its way: its bytes as they came, without what belongs to this hop or would be a session of the caller's. */
function forward(request: FastifyRequest, reply: FastifyReply, options: Way): void {
  const { dispatcher, guard, login, upstreamOrigin, version, captureBodies, now, onStreamed } = options
  const { raw } = request
  const target = raw.url ?? '/'
  const policyPath = guard.policyPathOf(request)
  const family = guard.familyOf(request)
  const sent = guard.takesCodingOff(request)
    ? withoutFields(raw.rawHeaders, ['content-encoding', 'content-length'])
    : raw.rawHeaders
  const facts = newFacts({
    family,
    target: withoutSessionParameters(target),
    sentHeaders: upstreamHeaders(sent, { family, version, httpVersion: raw.httpVersion }),
    bodies: captureBodies ? BodyCapture.until(reply.raw, options.bodyMemory) : undefined,
  })
  request.exchange = facts
  const callerOrigin = `${request.protocol}://${request.host}`
  const answerSink = new AnswerSink({
    request: raw,
    response: reply.raw,
    facts,
    requestId: request.id,
    now,
    upstreamOrigin,
    callerOrigin,
    cors: guard.corsOf(request),
    onStreamed,
    unread: options.unread,
    onUnread: () => {
      request.problem = new ProxyError('PROXY_UPSTREAM_BUSY', { cause: { rule: 'unread answer' } })
      answerSink.abort(request.problem)
    },
    onAnswer: () => {
      reply.hijack()
    },
    onFailure: (error) => {
      reply.send(toProxyError(error))
    },
  })
  const isRewritten = options.rewritesAddresses && mayHoldAddresses(family, request.method, policyPath)
  const ownSink = isRewritten ? new AddressSink({ family, upstreamOrigin, callerOrigin, sink: answerSink }) : answerSink
  const sink = login === undefined ? ownSink : withIdentity(ownSink, { request, reply, guard, login })
  // From before it is judged, which reads it as well.
  const paced = hasBody(raw.headers)
    ? options.bodyPace.watch({
        request: raw,
        response: reply.raw,
        bytesOut: () => facts.bytesOut,
        onTooSlow: () => {
          request.problem = new ProxyError('PROXY_REQUEST_TIMEOUT')
          if (!answerSink.abort(request.problem)) reply.send(request.problem)
        },
      })
    : undefined
  const dispatch = (body: Readable, claim?: Claim) => {
    const outgoing: ForwardOptions = {
      path: facts.target,
      policyPath,
      // Node parsed it: one of METHODS.
      method: raw.method as Dispatcher.HttpMethod,
      // Only ever read: what is added goes into a copy.
      headers: facts.sentHeaders as string[],
      body: paced === undefined ? null : body,
      claim,
      onBody: (chunk) => {
        facts.bytesIn += chunk.length
        onStreamed(chunk.length)
        facts.bodies?.request.add(chunk)
      },
      onConnection: () => {
        facts.upstreamStartedAt = now()
      },
    }
    dispatcher.dispatch(outgoing, sink)
  }
  const dispatchOrAnswer = (judged: JudgedBody | LocalCall) => {
    if (paced !== undefined) paced.source = 'stream' in judged ? judged.stream : judged.body
    if (reply.sent) return
    if ('stream' in judged) dispatch(judged.stream, judged.claim)
    else void answerLocally(judged, { request, reply, guard, login })
  }
  // Judged even where it is empty: what a policy has to read and cannot find is refused.
  const body = guard.bodyOf(request, reply)
  if (body instanceof Promise) {
    body.then(dispatchOrAnswer, (error: unknown) => {
      // A caller who left while the body was being judged: nobody is there to be answered, and nothing of ours failed.
      if (reply.raw.destroyed) reply.hijack()
      else if (!reply.sent) reply.send(error)
    })
  } else {
    dispatch(body)
  }
}
