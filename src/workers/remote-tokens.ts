import type { Clock } from '../clock.ts'
import { OAuthError } from '../token/oauth-error.ts'
import { SteadyTime } from '../token/steady-time.ts'
import { TokenUnavailableError, type AccessToken, type TokenSource } from '../token/token-source.ts'
import { tokenTold, toldToken, type FromWorker, type Standing, type ToWorker } from './messages.ts'

/** Calls that come so soon after each other ask the primary once: a thousand may wait for the same token. */
const TOGETHER_MS = 10

/** The primary keeps to TOKEN_WAIT_MS itself; this is for one that hangs. */
const SLACK_MS = 5000

const STILL = 'The access token is still being obtained.'

export interface RemoteTokensOptions {
  readonly clock: Clock
  /** TOKEN_WAIT_MS. */
  readonly waitMs: number
  readonly send: (message: Extract<FromWorker, { type: 'get' | 'reject' }>) => void
}

interface Question {
  readonly askedAt: number
  readonly answer: Promise<AccessToken>
}

interface Asker {
  readonly resolve: (token: AccessToken) => void
  readonly reject: (error: TokenUnavailableError) => void
}

/**
 * The token as a worker has it: told by the primary, which alone speaks with the login host. What is held is given out at once; when the
 * primary holds none, or one near its end, it is the primary that is waited for, by the keeper's own rules.
 */
export class RemoteTokens implements TokenSource {
  readonly #options: RemoteTokensOptions
  readonly #time: SteadyTime
  readonly #askers = new Map<number, Asker>()
  readonly #closing = new AbortController()
  #held: { readonly token: AccessToken; readonly calmUntil: number } | undefined
  /** Reported as refused, which the primary may not have heard when it sent what comes next. */
  #reported: string | undefined
  #lastId = 0
  #question: Question | undefined

  constructor(options: RemoteTokensOptions) {
    this.#options = options
    this.#time = new SteadyTime(options.clock)
  }

  /** The token held, however near its end. */
  get current(): AccessToken | undefined {
    return this.#held?.token
  }

  get(): AccessToken | Promise<AccessToken> {
    const now = this.#time.now()
    if (this.#held !== undefined && now < this.#held.calmUntil) return this.#held.token
    if (this.#question !== undefined && now - this.#question.askedAt < TOGETHER_MS) return this.#question.answer
    this.#question = { askedAt: now, answer: this.#ask() }
    return this.#question.answer
  }

  retire(token: AccessToken): void {
    if (this.#held?.token.value === token.value) {
      this.#held = undefined
      this.#reported = token.value
    }
    this.#question = undefined
    this.#options.send({ type: 'reject', token: toldToken(token) })
  }

  /** What the primary tells of the token. */
  told(message: Extract<ToWorker, { type: 'standing' | 'got' | 'none' }>): void {
    switch (message.type) {
      case 'standing':
        this.hold(message.standing)
        return
      case 'got':
        if (message.standing !== null) this.hold(message.standing)
        this.#settle(message.id)?.resolve(tokenTold(message.token))
        return
      case 'none': {
        const { id, reason, retryAfterSeconds, cause } = message
        const error = cause && new OAuthError(cause)
        this.#settle(id)?.reject(new TokenUnavailableError(reason, retryAfterSeconds, error))
      }
    }
  }

  hold(standing: Standing): void {
    // Whoever asks from now on is not to be given what was known before.
    this.#question = undefined
    if (standing !== null && standing.token.value === this.#reported) return
    this.#reported = undefined
    this.#held = standing === null ? undefined : this.#holding(standing)
  }

  /** Ends every wait. */
  close(): void {
    this.#closing.abort()
    for (const id of [...this.#askers.keys()]) this.#settle(id)?.reject(new TokenUnavailableError(STILL, 1))
  }

  #holding({ token, calmForMs }: NonNullable<Standing>) {
    return { token: tokenTold(token), calmUntil: this.#time.now() + calmForMs }
  }

  async #ask(): Promise<AccessToken> {
    if (this.#closing.signal.aborted) throw new TokenUnavailableError(STILL, 1)
    const { clock, waitMs, send } = this.#options
    const id = (this.#lastId += 1)
    const { promise, resolve, reject } = Promise.withResolvers<AccessToken>()
    this.#askers.set(id, { resolve, reject })
    const isAnswered = new AbortController()
    clock.sleep(waitMs + SLACK_MS, isAnswered.signal).then(
      () => {
        this.#settle(id)?.reject(new TokenUnavailableError(STILL, 1))
      },
      () => undefined,
    )
    send({ type: 'get', id })
    try {
      return await promise
    } finally {
      isAnswered.abort()
    }
  }

  #settle(id: number): Asker | undefined {
    const asker = this.#askers.get(id)
    this.#askers.delete(id)
    return asker
  }
}
