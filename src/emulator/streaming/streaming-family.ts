import { isTooDeep } from '../../json-depth.ts'
import { json } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import { header, isObject, type Call } from '../call.ts'
import type { Family } from '../family.ts'
import { bearer } from '../rest-family.ts'
import { bayeux } from './bayeux.ts'
import { failed, type Message } from './bayeux-message.ts'

/** CometD: every answer has status 200, and refuses inside. Any path below serves all messages, as its clients expect. */
export const streaming: Family = {
  matches: /^\/cometd(?:\/|$)/i,
  takesJwt: true,
  isFree: true,
  token: bearer,
  refusal(call) {
    const isMissing = header(call, 'authorization') === undefined
    const reason = isMissing ? '401::Request requires authentication' : '401::Authentication invalid'
    return json(
      200,
      messagesOf(call).map((message) => failed(message, reason)),
    )
  },
  failure(call, error) {
    const [status, reason] = error instanceof ApiError ? [error.status, error.message] : [500, 'unexpected error']
    return json(
      200,
      messagesOf(call).map((message) => failed(message, `${status}::${reason}`)),
    )
  },
  speak: (org, call, token) => bayeux(org, call, messagesOf(call), token),
}

/** A body of one message or of an array; what is none counts as an empty one. */
function messagesOf(call: Call): Message[] {
  try {
    const text = call.body.toString()
    if (isTooDeep(text)) return [{}]
    const body: unknown = JSON.parse(text)
    return (Array.isArray(body) ? body : [body]).filter(isObject)
  } catch {
    return [{}]
  }
}
