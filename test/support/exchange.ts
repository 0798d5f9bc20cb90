import type { BodyCapture } from '../../src/server/body-capture.ts'
import type { Exchange, ExchangeFacts } from '../../src/server/exchange.ts'
import { normalPath } from '../../src/server/normal-path.ts'

interface Parts extends Partial<Exchange> {
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
  const sent = sentHeaders && { sentHeaders }
  const answered = answerHeaders && { answerHeaders }
  return {
    id: 'request-1',
    method: 'GET',
    target,
    shownPath: normalPath(target),
    family: 'rest',
    status: 200,
    ms: 12,
    upstreamMs: 10,
    caller: undefined,
    bytesOut,
    problem: undefined,
    isBrokenOff: false,
    facts: isRefused ? undefined : factsOf({ target, bytesIn, bytesOut, bodies, ...sent, ...answered }),
    ...rest,
  }
}

export function factsOf(parts: Partial<ExchangeFacts> = {}): ExchangeFacts {
  return {
    family: 'rest',
    target: '/services/data/v67.0/limits',
    sentHeaders: ['Accept', 'application/json'],
    upstreamStartedAt: 1,
    upstreamEndedAt: 11,
    sessionReplaced: false,
    bytesIn: 0,
    bytesOut: 0,
    sfdcRequestId: undefined,
    limitInfo: undefined,
    answerHeaders: ['Content-Type', 'application/json'],
    bodies: undefined,
    ...parts,
  }
}
