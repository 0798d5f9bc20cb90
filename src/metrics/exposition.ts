import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { TokenStatus } from '../token/token-status.ts'
import type { Counts } from './counts.ts'
import type { Tally } from './tally.ts'
import { TalliedHistogram } from './tallied-histogram.ts'

/** Connections, and the requests that are on one or wait for one. */
export interface UpstreamStats {
  readonly connected: number
  readonly limit: number
  readonly running: number
  readonly queued: number
  /** Of bodies, and how much may be. */
  readonly heldBytes: number
  readonly heldBytesLimit: number
}

/** Connections of callers. */
export interface ClientStats {
  readonly open: number
  readonly limit: number
  /** Since the start. */
  readonly refused: number
  readonly evicted: number
}

export interface ExpositionOptions {
  readonly tally: Tally
  readonly tokenStatus: () => TokenStatus
  readonly upstreamStats: () => UpstreamStats
  readonly clientStats: () => ClientStats
  /** Lines that could not be written to the log, since the start. */
  readonly lostLogLines: () => number | undefined
  readonly version: string
}

export interface Exposition {
  readonly contentType: string
  /** The text format of Prometheus, with this process's own metrics. */
  readonly scrape: () => Promise<string>
}

/** The only place that knows prom-client. Loaded when the first scrape comes; everything is read at each. */
export function createExposition(options: ExpositionOptions): Exposition {
  const { tally, tokenStatus, upstreamStats, clientStats, lostLogLines, version } = options
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counter = (name: string, help: string, counts: Counts<string>, labelNames: string[]) =>
    new Counter({
      name: `cloudaware_proxy_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        for (const { labels, value } of counts.rows()) this.inc(labels, value)
      },
    })
  /** `read` gives nothing where there is nothing to tell: the series is then absent, which alerts can ask for. */
  const gauge = (name: string, help: string, read: () => number | undefined) =>
    new Gauge({
      name: `cloudaware_proxy_${name}`,
      help,
      registers: [registry],
      collect() {
        const value = read()
        if (value === undefined) this.remove()
        else this.set(value)
      },
    })

  counter('requests_total', 'Requests that are over', tally.requests, ['family', 'method', 'status_class', 'caller'])
  gauge('requests_in_flight', 'Requests that are being served', () => tally.inFlight)
  counter('received_bytes_total', 'Bytes of request bodies, from callers', tally.received, ['family'])
  counter('sent_bytes_total', 'Bytes of answer bodies, to callers', tally.sent, ['family'])
  counter('refusals_total', 'Requests that the proxy refused, by error code', tally.refusals, ['reason'])
  counter('errors_total', 'Requests that the proxy could not get answered, by error code', tally.errors, ['reason'])
  counter(
    'exceptions_total',
    'Mistakes of the proxy itself while it served a request; the log has each',
    tally.exceptions,
    [],
  )
  new TalliedHistogram(registry, tally.ownSeconds, {
    name: 'cloudaware_proxy_request_own_seconds',
    help: "The part of a request's time that is not the upstream's: policy, waiting for a token or a connection",
  })
  new TalliedHistogram(registry, tally.upstreamSeconds, {
    name: 'cloudaware_proxy_request_upstream_seconds',
    help: 'From a request on a connection to Cloudaware to the last byte of its answer',
  })

  gauge('token_held', 'Whether a token is held', () => (tokenStatus().token === null ? 0 : 1))
  gauge('token_age_seconds', 'Age of the token held', () => tokenStatus().token?.ageSeconds)
  gauge('token_seconds_left', "What is left of the token's assumed life", () => tokenStatus().token?.lifeLeftSeconds)
  gauge(
    'token_failures_in_a_row',
    'Failed token requests since the last good one',
    () => tokenStatus().failure?.inARow ?? 0,
  )
  gauge('token_last_success_timestamp_seconds', 'When the token endpoint last gave a token', () =>
    tally.tokenSuccessAt === undefined ? undefined : tally.tokenSuccessAt / 1000,
  )
  counter('token_requests_total', 'Token requests by outcome', tally.tokenRequests, ['outcome'])
  gauge('token_budget_limit', 'Token requests allowed in an hour', () => tokenStatus().budget.limit)
  gauge('token_budget_left', 'Token requests still allowed within the hour', () => {
    const { limit, used } = tokenStatus().budget
    return limit - used
  })
  counter('dead_sessions_total', 'Sessions that the API refused under a request', tally.deadSessions, ['family'])
  counter('replays_total', 'What became of requests under which the session died', tally.replays, ['outcome'])
  counter(
    'session_confirmations_total',
    'Calls that asked Cloudaware whether a token is still valid after a request was refused, by its answer',
    tally.confirmations,
    ['result'],
  )

  /** A counter without labels, which somebody else keeps. */
  const total = (name: string, help: string, read: () => number | undefined) =>
    new Counter({
      name: `cloudaware_proxy_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset()
        this.inc(read() ?? 0)
      },
    })

  gauge('client_connections', 'Open connections of callers', () => clientStats().open)
  gauge('client_connections_limit', 'Connections of callers at most', () => clientStats().limit)
  total('client_connections_refused_total', 'Connections of callers refused at the limit', () => clientStats().refused)
  total(
    'client_connections_evicted_total',
    'Idle connections of callers closed to make room',
    () => clientStats().evicted,
  )
  total('log_lines_lost_total', 'Lines that could not be written to the log', lostLogLines)
  gauge('upstream_connections', 'Open connections to Cloudaware', () => upstreamStats().connected)
  gauge('upstream_connections_limit', 'Connections at most', () => upstreamStats().limit)
  gauge('upstream_requests_running', 'Requests that are on a connection', () => upstreamStats().running)
  gauge('upstream_requests_queued', 'Requests that wait for a connection', () => upstreamStats().queued)
  gauge('held_body_bytes', 'Bytes of bodies that are held: to be judged, for a repeat', () => upstreamStats().heldBytes)
  gauge('held_body_bytes_limit', 'Bytes of bodies that are held at most', () => upstreamStats().heldBytesLimit)
  apiGauge(registry, tally, { name: 'api_requests_used', help: 'API requests of the last 24 hours', member: 'used' })
  apiGauge(registry, tally, { name: 'api_requests_limit', help: 'API requests allowed in 24 hours', member: 'total' })
  new Gauge({
    name: 'cloudaware_proxy_build_info',
    help: 'The version that runs, and how it obtains tokens',
    labelNames: ['version', 'grant'],
    registers: [registry],
  }).set({ version, grant: tokenStatus().grant }, 1)

  return { contentType: registry.contentType, scrape: () => registry.metrics() }
}

/** From Sforce-Limit-Info, as the last answer told it. */
function apiGauge(
  registry: Registry,
  tally: Tally,
  { name, help, member }: { name: string; help: string; member: 'used' | 'total' },
): void {
  new Gauge({
    name: `cloudaware_proxy_${name}`,
    help,
    labelNames: ['scope'],
    registers: [registry],
    collect() {
      this.reset()
      for (const usage of tally.apiUsage) this.set({ scope: usage.scope }, usage[member])
    },
  })
}
