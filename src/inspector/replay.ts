import { finished } from 'node:stream/promises'
import type { Dispatcher } from 'undici'
import { REDACTED } from '../redaction.ts'
import type { ExchangeRecord } from './exchange-record.ts'
import type { Field } from './wire.ts'

export interface ReplayRequest {
  /** Where the proxy itself listens for callers. */
  readonly proxyUrl: string
  /** Under which the new exchange will be found. */
  readonly requestId: string
  /** The key of whoever asks, where callers need one. */
  readonly apiKey: string | undefined
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
}

/** Written anew on the way, by the client or by the proxy. */
const WRITTEN_ANEW = new Set(['via', 'host', 'content-length', 'transfer-encoding', 'x-request-id', 'accept-encoding'])

/**
 * Sends a kept request once more, from the front door: over a socket to the proxy's own listener, so that guard, policy and token
 * are those of any caller. Resolves to the status once the answer is over.
 */
export async function replay({ detail, body }: ExchangeRecord, to: ReplayRequest): Promise<number> {
  const { proxyUrl, requestId, apiKey, dispatcher, signal } = to
  const headers = [
    ...fieldsToSend(detail.requestHeaders ?? []),
    // By this name it is always itself, whatever address it listens on.
    ...['Host', 'localhost'],
    ...['X-Request-Id', requestId],
    ...(apiKey === undefined ? [] : ['X-Api-Key', apiKey]),
  ]
  const answer = await dispatcher.request({
    origin: proxyUrl,
    path: detail.target,
    method: detail.method,
    headers,
    body: body === undefined || body.length === 0 ? null : body,
    // Nothing idle is left for a drain to wait for.
    reset: true,
    signal,
  })
  // Read to its end, however long, and thrown away: the inspector shows its beginning.
  await finished(answer.body.resume())
  return answer.statusCode
}

function fieldsToSend(fields: readonly Field[]): string[] {
  return fields.flatMap(([name, value]) => {
    if (WRITTEN_ANEW.has(name.toLowerCase()) || value.includes(REDACTED)) return []
    // The proxy adds its own product.
    const isAgent = name.toLowerCase() === 'user-agent'
    const sent = isAgent ? value.replace(/ ?cloudaware-proxy\/[^\s/]+$/, '') : value
    return sent === '' && isAgent ? [] : [name, sent]
  })
}
