import type { Logger } from 'pino'
import { infoOwn, type OwnLine } from '../logger.ts'
import type { Exchange } from './exchange.ts'

/** Which requests have a line: all, those that went wrong, none. */
export type RequestLines = 'all' | 'failures' | 'none'

/** One line a request. Own time is all that is not the upstream's: policy, waiting for a token or a connection, a slow caller's head. */
export function logAccess(logger: Logger, exchange: Exchange, lines: RequestLines = 'all'): void {
  if (lines === 'none' || !logger.isLevelEnabled('info')) return
  if (lines === 'failures' && !hasFailed(exchange)) return
  if (exchange.problem === undefined && infoOwn(logger, ownLine(exchange))) return
  const { id, method, shownPath: path, family, status, ms, upstreamMs } = exchange
  const { caller, problem, isBrokenOff, facts, bytesOut } = exchange
  logger.info(
    {
      reqId: id,
      method,
      path,
      family,
      status,
      ownMs: rounded(ms - (upstreamMs ?? 0)),
      upstreamMs: upstreamMs === undefined ? undefined : rounded(upstreamMs),
      bytesIn: facts?.bytesIn,
      bytesOut,
      caller,
      sfdcRequestId: facts?.sfdcRequestId,
      replayed: facts?.sessionReplaced === true ? true : undefined,
      error: problem?.code,
      rule: problem?.rule,
      brokenOff: isBrokenOff ? true : undefined,
    },
    'request',
  )
}

/** The same, member for member. Node knows the method, and the family is one of ours. */
function ownLine(exchange: Exchange): OwnLine {
  const { id, method, shownPath: path, family, status, ms, upstreamMs, caller, isBrokenOff, facts, bytesOut } = exchange
  const passing = [id]
  const recurring = [path]
  let members = `,"reqId":"${id}","method":"${method}","path":"${path}","family":"${family}"`
  if (status !== undefined) members += `,"status":${status}`
  members += `,"ownMs":${rounded(ms - (upstreamMs ?? 0))}`
  if (upstreamMs !== undefined) members += `,"upstreamMs":${rounded(upstreamMs)}`
  if (facts !== undefined) members += `,"bytesIn":${facts.bytesIn}`
  members += `,"bytesOut":${bytesOut}`
  if (caller !== undefined) {
    recurring.push(caller)
    members += `,"caller":"${caller}"`
  }
  if (facts?.sfdcRequestId !== undefined) {
    passing.push(facts.sfdcRequestId)
    members += `,"sfdcRequestId":"${facts.sfdcRequestId}"`
  }
  if (facts?.sessionReplaced === true) members += ',"replayed":true'
  if (isBrokenOff) members += ',"brokenOff":true'
  return { members, passing, recurring, message: 'request' }
}

function hasFailed({ status, problem, isBrokenOff }: Exchange): boolean {
  return status === undefined || status >= 400 || problem !== undefined || isBrokenOff
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}
