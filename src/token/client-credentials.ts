import type { Dispatcher } from 'undici'
import { authenticate, type ClientCredentials } from './client-authentication.ts'
import type { TrustedOrigins } from './instance-url.ts'
import { blame } from './oauth-error.ts'
import { postForm } from './post-form.ts'
import { readTokenAnswer } from './token-response.ts'
import type { Grant } from './token-source.ts'

export interface ClientCredentialsOptions extends ClientCredentials, TrustedOrigins {
  readonly tokenUrl: string
  readonly dispatcher: Dispatcher
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** RFC 6749 §4.4. Never with a `scope`: Salesforce refuses the request then. */
export function clientCredentialsGrant(options: ClientCredentialsOptions): Grant {
  const { tokenUrl: url, dispatcher, now } = options
  return {
    name: 'client_credentials',
    async request(signal) {
      const { form, authorization, presented } = await authenticate(options)
      try {
        const answer = await postForm({
          dispatcher,
          url,
          form: { grant_type: 'client_credentials', ...form },
          authorization,
          now,
          signal,
        })
        return readTokenAnswer(answer, options)
      } catch (thrown) {
        throw blame(thrown, presented)
      }
    },
  }
}
