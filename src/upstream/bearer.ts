import { Readable } from 'node:stream'
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { ProxyError } from '../errors.ts'
import type { AccessToken, TokenSource } from '../token/token-source.ts'
import { familyOf, SESSION_PLACES, type ApiFamily } from './api-family.ts'
import { JWT_UNMENDABLE, MAX_REFUSAL_BYTES, mayBeDeadSession, readRefusal, type Verdict } from './dead-session.ts'
import { ReplayableBody, type ReplayMemory } from './replayable-body.ts'
import { withLengthGrownBy } from './header-list.ts'
import { withSession } from './request-headers.ts'
import { soapBody } from './soap-body.ts'

/** What the interceptor tells its observer; no token, no header, no body. */
export type BearerEvent =
  | { readonly type: 'session-replaced'; readonly family: ApiFamily; readonly fingerprint: string }
  | { readonly type: 'session-lost'; readonly family: ApiFamily; readonly fingerprint: string }
  | { readonly type: 'api-refused'; readonly family: ApiFamily; readonly diagnosis: string }
  | { readonly type: 'connection-replaced'; readonly family: ApiFamily }

export interface BearerOptions {
  readonly tokens: TokenSource
  /** The origin that a token may be sent to: pinned, never taken from a request. */
  readonly originFor: (token: AccessToken) => string
  readonly replayLimitBytes: number
  readonly replayMemory: ReplayMemory
  /** Whether a failure is only the end of an idle connection (ConnectionWatch). */
  readonly isStale: (error: Error) => boolean
  readonly onEvent: (event: BearerEvent) => void
}

/** What a request may say beyond undici's options. */
export interface ForwardOptions extends Dispatcher.DispatchOptions {
  /** Given each piece of the caller's body once, as it comes, without any session of ours. */
  readonly onBody?: (chunk: Buffer) => void
}

/** What `onRequestStart` gives as its context: whether this attempt follows the loss of a session. */
export interface AttemptContext {
  readonly sessionReplaced: boolean
}

/**
 * The undici interceptor that puts the session on a request and notices when the API no longer accepts it. A refused session means
 * that the request was not applied, so it is sent once more with a new token where its body can be, whatever the method.
 * Options: `headers` is a flat array without any session, `body` a Readable or null; `origin` is replaced by the pinned one.
 */
export function bearer(options: BearerOptions): Dispatcher.DispatchInterceptor {
  return (dispatch) =>
    function dispatchWithToken(request, handler) {
      withToken(options.tokens, {
        use: (token) => {
          new BearerExchange(options, { dispatch, request, handler, token }).send()
        },
        fail: (error) => handler.onResponseError?.(NOT_STARTED, error),
      })
      return true
    }
}

/** undici passes null itself where no request was started; its type does not say so. */
const NOT_STARTED = null as unknown as Dispatcher.DispatchController

/** At once where a token is held: no promise is made on the way of an ordinary request. */
function withToken(
  tokens: TokenSource,
  { use, fail }: { use: (token: AccessToken) => void; fail: (error: Error) => void },
): void {
  const token = tokens.get()
  if (token instanceof Promise) token.then(use, fail)
  else use(token)
}

interface Exchange {
  readonly dispatch: Dispatcher['dispatch']
  readonly request: ForwardOptions
  readonly handler: Dispatcher.DispatchHandler
  readonly token: AccessToken
}

interface PeekedAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly statusText: string | undefined
  readonly chunks: Buffer[]
  bytes: number
}

class BearerExchange implements Dispatcher.DispatchHandler {
  readonly #options: BearerOptions
  readonly #dispatch: Dispatcher['dispatch']
  readonly #request: ForwardOptions
  readonly #handler: Dispatcher.DispatchHandler
  readonly #family: ApiFamily
  readonly #body: ReplayableBody | undefined
  #token: AccessToken
  #sessionReplaced = false
  #connectionReplaced = false
  #hasAnswer = false
  /** An answer held back while it is read for the sign of a dead session. */
  #peeked: PeekedAnswer | undefined

  constructor(options: BearerOptions, { dispatch, request, handler, token }: Exchange) {
    this.#options = options
    this.#dispatch = dispatch
    this.#request = request
    this.#handler = handler
    this.#token = token
    this.#family = familyOf(request.path)
    const { replayLimitBytes, replayMemory } = options
    if (request.body instanceof Readable) {
      this.#body = new ReplayableBody(request.body, {
        limitBytes: replayLimitBytes,
        memory: replayMemory,
        onChunk: request.onBody,
      })
    }
  }

  send(): void {
    const { path, headers } = this.#request
    const body = this.#body?.stream()
    // Our callers pass flat arrays; undici's type allows more.
    const fields = headers as string[]
    if (body === undefined || !SESSION_PLACES[this.#family].inBody) {
      this.#sendWith(body ?? null, fields)
      return
    }
    soapBody(body, this.#token.value, path).then(
      (soap) => {
        this.#sendWith(soap.body, withLengthGrownBy(fields, soap.delta))
      },
      (error: unknown) => {
        this.#fail(NOT_STARTED, error as Error) // streams fail with errors
      },
    )
  }

  #sendWith(body: Readable | null, fields: readonly string[]): void {
    const headers = withSession(fields, this.#family, this.#token.value)
    this.#dispatch({ ...this.#request, origin: this.#options.originFor(this.#token), headers, body }, this)
  }

  #sendAgain(): void {
    withToken(this.#options.tokens, {
      use: (token) => {
        this.#token = token
        this.send()
      },
      fail: (error) => {
        this.#fail(NOT_STARTED, error)
      },
    })
  }

  #fail(controller: Dispatcher.DispatchController, error: Error): void {
    this.#body?.release()
    this.#handler.onResponseError?.(controller, error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const context: AttemptContext = { sessionReplaced: this.#sessionReplaced }
    this.#handler.onRequestStart?.(controller, context)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    if (status >= 200) {
      this.#hasAnswer = true
      if (mayBeDeadSession(this.#family, status, headers)) {
        this.#peeked = { status, headers, statusText, chunks: [], bytes: 0 }
        return
      }
      this.#body?.release()
    }
    this.#handler.onResponseStart?.(controller, status, headers, statusText)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const peeked = this.#peeked
    if (!peeked) {
      this.#handler.onResponseData?.(controller, chunk)
      return
    }
    peeked.chunks.push(chunk)
    peeked.bytes += chunk.length
    // Too long for a refusal: an ordinary answer after all.
    if (peeked.bytes > MAX_REFUSAL_BYTES) this.#passPeeked(controller, peeked)
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    const peeked = this.#peeked
    if (peeked) {
      const verdict = this.#judge(peeked)
      if (verdict === 'dead' && this.#loseSession(controller)) return
      if (typeof verdict === 'object') {
        this.#options.onEvent({ type: 'api-refused', family: this.#family, diagnosis: verdict.unmendable })
      }
      this.#passPeeked(controller, peeked)
    }
    this.#handler.onResponseEnd?.(controller, trailers)
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#mayRepeatOnNewConnection(error)) {
      this.#connectionReplaced = true
      this.#options.onEvent({ type: 'connection-replaced', family: this.#family })
      this.#sendAgain()
      return
    }
    this.#fail(controller, error)
  }

  #judge({ status, headers, chunks }: PeekedAnswer): Verdict | undefined {
    const verdict = readRefusal(this.#family, status, headers, Buffer.concat(chunks))
    const isForeignToken = this.#token.format === 'jwt' && !SESSION_PLACES[this.#family].acceptsJwt
    return verdict === 'dead' && isForeignToken ? { unmendable: JWT_UNMENDABLE } : verdict
  }

  /** The API refused the token. True when that is answered here: by sending again, or by saying that the body cannot be. */
  #loseSession(controller: Dispatcher.DispatchController): boolean {
    const { tokens, onEvent } = this.#options
    const { fingerprint } = this.#token
    tokens.reject(this.#token)
    // The new session was refused as well: the API's own answer is the truth now.
    if (this.#sessionReplaced) return false
    if (this.#body?.isRepeatable === false) {
      onEvent({ type: 'session-lost', family: this.#family, fingerprint })
      this.#fail(controller, new ProxyError('PROXY_SESSION_REPLACED'))
      return true
    }
    onEvent({ type: 'session-replaced', family: this.#family, fingerprint })
    this.#sessionReplaced = true
    this.#hasAnswer = false
    this.#peeked = undefined
    this.#sendAgain()
    return true
  }

  #passPeeked(controller: Dispatcher.DispatchController, { status, headers, statusText, chunks }: PeekedAnswer): void {
    this.#peeked = undefined
    this.#body?.release()
    this.#handler.onResponseStart?.(controller, status, headers, statusText)
    for (const chunk of chunks) this.#handler.onResponseData?.(controller, chunk)
  }

  /** RFC 9110 §9.2.2: a kept-alive connection that the peer closed under an idempotent request, before any answer, costs a second try. */
  #mayRepeatOnNewConnection(error: Error): boolean {
    if (this.#connectionReplaced || this.#hasAnswer || !this.#options.isStale(error)) return false
    return IDEMPOTENT.has(this.#request.method) && this.#body?.isRepeatable !== false
  }
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
