/** What a route answers, before the edge dresses it: `json` or `text` with its content type, or nothing. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Set-Cookie, beside those of the edge. */
  readonly cookies?: readonly string[]
  /** Sent as JSON. Kept as a value so that composite requests can embed it. */
  readonly json?: unknown
  readonly text?: string
  /** No body length is announced and nothing is ever sent: the caller waits until the emulator closes. */
  readonly hangs?: true
}

export const JSON_TYPE = 'application/json;charset=UTF-8'

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return { status, json: value, headers: { 'content-type': JSON_TYPE, ...headers } }
}

export function text(status: number, contentType: string, body: string, headers: Record<string, string> = {}): Answer {
  return { status, text: body, headers: { 'content-type': contentType, ...headers } }
}

export const NO_CONTENT: Answer = { status: 204 }

/** The body as it goes on the wire, uncompressed. */
export function bodyText({ json: value, text: body }: Answer): string {
  return value === undefined ? (body ?? '') : JSON.stringify(value)
}
