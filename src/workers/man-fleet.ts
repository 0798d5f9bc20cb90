import { servingSettings, type Settings } from '../config.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { Tally } from '../metrics/tally.ts'
import type { CallerKey } from '../server/caller-key.ts'
import type { TlsIdentity } from '../server/draining-server.ts'
import type { TokenKeeper } from '../token/token-keeper.ts'
import { toldKeys } from './caller-keys-told.ts'
import { Fleet, type FleetOptions } from './fleet.ts'
import { TokenDesk } from './token-desk.ts'
import type { StartWorker } from './worker-process.ts'

export interface CrewOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  /** Undefined where the program cannot start any. */
  readonly startWorker: (() => Promise<StartWorker>) | undefined
  readonly keeper: TokenKeeper
  readonly tally: Tally
  readonly onSeen: NonNullable<FleetOptions['onSeen']>
  readonly ca: string | undefined
  /** Undefined where callers need none. */
  readonly callerKeys: (() => readonly CallerKey[]) | undefined
  /** What callers present, for the workers not to print it. */
  readonly callerSecrets: () => Iterable<string>
  readonly identity: () => TlsIdentity | undefined
}

/** The workers that the settings ask for, each with its share of the limits and without a credential of the token endpoint. */
export async function manFleet(options: CrewOptions): Promise<Fleet> {
  const { settings, clock, logger, version, startWorker, keeper, tally, ca, callerKeys } = options
  if (startWorker === undefined) throw new Error('WORKERS: nothing here starts a process')
  const { WORKERS: size } = settings
  const serving = servingSettings(settings)
  return new Fleet({
    size,
    clock,
    logger,
    version,
    start: await startWorker(),
    tally,
    onSeen: options.onSeen,
    desk: new TokenDesk(keeper),
    ports: { plain: settings.PROXY_PORT, secure: options.identity() && (settings.PROXY_TLS_PORT ?? 0) },
    socketPath: settings.PROXY_SOCKET,
    drainTimeoutMs: settings.DRAIN_TIMEOUT_MS,
    greeting: ({ number, ports }) => {
      const identity = options.identity()
      return {
        settings: {
          ...serving,
          UPSTREAM_CONNECTIONS: share(settings.UPSTREAM_CONNECTIONS, { number, size }),
          UPSTREAM_QUEUE_LIMIT: share(settings.UPSTREAM_QUEUE_LIMIT, { number, size }),
          PROXY_PORT: ports.plain,
          ...(ports.secure !== undefined && { PROXY_TLS_PORT: ports.secure }),
        },
        ...(ca !== undefined && { ca }),
        ...(callerKeys && { callerKeys: toldKeys(callerKeys()) }),
        secrets: [...options.callerSecrets()],
        ...(identity && { identity: { ...identity } }),
        logLevel: settings.LOG_LEVEL,
      }
    },
  })
}

/** What worker `number` of `size` has of a whole: all of them together have exactly that. */
export function share(whole: number, { number, size }: { number: number; size: number }): number {
  return Math.floor(whole / size) + (number <= whole % size ? 1 : 0)
}
