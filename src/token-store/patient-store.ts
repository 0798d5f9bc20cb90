import type { Clock } from '../clock.ts'
import type { SharedStore } from './shared-store.ts'

/** What happens at the store, for the log. */
export type StoreEvent =
  | { readonly type: 'store-unavailable'; readonly error: string }
  | { readonly type: 'store-available' }
  | { readonly type: 'token-adopted'; readonly fingerprint: string; readonly generation: number }

interface PatientStoreOptions {
  readonly open: () => Promise<SharedStore>
  readonly clock: Clock
  readonly onEvent: (event: StoreEvent) => void
}

/** After a failure the store is left alone for so long, so that nobody waits for it time and again. */
const PAUSE_MS = 5000

/** A store that may fail without harm: what is asked of it then comes to nothing. */
export class PatientStore {
  readonly #options: PatientStoreOptions
  #opening: Promise<SharedStore> | undefined
  #pausedUntil = -Infinity
  #isDown = false

  constructor(options: PatientStoreOptions) {
    this.#options = options
  }

  /** What `ask` answers; undefined where the store fails, or has failed just now. */
  async use<T>(ask: (store: SharedStore) => Promise<T>): Promise<T | undefined> {
    const { clock, onEvent } = this.#options
    if (clock.monotonic() < this.#pausedUntil) return undefined
    try {
      const answer = await ask(await this.#open())
      if (this.#isDown) onEvent({ type: 'store-available' })
      this.#isDown = false
      return answer
    } catch (error) {
      this.#pausedUntil = clock.monotonic() + PAUSE_MS
      if (!this.#isDown) onEvent({ type: 'store-unavailable', error: reasonOf(error) })
      this.#isDown = true
      return undefined
    }
  }

  #open(): Promise<SharedStore> {
    this.#opening ??= this.#options.open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async close(): Promise<void> {
    const store = await this.#opening?.catch(() => undefined)
    store?.close()
  }
}

/** Redis' own words begin with a code (NOAUTH, LOADING); the rest of them, and the library's, may repeat what was sent. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  return /^[A-Z]{3,}\b/.exec(error.message)?.[0] ?? error.name
}
