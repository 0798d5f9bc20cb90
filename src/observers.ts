import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import { logBearerEvent, logTokenEvent } from './event-log.ts'
import { Tally } from './metrics/tally.ts'
import { logAccess } from './server/access-log.ts'
import type { ExchangeObserver } from './server/exchange.ts'
import type { TokenEvent } from './token/token-source.ts'
import type { BearerEvent } from './upstream/bearer-options.ts'

/** Who is told of what happens: the log and the tally of the metrics. */
export interface Observers {
  readonly tally: Tally
  readonly exchanges: ExchangeObserver
  token(event: TokenEvent): void
  bearer(event: BearerEvent): void
}

export function createObservers({ logger, clock }: { logger: Logger; clock: Clock }): Observers {
  const tally = new Tally({ now: () => clock.now() })
  return {
    tally,
    exchanges: {
      begun() {
        tally.begun()
      },
      ended(exchange) {
        logAccess(logger, exchange)
        tally.ended(exchange)
      },
    },
    token(event) {
      logTokenEvent(logger, event)
      tally.token(event)
    },
    bearer(event) {
      logBearerEvent(logger, event)
      tally.bearer(event)
    },
  }
}
