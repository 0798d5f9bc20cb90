import type { IncomingHttpHeaders } from 'node:http'
import { networkFailure } from './trouble.ts'
import type { Visit } from './visit.ts'

/** The list of an org's objects is some megabytes. */
const MOST_BYTES = 64 * 1024 * 1024

/** An answer read whole. */
export interface Reply {
  readonly url: URL
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The body as JSON, undefined where it is none. */
  readonly json: unknown
}

/** One GET, followed nowhere. Throws CheckFailure where no answer comes. */
export async function ask(
  { dispatcher }: Pick<Visit, 'dispatcher'>,
  url: URL,
  { signal, token }: { signal: AbortSignal; token?: string },
): Promise<Reply> {
  try {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const { statusCode, headers, body } = await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      headers: { accept: 'application/json', ...authorization },
      signal,
      reset: true,
    })
    const bytes = await readCapped(body)
    return { url, status: statusCode, headers, body: bytes, json: parsed(bytes) }
  } catch (thrown) {
    throw networkFailure(signal.aborted ? signal.reason : thrown, url.host)
  }
}

async function readCapped(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MOST_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** The members of an object in JSON; none for anything else. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  // A non-null object can be asked for any property; what it answers stays unknown.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** `application/json`, `text/html`, or `nothing`. */
export function mediaTypeOf({ headers }: Reply): string {
  return headers['content-type']?.split(';')[0]?.trim() ?? 'an untyped body'
}
