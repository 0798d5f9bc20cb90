import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { within, type Clock } from '../clock.ts'
import { HeldAnswer } from './held-answer.ts'

export interface Patience {
  readonly clock: Clock
  readonly timeoutMs: number
}

/** More than the platform's answer to any question of the proxy's own, and to any request that it refuses. */
const MOST_BYTES = 64 * 1024

/**
 * Puts a question of the proxy's own. Resolves to the answer, which is not whole where it is longer than 64 KiB; to undefined where none comes
 * in time, or only a part.
 */
export async function ask(
  dispatcher: Pick<Dispatcher, 'dispatch'>,
  request: Dispatcher.DispatchOptions,
  { clock, timeoutMs }: Patience,
): Promise<HeldAnswer | undefined> {
  const over = new AbortController()
  const answer = new Promise<HeldAnswer | undefined>((resolve) => {
    dispatcher.dispatch(request, new Asker(over.signal, resolve))
  })
  const inTime = await within(clock, timeoutMs, answer)
  over.abort()
  return inTime
}

class Asker implements Dispatcher.DispatchHandler {
  readonly #over: AbortSignal
  readonly #resolve: (answer: HeldAnswer | undefined) => void
  #answer: HeldAnswer | undefined

  constructor(over: AbortSignal, resolve: (answer: HeldAnswer | undefined) => void) {
    this.#over = over
    this.#resolve = resolve
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const abort = () => {
      controller.abort(new Error("the proxy's own question is over"))
    }
    if (this.#over.aborted) abort()
    else this.#over.addEventListener('abort', abort, { once: true })
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    this.#answer = new HeldAnswer({ status, headers, statusText }, MOST_BYTES)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // What is known is enough: no more of it is read.
    if (this.#answer?.add(chunk) === false) this.#resolve(this.#answer)
  }

  onResponseEnd(): void {
    this.#resolve(this.#answer)
  }

  onResponseError(): void {
    this.#resolve(undefined)
  }
}
