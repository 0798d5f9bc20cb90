import { labelOf, type SecretSource } from './secret-source.ts'
import type { Presented } from './oauth-error.ts'

/** Who we are to the login host: the Consumer Key and Consumer Secret, and where they are put. */
export interface ClientCredentials {
  readonly clientId: SecretSource
  readonly clientSecret: SecretSource
  /** `post`: in the form. `basic`: in the Authorization header. */
  readonly clientAuth: 'post' | 'basic'
}

export interface ClientAuthentication {
  readonly form: Record<string, string>
  readonly authorization: string | undefined
  /** For the case that they are refused. */
  readonly presented: Presented
}

/** Reads both credentials and puts them where they belong. */
export async function authenticate({
  clientId,
  clientSecret,
  clientAuth,
}: ClientCredentials): Promise<ClientAuthentication> {
  const id = await clientId.current()
  const secret = await clientSecret.current()
  const presented = { id: labelOf(clientId, id), secret: labelOf(clientSecret, secret), value: secret }
  return clientAuth === 'basic'
    ? { form: {}, authorization: basic(id, secret), presented }
    : { form: { client_id: id, client_secret: secret }, authorization: undefined, presented }
}

/** RFC 6749 §2.3.1: both parts are form-urlencoded first. Keys and secrets of Salesforce hold safe characters only, and stay as they are. */
function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${formEncode(id)}:${formEncode(secret)}`).toString('base64')}`
}

function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}
