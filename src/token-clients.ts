import type { Dispatcher } from 'undici'
import type { Settings } from './config.ts'
import { clientCredentialsGrant } from './token/client-credentials.ts'
import { introspection, type Introspect } from './token/introspection.ts'
import { jwtBearerGrant } from './token/jwt-bearer.ts'
import type { SecretSource } from './token/secret-source.ts'
import type { Grant } from './token/token-source.ts'

export type SecretName = 'CLOUDAWARE_CLIENT_ID' | 'CLOUDAWARE_CLIENT_SECRET' | 'CLOUDAWARE_JWT_KEY'

export interface TokenClientsOptions {
  readonly settings: Settings
  /** Carries token requests; closed by the caller. */
  readonly dispatcher: Dispatcher
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Where a credential comes from. */
  readonly open: (name: SecretName) => SecretSource
}

/** The two services of the login host that the proxy asks, as the settings say: the token endpoint and introspection. */
export function tokenClients({ settings, dispatcher, now, open }: TokenClientsOptions): {
  grant: Grant
  introspect: Introspect
  /** What the grant presents, and for whom: replicas that agree in it may share a token. */
  identity: { secret: SecretSource; clientId: SecretSource; username: string }
} {
  const client = {
    clientId: open('CLOUDAWARE_CLIENT_ID'),
    clientSecret: open('CLOUDAWARE_CLIENT_SECRET'),
    clientAuth: settings.CLOUDAWARE_CLIENT_AUTH,
  }
  const endpoint = { dispatcher, now }
  const tokenUrl = settings.CLOUDAWARE_TOKEN_URL
  const shared = {
    ...endpoint,
    tokenUrl,
    configuredUrl: settings.CLOUDAWARE_URL,
    trustedHosts: settings.CLOUDAWARE_TRUSTED_HOSTS,
  }
  const isJwt = settings.CLOUDAWARE_GRANT_TYPE === 'jwt_bearer'
  const secret = isJwt ? open('CLOUDAWARE_JWT_KEY') : client.clientSecret
  // Checked to be there with the JWT grant.
  const username = isJwt ? (settings.CLOUDAWARE_JWT_USERNAME ?? '') : ''
  const { clientId } = client
  const grant = isJwt
    ? jwtBearerGrant({
        ...shared,
        clientId,
        privateKey: secret,
        username,
        audience: settings.CLOUDAWARE_JWT_AUDIENCE,
      })
    : clientCredentialsGrant({ ...shared, ...client })
  const introspectUrl = new URL('introspect', tokenUrl).href
  return {
    grant,
    introspect: introspection({ ...endpoint, ...client, introspectUrl }),
    identity: { secret, clientId, username },
  }
}
