import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'

export interface OrgQuestion {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Flat, without a session: the bearer interceptor adds it. */
  readonly headers: readonly string[]
  readonly body?: string
}

/** More than any answer about one user. */
const MOST_BYTES = 64 * 1024

/** A question of the proxy's own, with the real session. Resolves to the body of a 200, and to undefined for whatever else becomes of it. */
export function askOrg(
  dispatcher: Dispatcher,
  question: OrgQuestion,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { method, path, headers, body } = question
  return new Promise((resolve) => {
    const asker = new Asker(resolve, signal)
    // The interceptor replaces `origin`; its type wants flat headers mutable.
    dispatcher.dispatch(
      {
        method,
        path,
        headers: [...headers],
        body: body === undefined ? null : Readable.from([Buffer.from(body)], { objectMode: false }),
      },
      asker,
    )
  })
}

class Asker implements Dispatcher.DispatchHandler {
  readonly #resolve: (body: string | undefined) => void
  readonly #signal: AbortSignal
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #isGood = false

  constructor(resolve: (body: string | undefined) => void, signal: AbortSignal) {
    this.#resolve = resolve
    this.#signal = signal
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const abort = () => {
      controller.abort(new Error('the org took too long to say who the user is'))
    }
    if (this.#signal.aborted) abort()
    else this.#signal.addEventListener('abort', abort, { once: true })
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#isGood = status === 200 && headers['content-encoding'] === undefined
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > MOST_BYTES) controller.abort(new Error('too long an answer'))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#resolve(this.#isGood ? Buffer.concat(this.#chunks).toString() : undefined)
  }

  onResponseError(): void {
    this.#resolve(undefined)
  }
}
