import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from '../node-http.ts'

const ANSWER_TIMEOUT_MS = 5000

/** Where a running proxy's admin listener is. */
export interface AdminAddress {
  readonly host: string
  readonly port: number
}

export interface AdminAnswer {
  readonly status: number
  /** Parsed JSON. */
  readonly body: unknown
}

/** One request to the admin listener; undefined where no proxy answers at that address. */
export async function askAdmin(
  { host, port }: AdminAddress,
  {
    path,
    method = 'GET',
    timeoutMs = ANSWER_TIMEOUT_MS,
  }: { path: string; method?: 'GET' | 'POST'; timeoutMs?: number },
): Promise<AdminAnswer | undefined> {
  try {
    const asking = request({
      host,
      port,
      path,
      method,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      // The admin listener knows itself by the loopback names, whatever address it listens on.
      headers: { host: `localhost:${port}` },
    }).end()
    // The event carries one IncomingMessage.
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    return { status: response.statusCode ?? 0, body: JSON.parse(await textOf(response)) }
  } catch {
    // Refused, silent, or another program that speaks no JSON: no proxy of ours.
    return undefined
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  // Once an encoding is set, chunks are strings.
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string
  return text
}

/** As people type it. */
export function describeAddress({ host, port }: AdminAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
