import type { Exchange, ExchangeObserver } from '../server/exchange.ts'
import type { TokenEvent } from '../token/token-source.ts'
import type { BearerEvent } from '../upstream/bearer-options.ts'
import { Counts, Distributions } from './counts.ts'
import { parseLimitInfo, type ApiUsage } from './limit-info.ts'

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Callers are named in the settings; there may be many all the same. */
const MAX_CALLERS = 100

const OWN_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** Up to the longest that Salesforce works on a request. */
const UPSTREAM_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]

/**
 * Counts what happens, from the events of the other rooms. prom-client costs several microseconds a request and much of the start,
 * so it is fed from here when somebody scrapes. No label takes more than a few values: no path, no foreign method, no unbounded caller.
 */
export class Tally implements ExchangeObserver {
  readonly requests = new Counts(['family', 'method', 'status_class', 'caller'])
  readonly received = new Counts(['family'])
  readonly sent = new Counts(['family'])
  readonly refusals = new Counts(['reason'])
  readonly errors = new Counts(['reason'])
  readonly exceptions = new Counts([])
  readonly tokenRequests = new Counts(['outcome'])
  readonly deadSessions = new Counts(['family'])
  readonly replays = new Counts(['outcome'])
  readonly confirmations = new Counts(['result'])
  readonly ownSeconds = new Distributions(OWN_SECONDS)
  readonly upstreamSeconds = new Distributions(UPSTREAM_SECONDS)
  inFlight = 0
  /** Epoch milliseconds. */
  tokenSuccessAt: number | undefined
  readonly #now: () => number
  readonly #callers = new Set<string>()
  #limitInfo: string | undefined
  #apiUsage: readonly ApiUsage[] = []

  constructor({ now }: { now: () => number }) {
    this.#now = now
    this.exceptions.add(0)
    // Known from the start: a rate over a counter that has just appeared misses its first step.
    for (const outcome of ['obtained', 'unchanged', 'failed', 'held_back']) this.tokenRequests.add(0, outcome)
    for (const outcome of ['answered', 'refused', 'failed', 'too_large', 'unsafe']) this.replays.add(0, outcome)
    for (const result of ['dead', 'alive', 'unknown']) this.confirmations.add(0, result)
  }

  /** As the last answer told it. */
  get apiUsage(): readonly ApiUsage[] {
    return this.#apiUsage
  }

  begun(): void {
    this.inFlight += 1
  }

  exception(): void {
    this.exceptions.add(1)
  }

  ended(exchange: Exchange): void {
    const { method, family, status, ms, upstreamMs, caller, bytesOut, problem, isBrokenOff, facts } = exchange
    this.inFlight -= 1
    this.requests.add(
      1,
      family,
      METHODS.has(method) ? method : 'other',
      isBrokenOff || status === undefined ? 'aborted' : classOf(status),
      this.#callerLabel(caller),
    )
    this.ownSeconds.observe(family, (ms - (upstreamMs ?? 0)) / 1000)
    if (upstreamMs !== undefined) this.upstreamSeconds.observe(family, upstreamMs / 1000)
    if (problem) this[problem.isRefusal ? 'refusals' : 'errors'].add(1, problem.code)
    if (bytesOut > 0) this.sent.add(bytesOut, family)
    if (!facts) return
    this.received.add(facts.bytesIn, family)
    if (facts.limitInfo !== undefined && facts.limitInfo !== this.#limitInfo) {
      this.#limitInfo = facts.limitInfo
      this.#apiUsage = parseLimitInfo(facts.limitInfo)
    }
  }

  token(event: TokenEvent): void {
    if (event.type === 'obtained' || event.type === 'unchanged') {
      this.tokenRequests.add(1, event.type)
      this.tokenSuccessAt = this.#now()
    } else if (event.type === 'failed') {
      this.tokenRequests.add(1, 'failed')
    } else if (event.type === 'held-back') {
      this.tokenRequests.add(1, 'held_back')
    }
  }

  bearer(event: BearerEvent): void {
    if (event.type === 'session-replaced') this.deadSessions.add(1, event.family)
    if (event.type === 'replay-ended') this.replays.add(1, event.outcome)
    if (event.type === 'session-lost') {
      this.deadSessions.add(1, event.family)
      this.replays.add(1, event.why)
    }
    if (event.type === 'session-confirmed') this.confirmations.add(1, event.health)
  }

  #callerLabel(caller = 'none'): string {
    if (!this.#callers.has(caller) && this.#callers.size >= MAX_CALLERS) return 'other'
    this.#callers.add(caller)
    return caller
  }
}

const CLASSES = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx']

/** The same string each time. */
function classOf(status: number): string {
  const hundreds = Math.floor(status / 100)
  return CLASSES[hundreds] ?? `${hundreds}xx`
}
