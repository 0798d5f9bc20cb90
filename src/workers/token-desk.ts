import { OAuthError } from '../token/oauth-error.ts'
import type { TokenKeeper } from '../token/token-keeper.ts'
import { TokenUnavailableError } from '../token/token-source.ts'
import { toldToken, tokenTold, type FromWorker, type Standing, type ToldCause, type ToWorker } from './messages.ts'

type TokenKeeperPart = Pick<TokenKeeper, 'get' | 'retire' | 'standing'>
type Send = (message: Extract<ToWorker, { type: 'standing' | 'got' | 'none' }>) => void

/** The keeper's end of the workers' tokens: whoever asks, and whoever reports a refusal, comes to the one keeper. */
export class TokenDesk {
  readonly #keeper: TokenKeeperPart

  constructor(keeper: TokenKeeperPart) {
    this.#keeper = keeper
  }

  standing(): Standing {
    const standing = this.#keeper.standing()
    return standing === undefined ? null : { token: toldToken(standing.token), calmForMs: standing.calmForMs }
  }

  asked(message: Extract<FromWorker, { type: 'get' | 'reject' }>, send: Send): void {
    if (message.type === 'get') void this.#answer(message.id, send)
    else this.#keeper.retire(tokenTold(message.token))
  }

  /** Never rejects: what is thrown beside the expected error is a mistake of ours, and ends the process. */
  async #answer(id: number, send: Send): Promise<void> {
    try {
      const token = await this.#keeper.get()
      send({ type: 'got', id, token: toldToken(token), standing: this.standing() })
    } catch (error) {
      if (!(error instanceof TokenUnavailableError)) throw error
      const { reason, retryAfterSeconds, cause } = error
      const told = cause instanceof OAuthError ? causeOf(cause) : undefined
      send({ type: 'none', id, reason, retryAfterSeconds, ...(told && { cause: told }) })
    }
  }
}

function causeOf({ kind, error, description, status, secret }: OAuthError): ToldCause {
  return { kind, error, description, ...(status !== undefined && { status }), ...(secret && { secret }) }
}
