import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'
import type { ApiFamily } from '../upstream/api-family.ts'
import type { ForwardOptions } from '../upstream/bearer-options.ts'
import type { BodyMemory, Claim } from '../upstream/body-memory.ts'
import { isMistake, toProxyError } from '../upstream/gateway-error.ts'
import { withoutFields } from '../upstream/header-list.ts'
import { mayHoldAddresses } from '../upstream/own-addresses.ts'
import { upstreamHeaders } from '../upstream/request-headers.ts'
import { withoutSessionParameters } from '../upstream/session-parameters.ts'
import { AddressSink } from './address-sink.ts'
import { AnswerSink, type AnswerOwner } from './answer-sink.ts'
import { BodyCapture } from './body-capture.ts'
import type { Bagged } from './bag.ts'
import { MALFORMED } from './connection-guard.ts'
import type { BodyPace, PacedBody } from './body-pace.ts'
import { newFacts, type ExchangeFacts } from './exchange.ts'
import type { Guard, JudgedBody } from './guard.ts'
import type { HalfClosable, HalfClosedRequests } from './half-closed-requests.ts'
import { hasBody } from './judged-body.ts'
import { answerLocally, withIdentity } from './login/answer-locally.ts'
import type { LocalCall } from './login/local-call.ts'
import type { Login } from './login/login.ts'
import { RequestBoundary } from './request-boundary.ts'
import type { UnreadAnswers } from './unread-answers.ts'

/** What all requests share on their way. */
export interface Way {
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
  /** Shared by all that is held of requests. */
  readonly bodyMemory: BodyMemory
  /** Told of the size of each piece of a large body, either way. */
  readonly onStreamed: (bytes: number) => void
  readonly bodyPace: BodyPace
  readonly unread: UnreadAnswers
  readonly halfClosed: HalfClosedRequests
}

/** Bodies of this size cost more in V8's own heap than outside it, which is collected often enough for that. */
const SMALL_BYTES = 16 * 1024

/**
 * One request, on its way: its bytes as they came, without what belongs to this hop or would be a session of the caller's. It is itself what
 * dispatcher and sink are given, and is told of all that happens: an object of its own for each of them would cost more than the guard.
 */
export class Forwarding implements ForwardOptions, AnswerOwner, HalfClosable {
  readonly path: string
  readonly policyPath: string
  readonly method: Dispatcher.HttpMethod
  readonly headers: string[]
  body: Readable | null = null
  claim: Claim | undefined
  readonly caller: string | undefined
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly boundary: RequestBoundary
  readonly facts: ExchangeFacts
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #way: Way
  readonly #answerSink: AnswerSink
  readonly #halfClosable: Bagged<HalfClosable>
  #paced: PacedBody | undefined

  constructor(request: FastifyRequest, reply: FastifyReply, way: Way) {
    const { guard, version, captureBodies, bodyMemory } = way
    const { raw } = request
    this.#request = request
    this.#reply = reply
    this.#way = way
    this.request = raw
    this.response = reply.raw
    this.boundary = RequestBoundary.of(reply.raw)
    this.boundary.owner = this
    const family = guard.familyOf(request)
    const sent = guard.takesCodingOff(request)
      ? withoutFields(raw.rawHeaders, ['content-encoding', 'content-length'])
      : raw.rawHeaders
    this.path = withoutSessionParameters(raw.url ?? '/')
    this.policyPath = guard.policyPathOf(request)
    this.caller = guard.callerOf(request)
    // Node parsed it: one of METHODS.
    this.method = raw.method as Dispatcher.HttpMethod
    this.headers = upstreamHeaders(sent, { family, version, httpVersion: raw.httpVersion })
    const bodies = captureBodies ? BodyCapture.during(this.boundary, bodyMemory) : undefined
    this.facts = newFacts({ family, target: this.path, sentHeaders: this.headers, bodies })
    request.exchange = this.facts
    this.#answerSink = new AnswerSink(this)
    this.#halfClosable = way.halfClosed.watch(this)
  }

  begin(): void {
    const { guard, bodyPace } = this.#way
    // From before it is judged, which reads it as well.
    if (hasBody(this.request.headers)) {
      this.#paced = bodyPace.watch(this)
      this.request.on(MALFORMED, (problem: ProxyError) => {
        this.boundary.run(() => {
          this.#onMalformed(problem)
        })
      })
    }
    // Judged even where it is empty: what a policy has to read and cannot find is refused.
    const body = guard.bodyOf(this.#request, this.#reply)
    if (body instanceof Promise) {
      body.then(
        (judged) => {
          this.boundary.run(() => this.#dispatchOrAnswer(judged))
        },
        (error: unknown) => {
          this.boundary.run(() => {
            // A caller who left while the body was being judged: nobody is there to be answered, and nothing of ours failed.
            if (this.response.destroyed) this.#reply.hijack()
            else if (!this.#reply.sent) this.#reply.send(error)
          })
        },
      )
    } else {
      this.#dispatch(body)
    }
  }

  #dispatchOrAnswer(judged: JudgedBody | LocalCall): Promise<void> | undefined {
    if (this.#paced !== undefined) this.#paced.source = 'stream' in judged ? judged.stream : judged.body
    if (this.#reply.sent) return
    if ('stream' in judged) {
      this.#dispatch(judged.stream, judged.claim)
      return
    }
    const { guard, login } = this.#way
    return answerLocally(judged, { request: this.#request, reply: this.#reply, guard, login })
  }

  #dispatch(body: Readable, claim?: Claim): void {
    this.body = this.#paced === undefined ? null : body
    this.claim = claim
    this.#way.dispatcher.dispatch(this, this.#sink(this.facts.family))
  }

  #sink(family: ApiFamily): Dispatcher.DispatchHandler {
    const { guard, login, rewritesAddresses, upstreamOrigin } = this.#way
    const isRewritten = rewritesAddresses && mayHoldAddresses(family, this.method, this.policyPath)
    const { callerOrigin } = this
    const sink = isRewritten
      ? new AddressSink({ family, upstreamOrigin, callerOrigin, sink: this.#answerSink })
      : this.#answerSink
    if (login === undefined) return sink
    return withIdentity(sink, { request: this.#request, reply: this.#reply, guard, login })
  }

  onBody(chunk: Buffer): void {
    this.facts.bytesIn += chunk.length
    this.onStreamed(chunk.length)
    this.facts.bodies?.request.add(chunk)
  }

  onConnection(): void {
    this.facts.upstreamStartedAt = this.now()
  }

  get requestId(): string {
    return this.#request.id
  }

  get callerOrigin(): string {
    return `${this.#request.protocol}://${this.#request.host}`
  }

  get cors(): AnswerOwner['cors'] {
    return this.#way.guard.corsOf(this.#request)
  }

  get unread(): UnreadAnswers {
    return this.#way.unread
  }

  now(): number {
    return this.#way.clock.monotonic()
  }

  upstreamOrigin(): string {
    return this.#way.upstreamOrigin()
  }

  onStreamed(bytes: number): void {
    const { bytesIn, bytesOut } = this.facts
    if (bytesIn + bytesOut > SMALL_BYTES) this.#way.onStreamed(bytes)
  }

  onAnswer(): void {
    this.#reply.hijack()
  }

  onClosed(): void {
    this.#way.halfClosed.forget(this.#halfClosable)
  }

  get stage(): HalfClosable['stage'] {
    if (this.response.headersSent) return 'responding'
    return this.facts.upstreamStartedAt === undefined ? 'queued' : 'sent'
  }

  onHalfClosed(error: ProxyError): void {
    this.#answerSink.abort(error)
  }

  onUnread(): void {
    this.abort(new ProxyError('PROXY_UPSTREAM_BUSY', { cause: { rule: 'unread answer' } }))
  }

  onFailure(error: Error): void {
    if (isMistake(error)) this.boundary.fail(error)
    else this.#reply.send(toProxyError(error))
  }

  onException(error: unknown): void {
    this.boundary.fail(error)
  }

  /** In whatever state it is. */
  abort(problem: ProxyError): void {
    this.#request.problem = problem
    if (!this.#answerSink.abort(problem) && !this.#reply.sent) this.#reply.send(problem)
  }

  bytesOut(): number {
    return this.facts.bytesOut
  }

  onTooSlow(): void {
    this.abort(new ProxyError('PROXY_REQUEST_TIMEOUT'))
  }

  #onMalformed(problem: ProxyError): void {
    // Answered already, and the rest of its body cannot be read.
    if (this.response.writableEnded) this.request.socket.destroySoon()
    else this.abort(problem)
  }
}
