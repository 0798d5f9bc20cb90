import type { Logger } from 'pino'
import type { Exchange } from './exchange.ts'
import { normalPath } from './normal-path.ts'

/** Which requests have a line: all, those that went wrong, none. */
export type RequestLines = 'all' | 'failures' | 'none'

/** One line a request. Own time is all that is not the upstream's: policy, waiting for a token or a connection, a slow caller's head. */
export function logAccess(logger: Logger, exchange: Exchange, lines: RequestLines = 'all'): void {
  if (lines === 'none' || !logger.isLevelEnabled('info')) return
  if (lines === 'failures' && !hasFailed(exchange)) return
  const { id, method, target, family, status, ms, upstreamMs, caller, problem, isBrokenOff, facts } = exchange
  logger.info(
    {
      reqId: id,
      method,
      path: normalPath(target),
      family,
      status,
      ownMs: rounded(ms - (upstreamMs ?? 0)),
      upstreamMs: upstreamMs === undefined ? undefined : rounded(upstreamMs),
      bytesIn: facts?.bytesIn,
      bytesOut: facts?.bytesOut,
      caller,
      sfdcRequestId: facts?.sfdcRequestId,
      replayed: facts?.sessionReplaced === true ? true : undefined,
      error: problem?.code,
      rule: problem && ruleOf(problem.cause),
      brokenOff: isBrokenOff ? true : undefined,
    },
    'request',
  )
}

function hasFailed({ status, problem, isBrokenOff }: Exchange): boolean {
  return status === undefined || status >= 400 || problem !== undefined || isBrokenOff
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** A refusal carries the rule that made it. */
function ruleOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'rule' in cause ? cause.rule : undefined
}
