import type { Outcome, Usage } from './processes.ts'
import { valueOf } from './processes.ts'
import type { Tally } from './tally.ts'

/** The table that the soak ends with. */
export function report(tally: Tally, { start, peak, end, series, orgTokenRequests, problems }: Outcome): string {
  const replays = ['answered', 'refused', 'failed'].map(
    (outcome) => `${valueOf(series, 'replays_total', { outcome })} ${outcome}`,
  )
  const rows: (readonly [string, string])[] = [
    ['calls', String(tally.calls)],
    ...tally.outcomes().map(([outcome, count]) => [`  ${outcome}`, String(count)] as const),
    ['misbehaving clients', String(tally.misbehaved)],
    ['failures caused by the proxy', String(tally.failures.length)],
    ['token requests', `${valueOf(series, 'token_requests_total')}${ofOrg(orgTokenRequests)}`],
    ['dead sessions', String(valueOf(series, 'dead_sessions_total'))],
    ['replays', replays.join(', ')],
    ['RSS at start, peak, end', figures([start, peak, end], ({ rssMiB }) => `${Math.round(rssMiB)} MiB`)],
    ['descriptors at start, peak, end', figures([start, peak, end], ({ descriptors }) => String(descriptors))],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const table = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`)
  return [...table, ...problems, ...tally.failures.slice(0, 20), ''].join('\n')
}

const ofOrg = (count: number | undefined) => (count === undefined ? '' : ` (${count} as the org counts)`)
const figures = (usages: readonly Usage[], show: (usage: Usage) => string) => usages.map(show).join(', ')
