import { sealingKey } from './token-store/sealed-token.ts'
import { shareGrant, type SharedGrant, type SharedGrantOptions } from './token-store/shared-grant.ts'
import type { Settings } from './config.ts'
import type { StoreEvent } from './token-store/patient-store.ts'
import type { tokenClients } from './token-clients.ts'

type Clients = ReturnType<typeof tokenClients>

interface SharingOptions extends Pick<SharedGrantOptions, 'clock' | 'grant'>, Pick<Clients, 'identity'> {
  readonly settings: Settings
  readonly ca?: string | undefined
  readonly onStoreEvent: (event: StoreEvent) => void
}

/** The grant that shares its tokens by TOKEN_STORE_URL, where that is set. The client of the store is loaded only then. */
export function shareTokens(options: SharingOptions): SharedGrant | undefined {
  const { settings, ca, clock, grant, identity, onStoreEvent: onEvent } = options
  const { TOKEN_STORE_URL: url } = settings
  if (url === undefined) return undefined
  return shareGrant({
    grant,
    clock,
    onEvent,
    assumedLifeMs: settings.TOKEN_LIFETIME_SECONDS * 1000,
    open: async () => (await import('./token-store/redis-store.ts')).openRedisStore({ url, ca }),
    async sealingKey() {
      const [secret, clientId] = await Promise.all([identity.secret.current(), identity.clientId.current()])
      // A replica that trusts other hosts must not adopt the instance_url that this one let pass.
      const { CLOUDAWARE_URL, CLOUDAWARE_TOKEN_URL, CLOUDAWARE_TRUSTED_HOSTS } = settings
      const trusted = [...CLOUDAWARE_TRUSTED_HOSTS].sort()
      return sealingKey(secret, [CLOUDAWARE_URL, CLOUDAWARE_TOKEN_URL, clientId, identity.username, ...trusted])
    },
  })
}
