import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { AccessToken } from '../token/token-source.ts'
import { codingProblem } from './transfer-coding.ts'
import { SESSION_PLACES, type ApiFamily } from './api-family.ts'
import { JWT_DIAGNOSIS, lookAt, lookLimit, mayRefuse, readRefusal, type Refusal } from './dead-session.ts'
import type { ExchangeController } from './exchange-controller.ts'
import { HeldAnswer } from './held-answer.ts'

/** How far an attempt came before it failed. */
export interface Progress {
  /** A byte of the request was handed to a connected socket. */
  readonly isSent: boolean
  /** The head of the final response has arrived. */
  readonly hasAnswer: boolean
}

/** The exchange that an attempt belongs to. */
export interface AttemptOwner {
  readonly handler: Dispatcher.DispatchHandler
  readonly controller: ExchangeController
  readonly family: ApiFamily
  /** Whether an Apex class may have written the answer. */
  readonly runsOrgCode: boolean
  attemptBegun(attempt: Dispatcher.DispatchController): void
  /** The connection is free again; what became of the attempt follows in the same tick. */
  attemptEnded(): void
  attemptFailed(error: Error, progress: Progress): void
  /** The failure of a connection that is being told of in this very moment. */
  breachOfConnection(): Error | undefined
  /** The API answered as it answers a valid session. */
  sessionAccepted(token: AccessToken): void
  /** The API refused the session, in an answer that is complete. `passOn` gives it to the caller, unless the request is sent again. */
  sessionRefused(refusal: SessionRefusal, passOn: () => void): void
  /** The answer is the caller's: nothing will be sent again. */
  answerBegun(): void
  answerEnded(): void
}

export interface SessionRefusal extends Refusal {
  readonly token: AccessToken
  /** The caller has not been given any of the answer. */
  readonly isHeld: boolean
}

interface Looked {
  readonly answer: HeldAnswer
  /** Whether it may be a refusal. */
  isInDoubt: boolean
  /** What is with the caller already can still tell that the token is dead, for the requests to come. */
  isPassed: boolean
}

/** One sending of a request with one token. Passes the answer on, unless it says that the token is dead. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly #owner: AttemptOwner
  readonly #token: AccessToken
  #isSent = false
  #hasAnswer = false
  /** An answer that is looked at for the sign of a dead session. */
  #looked: Looked | undefined

  constructor(owner: AttemptOwner, token: AccessToken) {
    this.#owner = owner
    this.#token = token
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#owner.attemptBegun(controller)
  }

  onBodySent(): void {
    this.#isSent = true
  }

  onRequestSent(): void {
    this.#isSent = true
  }

  onResponseStart(
    attempt: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    const { controller, family, handler } = this.#owner
    const { rawHeaders = null } = attempt
    controller.rawHeaders = rawHeaders
    if (status >= 200) {
      this.#hasAnswer = true
      const problem = codingProblem(headers)
      if (problem) {
        attempt.abort(problem)
        return
      }
      const look = lookAt(family, status, headers)
      if (look) {
        const answer = new HeldAnswer({ status, headers, statusText }, lookLimit(look))
        this.#looked = { answer, isInDoubt: look === 'hold', isPassed: false }
        return
      }
      if (status < 300) this.#owner.sessionAccepted(this.#token)
      this.#owner.answerBegun()
    }
    handler.onResponseStart?.(controller, status, headers, statusText)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { controller, handler } = this.#owner
    const looked = this.#looked
    if (!looked || looked.isPassed) handler.onResponseData?.(controller, chunk)
    if (!looked) return
    const isShort = looked.answer.add(chunk)
    if (!looked.isPassed) {
      // Looked for until it is found: an answer may come in thousands of chunks.
      looked.isInDoubt ||= mayRefuse(looked.answer.headers, looked.answer.body)
      if (!isShort || !looked.isInDoubt) this.#passOn(looked)
    }
    // Too long for a refusal: an ordinary answer after all.
    if (!isShort) this.#looked = undefined
  }

  onResponseEnd(attempt: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    const { controller } = this.#owner
    const { rawTrailers = null } = attempt
    const breach = this.#owner.breachOfConnection()
    if (breach) {
      this.onResponseError(attempt, breach)
      return
    }
    controller.detach()
    this.#owner.attemptEnded()
    controller.rawTrailers = rawTrailers
    const looked = this.#looked
    const refusal = looked && this.#refusalIn(looked.answer)
    const passOn = () => {
      if (looked?.isPassed === false) this.#passOn(looked)
      this.#owner.answerEnded()
      this.#owner.handler.onResponseEnd?.(controller, trailers)
    }
    if (refusal === undefined) passOn()
    else this.#owner.sessionRefused({ ...refusal, token: this.#token, isHeld: looked?.isPassed === false }, passOn)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#owner.controller.detach()
    this.#owner.attemptEnded()
    this.#owner.attemptFailed(error, { isSent: this.#isSent, hasAnswer: this.#hasAnswer })
  }

  #refusalIn({ status, headers, body }: HeldAnswer): Refusal | undefined {
    const { family, runsOrgCode } = this.#owner
    const refusal = readRefusal({ family, runsOrgCode }, { status, headers, body })
    const isForeignToken = this.#token.format === 'jwt' && !SESSION_PLACES[family].acceptsJwt
    return refusal?.suspects === 'always' && isForeignToken ? { ...refusal, diagnosis: JWT_DIAGNOSIS } : refusal
  }

  #passOn(looked: Looked): void {
    looked.isPassed = true
    this.#owner.answerBegun()
    looked.answer.passTo(this.#owner.handler, this.#owner.controller)
  }
}
