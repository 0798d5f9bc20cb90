import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

/** The head of an answer, and as much of its body as was looked at before it is known what the answer means. */
export class HeldAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly #statusText: string | undefined
  readonly #limitBytes: number
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(
    { status, headers, statusText }: { status: number; headers: IncomingHttpHeaders; statusText: string | undefined },
    limitBytes: number,
  ) {
    this.status = status
    this.headers = headers
    this.#statusText = statusText
    this.#limitBytes = limitBytes
  }

  /** Whether the body is still short enough to be what it was held for. */
  add(chunk: Buffer): boolean {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    return this.isWhole
  }

  /** Whether all of the body that came is within the limit. */
  get isWhole(): boolean {
    return this.#bytes <= this.#limitBytes
  }

  /** Of the body so far. */
  get length(): number {
    return this.#bytes
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** The same head with another body, which is not bounded. */
  with(body: Buffer): HeldAnswer {
    const { status, headers } = this
    const answer = new HeldAnswer({ status, headers, statusText: this.#statusText }, body.length)
    answer.add(body)
    return answer
  }

  passTo(handler: Dispatcher.DispatchHandler, controller: Dispatcher.DispatchController): void {
    handler.onResponseStart?.(controller, this.status, this.headers, this.#statusText)
    for (const chunk of this.#chunks) handler.onResponseData?.(controller, chunk)
  }
}
