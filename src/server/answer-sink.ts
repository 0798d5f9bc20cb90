import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { ProxyError, proxyStatus } from '../errors.ts'
import type { ExchangeContext } from '../upstream/exchange-controller.ts'
import { callerHeaders, callerTrailers } from '../upstream/response-headers.ts'
import type { ExchangeFacts } from './exchange.ts'
import { writeInterim } from './interim-answer.ts'
import type { RequestBoundary } from './request-boundary.ts'
import type { UnreadAnswer, UnreadAnswers } from './unread-answers.ts'

/** Whose answer it is; told how it goes. */
export interface AnswerOwner {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly boundary: RequestBoundary
  readonly facts: ExchangeFacts
  /** Returned as X-Request-Id. */
  readonly requestId: string
  /** Monotonic milliseconds. */
  now(): number
  /** The origin whose absolute Location values point back at the caller's address; asked once an answer is there. */
  upstreamOrigin(): string
  readonly callerOrigin: string
  /** Fields for a listed web origin, where the caller is one. */
  readonly cors: Readonly<Record<string, string>> | undefined
  /** Told of the size of each piece of the body. */
  onStreamed(bytes: number): void
  /** Called once, when the head of the upstream's answer is written: the answer is ours to write from here. */
  onAnswer(): void
  /** Where it is known while its caller does not read. */
  readonly unread: UnreadAnswers
  /** Called once, when the response is closed, however it went. */
  onClosed(): void
  /** Called when its caller has not read for too long, and others wait for the connection. */
  onUnread(): void
  /** Called when there is no answer to write: nothing has been sent to the caller yet. */
  onFailure(error: Error): void
}

/**
 * Writes an upstream's answer straight into the caller's response: piece by piece, no faster than the caller reads.
 * A caller that leaves ends the upstream call; an upstream that breaks off breaks the caller's connection, so that
 * a part is never taken for the whole.
 */
export class AnswerSink implements Dispatcher.DispatchHandler, UnreadAnswer {
  readonly #owner: AnswerOwner
  #controller: Dispatcher.DispatchController | undefined
  #context: ExchangeContext = { sessionReplaced: false }
  #callerLeft = false
  #isWaitingForDrain = false
  /** Content-Length, where the head tells it. */
  #length = NaN
  #isWhole = false

  constructor(owner: AnswerOwner) {
    this.#owner = owner
    const { response, boundary } = owner
    boundary.atEnd(() => {
      this.#isRead()
      owner.onClosed()
      if (response.writableFinished) return
      this.#callerLeft = true
      this.#controller?.abort(new Error('the caller left'))
    })
  }

  /** Ends the exchange for this reason; false where it has not begun yet. */
  abort(reason: Error): boolean {
    this.#controller?.abort(reason)
    return this.#controller !== undefined
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#controller = controller
    // The bearer interceptor gives this context.
    this.#context = context as ExchangeContext
    // While its body was read and judged.
    if (this.#callerLeft) controller.abort(new Error('the caller left'))
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    fields: IncomingHttpHeaders,
    text?: string,
  ): void {
    const owner = this.#owner
    const { response, facts, cors } = owner
    const { sessionReplaced } = this.#context
    const isInterim = status < 200
    const headers = callerHeaders(rawPairs(controller.rawHeaders), {
      family: facts.family,
      origins: owner,
      cors: isInterim ? undefined : cors,
      proxyStatus: sessionReplaced && !isInterim ? proxyStatus({ details: 'session replaced' }) : undefined,
    })
    if (isInterim) {
      this.#writing(controller, () => {
        writeInterim(response, status, headers)
      })
      return
    }
    headers.push('X-Request-Id', owner.requestId)
    facts.sessionReplaced = sessionReplaced
    facts.sfdcRequestId = single(fields['x-sfdc-request-id'])
    facts.limitInfo = single(fields['sforce-limit-info'])
    facts.answerHeaders = headers
    this.#length = lengthOf(headers)
    const isWritten = this.#writing(controller, () => response.writeHead(status, writableReason(text), headers))
    if (!isWritten) return
    owner.onAnswer()
    // A stream's head must not wait for its first event; a small answer's head leaves with its body, in one write.
    // An empty write and not flushHeaders, which would send the bytes of latin1 as UTF-8.
    queueMicrotask(() => {
      owner.boundary.run(() => {
        if (!response.writableEnded) response.write('', 'latin1')
      })
    })
  }

  /** What Node refuses to write, it refuses by throwing: such a head is the upstream's mistake, not ours, and there is no answer yet. */
  #writing(controller: Dispatcher.DispatchController, write: () => void): boolean {
    try {
      write()
      return true
    } catch (cause) {
      controller.abort(new ProxyError('PROXY_UPSTREAM_UNREACHABLE', { cause, type: 'http_protocol_error' }))
      return false
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response, facts } = this.#owner
    facts.bytesOut += chunk.length
    this.#owner.onStreamed(chunk.length)
    facts.bodies?.answer.add(chunk)
    if (chunk.length === this.#length) {
      this.#isWhole = true
      // Not `write` and `end`, which would be as many pieces for Node to put together. A small one as a text of its bytes, for Node joins
      // that to the head: one piece, which leaves by `write` and not by the costlier `writev`.
      if (chunk.length > SMALL_BYTES) response.end(chunk)
      else response.end(chunk.toString('latin1'), 'latin1')
      return
    }
    if (response.write(chunk) || this.#isWaitingForDrain) return
    this.#isWaitingForDrain = true
    controller.pause()
    this.#owner.unread.add(this)
    response.once('drain', () => {
      this.#owner.boundary.run(() => {
        this.#isRead()
        controller.resume()
      })
    })
  }

  giveUp(): void {
    this.#owner.boundary.run(() => {
      this.#owner.onUnread()
    })
  }

  /** Or there is no more to be read that would hold a connection. */
  #isRead(): void {
    if (this.#isWaitingForDrain) this.#owner.unread.delete(this)
    this.#isWaitingForDrain = false
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const { response, facts } = this.#owner
    facts.upstreamEndedAt = this.#owner.now()
    this.#isRead()
    if (!this.#isWhole) {
      const trailers = callerTrailers(rawPairs(controller.rawTrailers))
      if (trailers.length > 0) response.addTrailers(trailers)
      response.end()
    }
    this.#drainRequest()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const { response, facts } = this.#owner
    facts.upstreamEndedAt = this.#owner.now()
    if (this.#callerLeft) return
    if (response.headersSent) response.destroy(error)
    else this.#owner.onFailure(error)
    this.#drainRequest()
  }

  /** An answer may come before the body is through: the rest is read and thrown away, so that the next request on the connection is found. */
  #drainRequest(): void {
    const { request } = this.#owner
    if (!request.readableEnded) request.resume()
  }
}

/** With its head, this still fits the buffer in which Node turns text into bytes without asking for memory (16 KiB). */
const SMALL_BYTES = 8 * 1024

/** NaN where there is none. */
function lengthOf(headers: readonly string[]): number {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]
    if (name?.length === CONTENT_LENGTH.length && name.toLowerCase() === CONTENT_LENGTH) return Number(headers[at + 1])
  }
  return NaN
}

const CONTENT_LENGTH = 'content-length'

/** The reason phrase, or undefined (Node's own) where it holds what Node cannot write: undici reads it as UTF-8, and passes controls. */
function writableReason(text: string | undefined): string | undefined {
  return text !== undefined && /^[\t -~\u00a0-\u00ff]*$/.test(text) ? text : undefined
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

type RawHeaders = Dispatcher.DispatchController['rawHeaders']

/** undici's HTTP/1.1 client gives a flat array of Buffers, name and value in turn. */
function rawPairs(raw: RawHeaders): readonly Buffer[] {
  return Array.isArray(raw) ? (raw as Buffer[]) : []
}
