import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { ProxyError } from '../errors.ts'
import { SharedStateError } from '../shared-state.ts'
import type { AccessToken, TokenHealth } from '../token/token-source.ts'
import { familyOf, needsSession, runsOrgCode, SESSION_PLACES, type ApiFamily } from './api-family.ts'
import { Attempt, type AttemptOwner, type Progress, type SessionRefusal } from './attempt.ts'
import { BoundedHandler } from './bounded-handler.ts'
import type { BearerOptions, ForwardOptions, ReplayOutcome } from './bearer-options.ts'
import type { Waiter } from './connection-queue.ts'
import { ExchangeController } from './exchange-controller.ts'
import { isMistake, toProxyError } from './gateway-error.ts'
import { withLengthGrownBy } from './header-list.ts'
import { ReplayableBody } from './replayable-body.ts'
import { withSession } from './request-headers.ts'
import { soapBody } from './soap-body.ts'
import { SoapSession } from './soap-session.ts'

export interface SharedByExchanges {
  readonly options: BearerOptions
  readonly dispatch: Dispatcher['dispatch']
}

/** One request of a caller's: a token and a place among the connections for it, then an attempt, and another where that is safe. */
export class BearerExchange implements AttemptOwner, Waiter {
  readonly handler: Dispatcher.DispatchHandler
  readonly controller: ExchangeController
  readonly family: ApiFamily
  readonly #options: BearerOptions
  readonly #dispatch: Dispatcher['dispatch']
  readonly #request: ForwardOptions
  readonly #body: ReplayableBody | undefined
  #hasPlace = false
  #isDispatched = false
  #mayBeApplied = false
  #connectionReplaced = false
  /** When the attempt began: a tick of the confirmation. */
  #sentAt = 0
  #isReplayReported = false
  #isOver = false

  constructor(shared: SharedByExchanges, request: ForwardOptions, handler: Dispatcher.DispatchHandler) {
    const { options } = shared
    this.handler = handler
    this.family = familyOf(policyPathOf(request))
    this.controller = new ExchangeController(this)
    this.#options = options
    this.#dispatch = shared.dispatch
    this.#request = request
    if (request.body instanceof Readable) {
      const { replayLimitBytes: limitBytes, bodyMemory } = options
      const { claim = bodyMemory.claim({ isNeeded: false }) } = request
      const onChunk = (chunk: Buffer) => request.onBody?.(chunk)
      const onException = (error: unknown) => {
        this.threw(error)
      }
      this.#body = new ReplayableBody(request.body, { limitBytes, claim, onChunk, onException })
    }
  }

  /** Asked of refusals alone: no pattern is tried on the way of an ordinary request. */
  get runsOrgCode(): boolean {
    return runsOrgCode(policyPathOf(this.#request))
  }

  start(): void {
    this.#run(() => {
      this.handler.onRequestStart?.(this.controller, this.controller)
      if (!this.#isOver) this.#send()
    })
  }

  /** Something was thrown in the middle of it, by a mistake of ours: it ends, and gives back what it has. */
  threw(error: unknown): void {
    try {
      this.controller.abort(new ProxyError('PROXY_INTERNAL_ERROR', { cause: error }))
      this.#body?.close()
    } catch (another) {
      this.#request.onException?.(another)
    }
    this.#request.onException?.(error)
  }

  /** Every way into the exchange, but for undici's (BoundedHandler). */
  #run(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.threw(error)
    }
  }

  #send(): void {
    this.#withToken((token) => {
      this.#enterQueue(token)
    })
  }

  /** At once where a token is held: no promise is made on the way of an ordinary request. */
  #withToken(use: (token: AccessToken) => void): void {
    const token = this.#options.tokens.get()
    if (!(token instanceof Promise)) {
      use(token)
      return
    }
    const useLater = (late: AccessToken) => {
      this.#run(() => {
        if (!this.#isOver) use(late)
      })
    }
    token.then(useLater, (error: unknown) => {
      this.#failLater(error)
    })
  }

  #enterQueue(token: AccessToken): void {
    try {
      this.#hasPlace = this.#options.queue.enter(this, this.controller.sessionReplaced || this.#connectionReplaced)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      this.#fail(error) // PROXY_UPSTREAM_BUSY
      return
    }
    if (this.#hasPlace) this.#sendWith(token)
  }

  onPlace(): void {
    this.#run(() => {
      this.#hasPlace = true
      if (this.#isOver) {
        this.#leaveQueue()
        return
      }
      // The token may have been replaced meanwhile.
      this.#withToken((token) => {
        this.#sendWith(token)
      })
    })
  }

  onRefused(error: ProxyError): void {
    this.#run(() => {
      this.#fail(error)
    })
  }

  #leaveQueue(): void {
    if (this.#hasPlace) this.#options.queue.leave()
    else this.#options.queue.withdraw(this)
    this.#hasPlace = false
  }

  #sendWith(token: AccessToken): void {
    const body = this.#body?.stream()
    // Our callers pass flat arrays; undici's type allows more.
    const headers = this.#request.headers as string[]
    if (body === undefined || !SESSION_PLACES[this.family].inBody) {
      this.#attempt(token, { headers, body: body ?? null })
      return
    }
    const session = new SoapSession(token.value, this.#request.path, policyPathOf(this.#request))
    soapBody(body, session).then(
      (soap) => {
        this.#run(() => {
          if (this.#isOver) soap.body.destroy()
          else this.#attempt(token, { headers: withLengthGrownBy(headers, soap.delta), body: soap.body })
        })
      },
      (error: unknown) => {
        this.#failLater(error)
      },
    )
  }

  #attempt(token: AccessToken, { headers, body }: { headers: readonly string[]; body: Readable | null }): void {
    const { path, method } = this.#request
    const origin = this.#options.originFor(token)
    const options = {
      origin,
      path,
      method,
      headers: withSession(headers, this.family, token.value),
      body,
      // undici closes after each HEAD, lest a body follow. The parser closes the connection if one does.
      ...(method === 'HEAD' && body === null && { reset: false }),
    }
    this.#isDispatched = true
    this.#dispatch(options, new BoundedHandler(new Attempt(this, token), this))
  }

  onAbort(reason: Error): void {
    this.#fail(reason)
  }

  attemptBegun(attempt: Dispatcher.DispatchController): void {
    this.#sentAt = this.#options.confirmation.tick()
    this.controller.attach(attempt)
    this.#request.onConnection?.()
  }

  attemptEnded(): void {
    this.#isDispatched = false
    this.#leaveQueue()
  }

  breachOfConnection(): Error | undefined {
    return this.#options.breach()
  }

  attemptFailed(error: Error, { isSent, hasAnswer }: Progress): void {
    // Out of what makes the body: no failure of the connection.
    if (isMistake(error)) throw error
    // Also where an earlier connection broke under it: only a response, such as a refused session, says that it was not applied.
    this.#mayBeApplied ||= isSent
    if (hasAnswer || !this.#mayRepeatOnNewConnection(error)) {
      this.#fail(toProxyError(error, this.#mayBeApplied))
      return
    }
    this.#connectionReplaced = true
    this.#body?.rewind()
    this.#options.onEvent({ type: 'connection-replaced', family: this.family })
    this.#send()
  }

  /** RFC 9110 §9.2.2: a kept-alive connection that the peer closed under an idempotent request, before any answer, costs a second try. */
  #mayRepeatOnNewConnection(error: Error): boolean {
    if (this.#isOver || this.#connectionReplaced || !this.#options.isStale(error)) return false
    return IDEMPOTENT.has(this.#request.method) && this.#body?.isRepeatable !== false
  }

  sessionAccepted(token: AccessToken): void {
    if (needsSession(this.family, policyPathOf(this.#request))) this.#options.confirmation.accepted(token, this.#sentAt)
  }

  sessionRefused(refusal: SessionRefusal, passOn: () => void): void {
    const { token, suspects } = refusal
    const { confirmation, tokens } = this.#options
    this.#reportReplay('refused')
    // A second refusal, with the new session, is the API's last word on this request.
    const mayBeDead = suspects === 'always' || (suspects === 'if-it-worked' && confirmation.hasWorked(token))
    if (!mayBeDead || this.controller.sessionReplaced) {
      this.#passRefusalOn(refusal, passOn)
      return
    }
    const { method, caller } = this.#request
    // Nothing more is read meanwhile: it could pass the limit, and the request could not be sent again.
    if (refusal.isHeld) this.#body?.rewind()
    const target = `${method} ${policyPathOf(this.#request).replace(/\?.*/s, '')}`
    const settle = (health: TokenHealth) => {
      if (health === 'dead') tokens.retire(token)
      if (this.#isOver) return
      if (health === 'dead' && refusal.isHeld) this.#sendAgain(token, passOn)
      else this.#passRefusalOn(refusal, passOn)
    }
    confirmation.check({ token, sentAt: this.#sentAt, caller, target }).then(
      (health) => {
        this.#run(() => {
          settle(health)
        })
      },
      (error: unknown) => {
        this.threw(error)
      },
    )
  }

  #passRefusalOn({ diagnosis }: SessionRefusal, passOn: () => void): void {
    if (diagnosis !== undefined) this.#options.onEvent({ type: 'api-refused', family: this.family, diagnosis })
    passOn()
  }

  /** The token is dead. The platform checks the session first, so nothing was applied, unless the org's own code gave the answer. */
  #sendAgain({ fingerprint }: AccessToken, passOn: () => void): void {
    const { onEvent } = this.#options
    const { family } = this
    const isRepeatable = this.#body?.isRepeatable !== false
    // Its answer is passed on where it cannot be repeated, since nobody else knows what its code has done.
    if (this.runsOrgCode && (!isRepeatable || !IDEMPOTENT.has(this.#request.method))) {
      onEvent({ type: 'session-lost', family, fingerprint, why: 'unsafe' })
      passOn()
      return
    }
    if (!isRepeatable) {
      onEvent({ type: 'session-lost', family, fingerprint, why: 'too_large' })
      this.#fail(new ProxyError('PROXY_SESSION_REPLACED'))
      return
    }
    onEvent({ type: 'session-replaced', family, fingerprint })
    this.controller.sessionReplaced = true
    this.#mayBeApplied = this.runsOrgCode
    this.#send()
  }

  answerBegun(): void {
    this.#body?.release()
    this.#reportReplay('answered')
  }

  answerEnded(): void {
    this.#isOver = true
    this.#body?.close()
  }

  /** How the second sending went, once: an answer that has begun may still break off. */
  #reportReplay(outcome: ReplayOutcome): void {
    if (!this.controller.sessionReplaced || this.#isReplayReported) return
    this.#isReplayReported = true
    this.#options.onEvent({ type: 'replay-ended', family: this.family, outcome })
  }

  /** With what a promise was rejected: token sources and streams reject with errors. */
  #failLater(error: unknown): void {
    this.#run(() => {
      if (error instanceof SharedStateError) throw error
      this.#fail(error as Error)
    })
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#reportReplay('failed')
    this.#body?.close()
    // What undici has, undici ends: the connection is not free before.
    if (!this.#isDispatched) this.#leaveQueue()
    this.handler.onResponseError?.(this.controller, error)
  }
}

/** Callers other than the proxy's own listener judge no path: theirs is spelt plainly. */
function policyPathOf({ policyPath, path }: ForwardOptions): string {
  return policyPath ?? path
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
