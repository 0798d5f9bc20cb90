import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { once } from 'node:events'

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly trailers: IncomingMessage['trailers']
  readonly body: Buffer
  readonly text: string
  json(): unknown
}

export interface Question extends RequestOptions {
  readonly body?: string | Buffer
}

/** One request on a connection of its own, the path sent exactly as given. */
export async function ask(port: number, path: string, { body, ...options }: Question = {}): Promise<Reply> {
  const request = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...options })
  request.end(body)
  // The 'response' event carries one IncomingMessage.
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return readReply(response)
}

export async function readReply(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  // Without an encoding set, chunks are Buffers.
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    trailers: response.trailers,
    body: bytes,
    text: bytes.toString(),
    json: () => JSON.parse(bytes.toString()) as unknown,
  }
}
