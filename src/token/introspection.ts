import type { Dispatcher } from 'undici'
import { authenticate, type ClientCredentials } from './client-authentication.ts'
import { lifeFromExp } from './lifetime.ts'
import { blame, OAuthError } from './oauth-error.ts'
import { postForm, type HttpAnswer } from './post-form.ts'
import { readJsonAnswer } from './token-response.ts'

export interface IntrospectionOptions extends ClientCredentials {
  readonly introspectUrl: string
  readonly dispatcher: Dispatcher
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Asks for the life left of a token value, in milliseconds. Throws OAuthError where the app may not ask, or the answer does not say. */
export type Introspect = (value: string, signal: AbortSignal) => Promise<number>

/** RFC 7662. */
export function introspection(options: IntrospectionOptions): Introspect {
  const { introspectUrl: url, dispatcher, now } = options
  return async (token, signal) => {
    const { form, authorization, presented } = await authenticate(options)
    try {
      const answer = await postForm({
        dispatcher,
        url,
        form: { token, token_type_hint: 'access_token', ...form },
        authorization,
        now,
        signal,
      })
      return readLife(answer)
    } catch (thrown) {
      throw blame(thrown, presented)
    }
  }
}

function readLife(answer: HttpAnswer): number {
  const { active, exp } = readJsonAnswer(answer)
  const lifeMs = active === true ? lifeFromExp(exp, answer.serverNow) : undefined
  if (lifeMs === undefined)
    throw new OAuthError({ kind: 'permanent', error: 'token_not_described', status: answer.status })
  return lifeMs
}
