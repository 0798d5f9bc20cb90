import type { BodyCapture } from '../../src/server/body-capture.ts'
import type { Exchange } from '../../src/server/exchange.ts'

interface Parts extends Partial<Omit<Exchange, 'facts'>> {
  readonly sentHeaders?: readonly string[]
  readonly answerHeaders?: readonly string[]
  readonly bodies?: BodyCapture
  readonly bytesIn?: number
  readonly bytesOut?: number
  /** Refused before it was forwarded. */
  readonly isRefused?: boolean
}

/** An exchange that went well, but for what the test says. */
export function exchangeOf(parts: Parts = {}): Exchange {
  const { sentHeaders, answerHeaders, bodies, bytesIn = 0, bytesOut = 0, isRefused = false, ...rest } = parts
  const target = parts.target ?? '/services/data/v67.0/limits'
  return {
    id: 'request-1',
    method: 'GET',
    target,
    family: 'rest',
    status: 200,
    ms: 12,
    upstreamMs: 10,
    caller: undefined,
    problem: undefined,
    isBrokenOff: false,
    facts: isRefused
      ? undefined
      : {
          family: 'rest',
          target,
          sentHeaders: sentHeaders ?? ['Accept', 'application/json'],
          upstreamStartedAt: 1,
          upstreamEndedAt: 11,
          sessionReplaced: false,
          bytesIn,
          bytesOut,
          sfdcRequestId: undefined,
          limitInfo: undefined,
          answerHeaders: answerHeaders ?? ['Content-Type', 'application/json'],
          bodies,
        },
    ...rest,
  }
}
