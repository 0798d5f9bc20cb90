import type { HeaderFields } from '../effective-method.ts'
import { formFields, hasManyFields, MAX_FIELDS } from '../../form-fields.ts'
import { isTooDeep, MAX_JSON_DEPTH } from '../../json-depth.ts'
import { unjudgeableBody, readBody } from '../judged-body.ts'
import { LOGIN_BODY_BYTES, type LocalCall } from './local-call.ts'

/** The parameters of a token request by name, or what is wrong with it: a sentence without input. */
export async function readParameters(call: LocalCall): Promise<ReadonlyMap<string, string> | { problem: string }> {
  if (unjudgeableBody(call.headers) !== undefined)
    return { problem: 'the request must come in UTF-8, without Content-Encoding' }
  const body = await readBody(call.body, { limitBytes: LOGIN_BODY_BYTES, claim: call.claim })
  if (body === 'too-large') return { problem: 'the request is too large' }
  const text = body.toString()
  const hasJson = isJson(call.headers, text)
  if (hasJson && isTooDeep(text)) return { problem: `the body nests more than ${MAX_JSON_DEPTH} levels deep` }
  if (hasManyFields(call.search) || (!hasJson && hasManyFields(text))) {
    return { problem: `the request has more than ${MAX_FIELDS} parameters` }
  }
  const inBody = hasJson ? jsonParameters(text) : [...formFields(text)]
  if (inBody === undefined) return { problem: 'the body is no JSON object of texts' }
  // The platform takes them from either, and tools put them in either.
  const all = [...formFields(call.search), ...inBody]
  const parameters = new Map(all)
  // RFC 6749 §3.2: which of two passwords was meant is not for us to choose.
  return parameters.size < all.length ? { problem: 'a parameter is repeated' } : parameters
}

function isJson(headers: HeaderFields, text: string): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(String(headers['content-type'])) || /^\s*\{/.test(text)
}

function jsonParameters(text: string): [string, string][] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return Object.entries(value).map(([name, part]) => [name, typeof part === 'string' ? part : JSON.stringify(part)])
  } catch {
    return undefined
  }
}
