import { createPrivateKey } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Dispatcher } from 'undici'
import type { TrustedOrigins } from './instance-url.ts'
import { blame, OAuthError } from './oauth-error.ts'
import { postForm } from './post-form.ts'
import { labelOf, type SecretSource } from './secret-source.ts'
import { readTokenAnswer } from './token-response.ts'
import type { Grant } from './token-source.ts'

export interface JwtBearerOptions extends TrustedOrigins {
  readonly tokenUrl: string
  readonly clientId: SecretSource
  /** An RSA private key, PEM, PKCS#1 or PKCS#8. */
  readonly privateKey: SecretSource
  readonly username: string
  /** The login host: `https://login.salesforce.com`, `https://test.salesforce.com` or the My Domain. */
  readonly audience: string
  readonly dispatcher: Dispatcher
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Salesforce takes assertions that expire within minutes only. */
const ASSERTION_SECONDS = 180
/** A clock that is wrong by more makes assertions of no use; by less, it is as good as an answer's Date. */
const TELLING_SKEW_MS = 60_000

/** RFC 7523 §2.1: a signed statement instead of a client secret. */
export function jwtBearerGrant(options: JwtBearerOptions): Grant {
  const { tokenUrl: url, clientId, privateKey, username, audience, dispatcher, now } = options
  // How far the login host's clock was ahead of ours at its last answer.
  let skewMs = 0
  return {
    name: 'jwt_bearer',
    async request(signal) {
      const issuer = await clientId.current()
      const pem = await privateKey.current()
      const presented = { id: labelOf(clientId, issuer), secret: labelOf(privateKey, pem), value: pem }
      try {
        const assertion = await sign(pem, { issuer, username, audience, now: Math.floor((now() + skewMs) / 1000) })
        const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
        const answer = await postForm({ dispatcher, url, form, now, signal })
        skewMs = tellingSkew(answer.serverNow - now())
        return readTokenAnswer(answer, options)
      } catch (thrown) {
        throw blame(thrown, presented)
      }
    },
  }
}

function tellingSkew(ms: number): number {
  return Math.abs(ms) > TELLING_SKEW_MS ? ms : 0
}

interface Claims {
  issuer: string
  username: string
  audience: string
  now: number
}

async function sign(pem: string, { issuer, username, audience, now }: Claims): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(issuer)
    .setSubject(username)
    .setAudience(audience)
    .setExpirationTime(now + ASSERTION_SECONDS)
    .sign(readKey(pem))
}

/** Node reads both PEM forms, where jose's own reader takes PKCS#8 only. */
function readKey(pem: string) {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'rsa') return key
  } catch {
    // The error quotes the key's text, so it is not kept.
  }
  throw new OAuthError({ kind: 'permanent', error: 'unreadable_private_key' })
}
