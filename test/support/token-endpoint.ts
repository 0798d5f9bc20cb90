import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  method: string | undefined
  url: string | undefined
  headers: IncomingMessage['headers']
  form: Record<string, string>
}

/** A login host on a free port of loopback, which records what arrives and answers as the test says. */
export class TokenEndpoint implements AsyncDisposable {
  readonly received: Received[] = []
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  answering: (response: ServerResponse, received: Received) => void = (response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: '00D!token', token_type: 'Bearer' }))
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get origin(): string {
    // A server that listens on TCP has an AddressInfo.
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  /** Answers every request with this status and JSON. */
  answerJson(status: number, body: unknown): void {
    this.answering = (response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    // Without an encoding set, a request's chunks are Buffers.
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()))
    const received = { method: request.method, url: request.url, headers: request.headers, form }
    this.received.push(received)
    this.answering(response, received)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
