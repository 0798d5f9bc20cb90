import type { Dispatcher } from 'undici'
import { OAuthError, toOAuthError } from './oauth-error.ts'

/** An answer of the login host, read whole. */
export interface HttpAnswer {
  /** The address that was asked. */
  readonly url: string
  readonly status: number
  readonly location: string | undefined
  readonly body: string
  /** The server's clock (its Date header, else ours), epoch milliseconds. */
  readonly serverNow: number
}

export interface FormRequest {
  readonly dispatcher: Dispatcher
  readonly url: string
  readonly form: Record<string, string>
  readonly authorization?: string | undefined
  readonly now: () => number
  readonly signal: AbortSignal
}

const MOST_BYTES = 65_536

/** One POST of a form, followed nowhere. Throws OAuthError on network failures and on answers above 64 KiB. */
export async function postForm({
  dispatcher,
  url,
  form,
  authorization,
  now,
  signal,
}: FormRequest): Promise<HttpAnswer> {
  try {
    const { origin, pathname, search } = new URL(url)
    const response = await dispatcher.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: new URLSearchParams(form).toString(),
      signal,
      // Asked once an hour: a kept connection would be a stale one, and a POST that meets one fails.
      reset: true,
    })
    const date = Date.parse(String(response.headers.date))
    return {
      url,
      status: response.statusCode,
      location: typeof response.headers.location === 'string' ? response.headers.location : undefined,
      body: await readCapped(response.body),
      serverNow: Number.isNaN(date) ? now() : date,
    }
  } catch (thrown) {
    throw toOAuthError(thrown)
  }
}

async function readCapped(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MOST_BYTES) throw new OAuthError({ kind: 'transient', error: 'oversized_answer' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
