import type { Logger } from 'pino'

/** From the most talkative to none at all. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
type Level = (typeof LOG_LEVELS)[number]

/** The level of the log while the program runs; a restart goes back to what is configured. */
export class LogLevel {
  readonly #logger: Logger
  readonly configured: string

  constructor(logger: Logger) {
    this.#logger = logger
    this.configured = logger.level
  }

  get current(): string {
    return this.#logger.level
  }

  /** False for what is no level. */
  set(wanted: string): boolean {
    const level = LOG_LEVELS.find((known) => known === wanted)
    if (level === undefined) return false
    this.#change(level)
    return true
  }

  /** To debug and back to what is configured; where that is debug already, to trace and back. */
  toggleDebug(): void {
    const detailed = ['debug', 'trace'].includes(this.configured) ? 'trace' : 'debug'
    this.set(this.current === detailed ? this.configured : detailed)
  }

  #change(level: Level): void {
    const previous = this.current
    if (level === previous) return
    // Said as long as either level lets it through.
    this.#logger.warn({ level, previous }, 'log level changed')
    const wasHeard = this.#logger.isLevelEnabled('warn')
    this.#logger.level = level
    if (!wasHeard) this.#logger.warn({ level, previous }, 'log level changed')
  }
}
