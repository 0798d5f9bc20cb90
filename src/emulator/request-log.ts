import type { IncomingMessage } from 'node:http'

const MOST_REQUESTS = 1000
const MOST_CHARACTERS = 64 * 1024 * 1024

/** A request as it arrived, before anything was made of it. */
export interface RecordedRequest {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  /** The body after decompression; empty until it has been read to its end. */
  readonly body: string
}

/** The last thousand requests, fewer where their bodies are large. */
export class RequestLog {
  readonly requests: RecordedRequest[] = []
  #characters = 0

  /** Returns what to call with the body once it is there. */
  add({ method = '', url = '', rawHeaders }: IncomingMessage): (body: Buffer) => void {
    const request = { method, target: url, rawHeaders, body: '' }
    this.requests.push(request)
    this.#forget()
    return (body) => {
      request.body = body.toString()
      this.#characters += request.body.length
      this.#forget()
    }
  }

  /** The newest always stays. */
  #forget(): void {
    while (this.requests.length > MOST_REQUESTS || (this.#characters > MOST_CHARACTERS && this.requests.length > 1)) {
      this.#characters -= this.requests.shift()?.body.length ?? 0
    }
  }
}
