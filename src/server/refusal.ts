import { ProxyError } from '../errors.ts'
import type { ProxyErrorCode } from '../errors.ts'

/** Why a request may not go upstream. */
export interface Refusal {
  readonly code: ProxyErrorCode
  /** The rule that refused, for the log: a fixed name or a pattern from the settings, never input. */
  readonly rule: string
  /** For the caller: what exactly is wrong and which setting mends it. Holds nothing of the request but sanitised bits. */
  readonly detail: string
  /** Nothing that follows on the connection can be trusted to be what it seems. */
  readonly endsConnection?: boolean
}

/** A refusal as the error that the server renders. The rule travels as `cause`, for the log only. */
export function toProxyError({ code, rule, detail, endsConnection }: Refusal): ProxyError {
  return new ProxyError(code, { detail, cause: { rule }, ...(endsConnection && { endsConnection }) })
}

/** At most 60 harmless characters of a caller's text, for a message. */
export function sanitised(text: string): string {
  const plain = text.replace(/[^\w.:*/-]/g, '?')
  return plain.length > 60 ? `${plain.slice(0, 60)}…` : plain
}
