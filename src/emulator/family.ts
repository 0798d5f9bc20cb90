import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import type { Org } from './org.ts'

/** A part of the API that carries a session, refuses a dead one, and tells of errors in its own way. */
export interface Family {
  readonly matches: RegExp
  /** False where JWT-based tokens are no good. */
  readonly takesJwt: boolean
  /** Whether its calls are no API requests to the daily limit. */
  readonly isFree?: true
  /** The token that the call carries. Throws an ApiError where the call cannot be read. */
  token(call: Call): string | undefined
  /** Whether the call opens a session, and so needs none. */
  opensSession?(call: Call): boolean
  /** The answer to a call whose session is dead or missing. */
  refusal(call: Call): Answer
  /** Whatever was thrown, as the family tells it. */
  failure(call: Call, error: unknown): Answer
  /** The answer to a live session, whose token is handed in. May throw an ApiError. */
  speak(org: Org, call: Call, token: string): Answer | Promise<Answer>
}
