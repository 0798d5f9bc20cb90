import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import { parseCallerKeys, type NamedKey, type Settings } from './config.ts'
import { logTokenEvent } from './event-log.ts'
import { digestKeys, keysWithSessions } from './server/caller-key.ts'
import type { CallerSessions } from './server/sessions-due.ts'
import { watchSecretFile } from './token/secret-file.ts'

export interface CallerKeysOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  /** Told every key read later than the settings, so that it is never printed. */
  readonly onSecret: (secret: string) => void
}

export interface CallerKeys extends CallerSessions {
  /** Looks at the file at once. */
  reload(): Promise<void>
  close(): Promise<void>
}

/** The keys that callers must present; undefined where none is asked for. Those of a file are read again when it changes. */
export function openCallerKeys(options: CallerKeysOptions): CallerKeys | undefined {
  const { settings, clock, logger, onSecret } = options
  const { PROXY_API_KEY: text, PROXY_API_KEY_FILE: path } = settings
  if (text === undefined) return undefined
  const hasSessions = settings.PROXY_LOGIN === 'on'
  const first = parsed(text).keys
  let keys = digestKeys(first)
  let deriving: Promise<void> | undefined
  let areDerived = !hasSessions
  const derive = async () => {
    if (hasSessions) keys = await keysWithSessions(first)
    areDerived = true
  }
  const current: CallerSessions = {
    get areDerived() {
      return areDerived
    },
    current: () => keys,
    deriveSessions: () => (deriving ??= derive()),
  }
  const nothing = () => Promise.resolve()
  if (path === undefined) return Object.assign(current, { reload: nothing, close: nothing })

  const read = async () => {
    // Not to come later than those of this file, and replace them.
    await current.deriveSessions()
    const changed = parsed(await file.current())
    // The keys in use stay good: a slip of the pen must not lock everybody out, and never let everybody in.
    if (changed.problem !== undefined)
      logger.warn({ problem: changed.problem }, 'the new API keys are malformed: the old ones stay good')
    else {
      for (const { key } of changed.keys) onSecret(key)
      keys = await (hasSessions ? keysWithSessions(changed.keys) : digestKeys(changed.keys))
      logger.info({ callers: keys.map(({ name }) => name) }, 'API keys read again')
    }
  }
  // One after the other, so that the last change is the last to count.
  let reading = Promise.resolve()
  const file = watchSecretFile({
    setting: 'PROXY_API_KEY_FILE',
    path,
    clock,
    known: text,
    onEvent: (event) => {
      if (event.type === 'secret-unreadable') logTokenEvent(logger, event)
    },
    onChange: () => {
      // Rejects only for a file that was never readable, which the event above tells.
      reading = reading.then(read).catch(() => undefined)
    },
  })
  return Object.assign(current, {
    async reload() {
      await file.look()
      await reading
    },
    async close() {
      await file.close()
      await reading
    },
  })
}

function parsed(text: string): { keys: readonly NamedKey[]; problem?: string } {
  const result = parseCallerKeys(text)
  return 'keys' in result ? result : { keys: [], problem: `PROXY_API_KEY_FILE ${result.problem}` }
}
