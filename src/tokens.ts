import type { Dispatcher } from 'undici'
import type { Clock } from './clock.ts'
import type { Settings } from './config.ts'
import { createTokenKeeper } from './token/keeper.ts'
import { watchSecretFile, type SecretFile } from './token/secret-file.ts'
import { fixedSecret, type SecretSource } from './token/secret-source.ts'
import type { TokenKeeper } from './token/token-keeper.ts'
import type { AccessToken, TokenEvent, TokenHealth } from './token/token-source.ts'
import type { StoreEvent } from './token-store/patient-store.ts'
import { shareTokens } from './token-sharing.ts'
import { tokenClients, type SecretName } from './token-clients.ts'

export interface TokensOptions {
  readonly settings: Settings
  readonly clock: Clock
  /** Carries token requests; closed by the caller. */
  readonly dispatcher: Dispatcher
  /** Asks the org whether a token is dead. */
  readonly confirm: (token: AccessToken) => Promise<TokenHealth>
  readonly hasWorked: (token: AccessToken) => boolean
  readonly onEvent: (event: TokenEvent) => void
  readonly onStoreEvent: (event: StoreEvent) => void
  /** Further CA certificates (PEM). */
  readonly ca?: string | undefined
  /** Told of each value that a secret file is read with. */
  readonly onSecret: (secret: string) => void
}

export interface Tokens {
  readonly keeper: TokenKeeper
  /** Looks at the secret files at once, and asks for a token with what is there: one request, whether they changed or not. */
  reload(): Promise<void>
  /** Ends the keeper and stops watching secret files. */
  close(): Promise<void>
}

/** The token room, furnished as the settings say: secrets, grant, keeper. */
export function createTokens(options: TokensOptions): Tokens {
  const { settings, clock, dispatcher, onSecret } = options
  const onEvent = (event: TokenEvent) => {
    shared?.observe(event)
    options.onEvent(event)
  }
  const secrets = new Secrets({
    clock,
    onEvent,
    onSecret,
    onChange: () => {
      keeper.reload()
    },
  })
  const { grant, introspect, identity } = tokenClients({
    settings,
    dispatcher,
    now: () => clock.now(),
    open: (name) => secrets.open(name, settings),
  })
  const shared = shareTokens({ ...options, grant, identity })
  const keeper = createTokenKeeper({
    grant: shared ?? grant,
    clock,
    onEvent,
    waitMs: settings.TOKEN_WAIT_MS,
    lifetimeSeconds: settings.TOKEN_LIFETIME_SECONDS,
    requestsPerHour: settings.TOKEN_REQUESTS_PER_HOUR,
    confirm: options.confirm,
    hasWorked: options.hasWorked,
    introspect: settings.TOKEN_INTROSPECT ? introspect : undefined,
  })
  return {
    keeper,
    async reload() {
      // A change makes the keeper ask by itself.
      if (!(await secrets.look())) keeper.reload()
    },
    async close() {
      await Promise.all([keeper.close(), secrets.close()])
      await shared?.close()
    },
  }
}

interface Watching extends Pick<TokensOptions, 'clock' | 'onEvent' | 'onSecret'> {
  readonly onChange: () => void
}

/** Secrets as the settings give them: a value, or a file that is watched. */
class Secrets {
  readonly #files: SecretFile[] = []
  readonly #watching: Watching

  constructor(watching: Watching) {
    this.#watching = watching
  }

  open(name: SecretName, settings: Settings): SecretSource {
    const path = settings[`${name}_FILE`]
    if (path === undefined) return fixedSecret(name, valueOf(name, settings))
    const { onSecret, ...watching } = this.#watching
    const file = watchSecretFile({ setting: `${name}_FILE`, path, ...watching })
    this.#files.push(file)
    return {
      name: file.name,
      async current() {
        const value = await file.current()
        onSecret(value)
        return value
      },
    }
  }

  /** Whether any of them changed. */
  async look(): Promise<boolean> {
    return (await Promise.all(this.#files.map((file) => file.look()))).includes(true)
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()))
  }
}

/** A key file is the only form of a JWT key. */
function valueOf(name: SecretName, settings: Settings): string {
  return (name === 'CLOUDAWARE_JWT_KEY' ? undefined : settings[name]) ?? ''
}
