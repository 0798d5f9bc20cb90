import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { AccessToken } from '../token/token-source.ts'
import { SESSION_PLACES, type ApiFamily } from './api-family.ts'
import { JWT_UNMENDABLE, lookAt, lookLimit, readRefusal, type Look, type Verdict } from './dead-session.ts'
import type { ExchangeController } from './exchange-controller.ts'
import { HeldAnswer } from './held-answer.ts'

/** The exchange that an attempt belongs to. */
export interface AttemptOwner {
  readonly handler: Dispatcher.DispatchHandler
  readonly controller: ExchangeController
  readonly family: ApiFamily
  attemptBegun(attempt: Dispatcher.DispatchController): void
  /** The connection is free again; what became of the attempt follows in the same tick. */
  attemptEnded(): void
  attemptFailed(error: Error, hasAnswer: boolean): void
  /** The API no longer accepts this token. `isHeld`: its answer has not been passed on. True where the exchange goes on without that answer. */
  sessionRefused(token: AccessToken, isHeld: boolean): boolean
  /** The API refuses for a reason that a new token would not mend. */
  apiRefused(diagnosis: string): void
  /** The answer is the caller's: nothing will be sent again. */
  answerBegun(): void
  answerEnded(): void
}

/** One sending of a request with one token. Passes the answer on, unless it says that the token is dead. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly #owner: AttemptOwner
  readonly #token: AccessToken
  #hasAnswer = false
  /** An answer that is looked at for the sign of a dead session. */
  #looked: { readonly look: Look; readonly answer: HeldAnswer } | undefined

  constructor(owner: AttemptOwner, token: AccessToken) {
    this.#owner = owner
    this.#token = token
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#owner.attemptBegun(controller)
  }

  onResponseStart(
    { rawHeaders = null }: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    const { controller, family, handler } = this.#owner
    controller.rawHeaders = rawHeaders
    if (status >= 200) {
      this.#hasAnswer = true
      const look = lookAt(family, status, headers)
      if (look) this.#looked = { look, answer: new HeldAnswer({ status, headers, statusText }, lookLimit(look)) }
      if (look === 'hold') return
      this.#owner.answerBegun()
    }
    handler.onResponseStart?.(controller, status, headers, statusText)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { controller, handler } = this.#owner
    const looked = this.#looked
    if (looked?.look !== 'hold') handler.onResponseData?.(controller, chunk)
    // Too long for a refusal: an ordinary answer after all.
    if (looked?.answer.add(chunk) === false) this.#passOn(looked)
  }

  onResponseEnd({ rawTrailers = null }: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    const { controller, handler } = this.#owner
    controller.detach()
    this.#owner.attemptEnded()
    controller.rawTrailers = rawTrailers
    const looked = this.#looked
    if (looked) {
      const verdict = this.#judge(looked.answer)
      if (verdict === 'dead' && this.#owner.sessionRefused(this.#token, looked.look === 'hold')) return
      if (typeof verdict === 'object') this.#owner.apiRefused(verdict.unmendable)
      this.#passOn(looked)
    }
    this.#owner.answerEnded()
    handler.onResponseEnd?.(controller, trailers)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#owner.controller.detach()
    this.#owner.attemptEnded()
    this.#owner.attemptFailed(error, this.#hasAnswer)
  }

  #judge({ status, headers, body }: HeldAnswer): Verdict | undefined {
    const { family } = this.#owner
    const verdict = readRefusal(family, status, headers, body)
    const isForeignToken = this.#token.format === 'jwt' && !SESSION_PLACES[family].acceptsJwt
    return verdict === 'dead' && isForeignToken ? { unmendable: JWT_UNMENDABLE } : verdict
  }

  #passOn({ look, answer }: { look: Look; answer: HeldAnswer }): void {
    this.#looked = undefined
    if (look === 'watch') return
    this.#owner.answerBegun()
    answer.passTo(this.#owner.handler, this.#owner.controller)
  }
}
