import { systemClock } from '../clock.ts'
import type { TokenEvent } from '../token/token-source.ts'

export type TokenFailure = Extract<TokenEvent, { type: 'failed' }>

/** What the wait for a first token came to. `stopped`: an exit code; `failed`: the last failure there was, if any. */
export type FirstToken =
  | { readonly is: 'there' }
  | { readonly is: 'stopped'; readonly code: number }
  | { readonly is: 'failed'; readonly failure: TokenFailure | undefined }

/** Waits for the first token, as long as that can still come by itself. */
export class FirstTokenWait {
  readonly outcome: Promise<FirstToken>
  readonly #settle: (outcome: FirstToken) => void
  readonly #over = new AbortController()
  #failure: TokenFailure | undefined

  constructor(maxMs: number) {
    const { promise, resolve } = Promise.withResolvers<FirstToken>()
    this.outcome = promise
    this.#settle = (outcome) => {
      resolve(outcome)
      this.#over.abort()
    }
    systemClock.sleep(maxMs, this.#over.signal).then(
      () => {
        this.#settle({ is: 'failed', failure: this.#failure })
      },
      () => undefined,
    )
  }

  tell(event: TokenEvent): void {
    if (event.type === 'obtained') this.#settle({ is: 'there' })
    if (event.type !== 'failed') return
    this.#failure = event
    // A person must mend this one: waiting is in vain.
    if (event.kind === 'permanent') this.#settle({ is: 'failed', failure: event })
  }

  stop(code: number): void {
    this.#settle({ is: 'stopped', code })
  }
}
