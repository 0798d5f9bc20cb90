import { parseTarget } from '../server/request-target.ts'
import { effectiveMethods, isReadMethod } from '../server/effective-method.ts'
import { judgeReadOnly } from '../server/read-only.ts'
import type { Exchange } from '../server/exchange.ts'
import { REDACTED } from '../redaction.ts'
import type { CredentialNet } from './credential-net.ts'
import { showBody } from './shown-body.ts'
import type { ExchangeDetail, ExchangeSummary, Field, ReplayOffer, ShownBody } from './wire.ts'

/** An exchange as it is kept: without credentials, and no longer tied to the objects of its request. */
export interface ExchangeRecord {
  readonly summary: ExchangeSummary
  readonly detail: ExchangeDetail
  /** What to send for a replay, byte for byte; undefined where that is not possible. */
  readonly body: Buffer | undefined
}

/** A list of 200 with the longest of targets would be megabytes. */
const LISTED_LENGTH = 1000

export interface Unsettled {
  readonly n: number
  readonly startedAt: number
  readonly exchange: Exchange
  readonly replayOf: number | null
}

export function recordOf({ n, startedAt, exchange, replayOf }: Unsettled, net: CredentialNet): ExchangeRecord {
  const { facts, problem, upstreamMs, status, caller } = exchange
  const requestHeaders = facts ? net.fields(facts.sentHeaders) : null
  const answerHeaders = facts?.answerHeaders ? net.fields(facts.answerHeaders) : null
  const sent = facts?.bodies?.request.bytes()
  const requestBody = showBody({ bytes: sent, total: facts?.bytesIn ?? 0, headers: requestHeaders ?? [] }, net)
  const answerBody = showBody(
    { bytes: facts?.bodies?.answer.bytes(), total: facts?.bytesOut ?? 0, headers: answerHeaders ?? [] },
    net,
  )
  const target = net.text(exchange.target)
  const body = sent ?? Buffer.alloc(0)
  const isClean = net.text(body.toString('latin1')) === body.toString('latin1')
  const isWhole = body.length === (facts?.bytesIn ?? 0)
  const replay = offerOf({ method: exchange.method, target, requestHeaders, requestBody, isClean, isWhole })
  const summary: ExchangeSummary = {
    n,
    id: exchange.id,
    startedAt,
    method: exchange.method,
    target: target.length > LISTED_LENGTH ? `${target.slice(0, LISTED_LENGTH)}…` : target,
    family: exchange.family,
    status: status ?? null,
    ms: rounded(exchange.ms),
    upstreamMs: upstreamMs === undefined ? null : rounded(upstreamMs),
    bytesIn: facts?.bytesIn ?? 0,
    bytesOut: exchange.bytesOut,
    caller: caller ?? null,
    isResent: facts?.sessionReplaced === true,
    isBrokenOff: exchange.isBrokenOff,
    problem: problem ? { code: problem.code, message: net.text(problem.message) } : null,
    replayOf,
  }
  const sfdcRequestId = facts?.sfdcRequestId ?? null
  return {
    summary,
    detail: { ...summary, target, sfdcRequestId, requestHeaders, answerHeaders, requestBody, answerBody, replay },
    body: replay.kind === 'impossible' ? undefined : body,
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}

interface Repeatable {
  readonly method: string
  readonly target: string
  readonly requestHeaders: readonly Field[] | null
  readonly requestBody: ShownBody
  /** No credential is in the body, as far as one can tell. */
  readonly isClean: boolean
  readonly isWhole: boolean
}

/** RFC 9110 §9.2.1: what is not safe needs a person's word, and the platform's ways of writing by GET are not safe. */
function offerOf({ method, target, requestHeaders, requestBody, isClean, isWhole }: Repeatable): ReplayOffer {
  if (requestHeaders === null)
    return impossible('The proxy answered it itself, and keeps nothing of it that could be sent.')
  if (target.includes(REDACTED)) return impossible('Its address held a credential, which was not kept.')
  if (requestBody.kind === 'unasked') return impossible('Its body was not kept: start the proxy with INSPECT=true.')
  if (!isClean || (requestBody.kind === 'text' && requestBody.isRedacted)) {
    return impossible('Its body held a credential, which was not kept.')
  }
  if (!isWhole) return impossible('Only the first 16 KiB of its body were kept.')
  const parsed = parseTarget(target)
  if ('problem' in parsed) return impossible(parsed.problem)
  const headers = Object.fromEntries(requestHeaders.map(([name, value]) => [name.toLowerCase(), value]))
  const isRead =
    effectiveMethods(method, parsed.search, headers).every(isReadMethod) &&
    judgeReadOnly(method, parsed.policyPath) === undefined
  return { kind: isRead ? 'safe' : 'ask' }
}

function impossible(why: string): ReplayOffer {
  return { kind: 'impossible', why }
}
