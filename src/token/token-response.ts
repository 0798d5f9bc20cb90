import { decodeJwt } from 'jose'
import { adoptInstanceUrl, type TrustedOrigins } from './instance-url.ts'
import { lifeFromExp, lifeFromSeconds } from './lifetime.ts'
import { OAuthError, type FailureKind } from './oauth-error.ts'
import type { HttpAnswer } from './post-form.ts'
import type { TokenAnswer } from './token-source.ts'

/** Reads a token endpoint's answer, tolerating whatever is missing beside `access_token`. Throws OAuthError. */
export function readTokenAnswer(answer: HttpAnswer, origins: TrustedOrigins): TokenAnswer {
  const fields = readJsonAnswer(answer)
  const value = fields.access_token
  if (typeof value !== 'string' || value === '') throw unusable('transient', 'no_access_token', answer)
  // Anything but visible ASCII could end the header that it is put into.
  if (!/^[\x21-\x7e]+$/.test(value)) throw unusable('permanent', 'malformed_access_token', answer)
  const type = fields.token_type
  if (type !== undefined && (typeof type !== 'string' || type.toLowerCase() !== 'bearer')) {
    throw unusable('permanent', 'unsupported_token_type', answer)
  }
  const claims = jwtClaims(value)
  const instance = adoptInstanceUrl(fields.instance_url, origins)
  return {
    value,
    format: claims !== undefined || fields.token_format === 'jwt' ? 'jwt' : 'opaque',
    instanceUrl: instance.origin,
    refusedInstanceUrl: instance.refused,
    identityUrl: typeof fields.id === 'string' ? fields.id : undefined,
    statedLife: statedLife(fields.expires_in, claims?.exp, answer.serverNow),
  }
}

/** The fields of a good JSON answer; anything else is thrown as a classified OAuthError. */
export function readJsonAnswer(answer: HttpAnswer): Record<string, unknown> {
  const { status, body } = answer
  if (status >= 300 && status < 400) throw unusable('permanent', 'redirected', answer, redirection(answer))
  const fields = parseObject(body)
  if (typeof fields?.error === 'string') throw refusal(fields.error, fields.error_description, status)
  if (status === 429) throw unusable('rate-limited', 'too_many_requests', answer)
  if (status === 404 || status === 405 || status === 410) throw unusable('permanent', 'no_token_endpoint', answer)
  if (fields !== undefined && status >= 200 && status < 300) return fields
  if (body.trim() === '') throw unusable('transient', 'empty_answer', answer)
  if (/^\s*</.test(body)) throw unusable('transient', 'html_answer', answer)
  throw unusable('transient', 'unreadable_answer', answer)
}

const TRANSIENT_ERRORS = new Set(['server_error', 'unknown_error', 'temporarily_unavailable'])

/** An error in the form of RFC 6749 §5.2, whatever the status: some endpoints send it with 200. */
function refusal(error: string, rawDescription: unknown, status: number): OAuthError {
  const description = typeof rawDescription === 'string' ? quote(rawDescription, 200) : ''
  const code = quote(error, 60)
  return new OAuthError({ kind: refusalKind(code, description, status), error: code, description, status })
}

function refusalKind(error: string, description: string, status: number): FailureKind {
  if (error === 'rate_limit_exceeded' || status === 429) return 'rate-limited'
  if (/login rate exceeded|number of logins exceeded/i.test(description)) return 'rate-limited'
  // Another request of the same app is under way; it is over in a moment.
  if (/already being processed/i.test(description)) return 'transient'
  return TRANSIENT_ERRORS.has(error) || status >= 500 ? 'transient' : 'permanent'
}

function unusable(
  kind: FailureKind,
  error: string,
  { status }: HttpAnswer,
  description = `HTTP ${status}`,
): OAuthError {
  return new OAuthError({ kind, error, status, description })
}

/** RFC 9110 §15.4: where a redirect leads, as hosts only; the rest of the address may hold what was sent. */
function redirection({ url, location }: HttpAnswer): string {
  const target = URL.parse(location ?? '', url)
  const from = new URL(url)
  if (target === null || location === undefined) return `${from.host} answers with a redirect to nowhere`
  if (target.host === from.host && target.protocol === from.protocol) return `${from.host} redirects to another path`
  return `${from.origin} redirects to ${target.origin}`
}

function statedLife(expiresIn: unknown, exp: unknown, serverNow: number): TokenAnswer['statedLife'] {
  const byAnswer = lifeFromSeconds(expiresIn)
  if (byAnswer !== undefined) return { ms: byAnswer, source: 'expires_in' }
  const byClaim = lifeFromExp(exp, serverNow)
  return byClaim === undefined ? undefined : { ms: byClaim, source: 'jwt' }
}

function jwtClaims(value: string): Record<string, unknown> | undefined {
  if (!value.startsWith('eyJ')) return undefined
  try {
    return decodeJwt(value)
  } catch {
    return undefined
  }
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body)
    // A JSON object's keys are strings; Object.entries copies own keys, so that nothing comes from a prototype.
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? Object.fromEntries(Object.entries(parsed))
      : undefined
  } catch {
    return undefined
  }
}

/** The endpoint's text as it may be logged: one line, without whatever is long and unbroken as secrets and assertions are. */
function quote(text: string, most: number): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .replace(/[\w!%+/=~-]{32,}(\.[\w-]+)*/g, '…')
    .slice(0, most)
}
