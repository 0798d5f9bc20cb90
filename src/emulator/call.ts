import { formFields } from '../form-fields.ts'
import type { IncomingHttpHeaders } from 'node:http'
import { isTooDeep } from '../json-depth.ts'
import { ApiError } from './api-error.ts'

/** One request as the routes see it: path collapsed, body read and decoded. */
export interface Call {
  readonly method: string
  /** Without query; repeated slashes collapsed, as the real edge does. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Scheme and authority that the caller used: what absolute URLs in answers are built from. */
  readonly origin: string
}

/** A call below `/services/data/vNN.0`. */
export interface ApiCall extends Call {
  /** Such as `62.0`. */
  readonly version: string
  /** Decoded path segments after the version. */
  readonly segments: readonly string[]
  /** The token of the session that the call was made with. */
  readonly session: string
}

export function header(call: Pick<Call, 'headers'>, name: string): string | undefined {
  const value = call.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The body as a form, empty where it is not declared as one: then the token endpoint sees no grant type, as the real one. */
export function formBody(call: Call): URLSearchParams {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(header(call, 'content-type') ?? '')
  return formFields(isForm ? call.body.toString() : '')
}

/** The body as a JSON value; throws JSON_PARSER_ERROR, and 415 where it is declared as something else: curl -d says it is a form. */
function jsonBody(call: Call): unknown {
  const declared = header(call, 'content-type')
  if (declared !== undefined && !/\bjson\b/i.test(declared)) {
    const message = `Content-Type header specified in HTTP request is not supported: ${declared}`
    throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', message)
  }
  const text = call.body.toString()
  if (isTooDeep(text)) throw new ApiError(400, 'JSON_PARSER_ERROR', 'The JSON nests too deep')
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unexpected input'
    throw new ApiError(400, 'JSON_PARSER_ERROR', `${reason} at [line:1, column:1]`)
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The body as a JSON object; throws JSON_PARSER_ERROR. */
export function jsonObject(call: Call): Record<string, unknown> {
  const value = jsonBody(call)
  if (!isObject(value)) throw new ApiError(400, 'JSON_PARSER_ERROR', 'The HTTP entity body must be a JSON object')
  return value
}
