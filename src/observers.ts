import type { Logger } from 'pino'
import { ApiRefusals } from './api-refusals.ts'
import type { Clock } from './clock.ts'
import { logBearerEvent, logTokenEvent } from './event-log.ts'
import type { Inspector } from './inspector/inspector.ts'
import { Tally } from './metrics/tally.ts'
import { logAccess, type RequestLines } from './server/access-log.ts'
import type { ExchangeObserver } from './server/exchange.ts'
import type { TokenEvent, TokenHealth } from './token/token-source.ts'
import type { BearerEvent } from './upstream/bearer-options.ts'

/** Who is told of what happens: the log, the tally of the metrics, what /status says of the API, and the inspector of the status page. */
export interface Observers {
  readonly tally: Tally
  readonly apiRefusals: ApiRefusals
  readonly exchanges: ExchangeObserver
  token(event: TokenEvent): void
  bearer(event: BearerEvent): void
}

interface ObserversOptions {
  readonly logger: Logger
  readonly clock: Clock
  /** Undefined without the admin listener. */
  readonly inspector?: Pick<Inspector, 'ended' | 'token' | 'bearer'> | undefined
  readonly requestLines: RequestLines
}

export function createObservers({ logger, clock, inspector, requestLines }: ObserversOptions): Observers {
  const tally = new Tally({ now: () => clock.now() })
  const apiRefusals = new ApiRefusals(() => clock.now())
  let lastHealth: TokenHealth | undefined
  return {
    tally,
    apiRefusals,
    exchanges: {
      begun() {
        tally.begun()
      },
      exception() {
        tally.exception()
      },
      ended(exchange) {
        logAccess(logger, exchange, requestLines)
        tally.ended(exchange)
        inspector?.ended(exchange)
        apiRefusals.ended(exchange)
      },
    },
    token(event) {
      logTokenEvent(logger, event)
      tally.token(event)
      inspector?.token(event)
    },
    bearer(event) {
      let isNews = true
      if (event.type === 'api-refused') isNews = apiRefusals.refused(event.family, event.diagnosis)
      if (event.type === 'session-confirmed') {
        isNews = event.health !== lastHealth
        lastHealth = event.health
      }
      logBearerEvent(logger, event, isNews)
      tally.bearer(event)
      inspector?.bearer(event)
    },
  }
}
