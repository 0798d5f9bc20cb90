import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { readReply } from './http-client.ts'

export interface Wanted {
  readonly method: string
  readonly path: string
  /** Flat, in order and case. */
  readonly headers: readonly string[]
  readonly body?: Buffer | undefined
  /** What the Host field says, where it is not the server's own name. */
  readonly host?: string
  /** In how many pieces the body is written; more than one goes in chunks. */
  readonly pieces?: number
}

/** What of an answer has to be the same, asked straight or through the proxy. */
export interface Seen {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly (readonly [string, string])[]
  readonly trailers: IncomingMessage['trailers']
  readonly body: string
}

/**
 * The fields that may differ, and why: those of the connection; those that are drawn anew for each answer; what the proxy says of itself;
 * and the promises and cookies of Cloudaware's host, which do not pass (README, Security).
 */
export const MAY_DIFFER: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'x-sfdc-request-id',
  'date',
  'via',
  'x-request-id',
  'set-cookie',
  'strict-transport-security',
])

/** Sends the request as it is wanted, on a connection of its own. */
export async function seenBy(port: number, { method, path, headers, body, host, pieces = 1 }: Wanted): Promise<Seen> {
  const length = body !== undefined && pieces === 1 ? ['Content-Length', String(body.length)] : []
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    method,
    path,
    agent: false,
    headers: [
      'Host',
      host ?? `localhost:${port}`,
      ...headers,
      ...length,
      ...(body && pieces > 1 ? ['Transfer-Encoding', 'chunked'] : []),
    ],
  })
  const answered = once(request, 'response')
  if (body !== undefined) {
    const size = Math.ceil(body.length / pieces)
    for (let n = 0; n < pieces; n++) request.write(body.subarray(n * size, (n + 1) * size))
  }
  request.end()
  // The 'response' event carries one IncomingMessage.
  const [response] = (await answered) as [IncomingMessage]
  const reply = await readReply(response)
  return {
    status: reply.status,
    statusText: response.statusMessage ?? '',
    headers: pairsOf(reply.rawHeaders).filter(([name]) => !MAY_DIFFER.has(name.toLowerCase())),
    trailers: reply.trailers,
    body: reply.body.toString('latin1'),
  }
}

export function pairsOf(flat: readonly string[]): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = []
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.push([String(flat[at]), String(flat[at + 1])])
  return pairs
}
