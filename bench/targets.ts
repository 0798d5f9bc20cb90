import { BARE, FLOOR, KUBECTL, OURS } from './contestants.ts'
import type { Results } from './results.ts'
import { median, medianRatio } from './statistics.ts'

/** What the project wants of itself, and what came of it. */
export interface Verdict {
  readonly what: string
  readonly target: string
  readonly found: string
  readonly isMet: boolean
}

interface Wish {
  readonly what: string
  readonly found: number
  readonly unit?: string
  readonly atLeast?: number
  readonly atMost?: number
}

/** All of them ratios or differences within one run. What was not measured is left out. */
export function verdicts({ plain, tls, latency, streams, startUp, refresh }: Results): Verdict[] {
  const rate = pick(plain, 'requestsPerSecond')
  const tlsRate = pick(tls, 'requestsPerSecond')
  const cpu = pick(plain, 'cpuMicroseconds')
  const p50 = pick(latency, 'p50')
  const p99 = pick(latency, 'p99')
  const added = (of: typeof p50) => median(of(OURS)) - median(of('going straight'))
  const stream = (way: 'download' | 'upload') => ratio(pick(streams, way), OURS, FLOOR)
  const wishes: Wish[] = [
    { what: 'requests a second, to the Node floor', found: ratio(rate, OURS, FLOOR), atLeast: 0.75 },
    { what: 'requests a second, to the bare plugin', found: ratio(rate, OURS, BARE), atLeast: 1.4 },
    { what: 'requests a second, to fast-proxy', found: ratio(rate, OURS, 'fast-proxy'), atLeast: 1 },
    { what: 'over TLS, to the Node floor', found: ratio(tlsRate, OURS, FLOOR), atLeast: 0.75 },
    { what: 'over TLS, to kubectl proxy', found: ratio(tlsRate, OURS, KUBECTL), atLeast: 2 },
    { what: 'over TLS, to Caddy', found: ratio(tlsRate, OURS, 'Caddy'), atLeast: 1 },
    { what: 'CPU a request, to the Node floor', found: ratio(cpu, OURS, FLOOR), atMost: 1.35 },
    { what: 'added latency at 1,000 requests a second, p50', found: added(p50), atMost: 0.3, unit: ' ms' },
    { what: 'added latency at 1,000 requests a second, p99', found: added(p99), atMost: 1.5, unit: ' ms' },
    { what: '1 GiB download, to the Node floor', found: stream('download'), atLeast: 0.9 },
    { what: '1 GiB upload, to the Node floor', found: stream('upload'), atLeast: 0.9 },
    { what: 'memory at rest, to the bare plugin', found: ratio(pick(startUp, 'restMiB'), OURS, BARE), atMost: 1 },
    {
      what: 'memory at 1,000 connections, to the bare plugin',
      found: ratio(pick(startUp, 'peakMiB'), OURS, BARE),
      atMost: 1,
    },
    {
      what: 'start to first answer, to the bare plugin',
      found: ratio(pick(startUp, 'startMs'), OURS, BARE),
      atMost: 0.6,
    },
    {
      what: 'slowest answer around a token refresh, to the p99 before it',
      found: refresh.worstAtRefreshMs / refresh.p99BeforeMs,
      atMost: 3,
    },
  ]
  return wishes.filter(({ found }) => !Number.isNaN(found)).map(judged)
}

function judged({ what, found, atLeast = -Infinity, atMost = Infinity, unit = '' }: Wish): Verdict {
  const isMet = found >= atLeast && found <= atMost
  const target = atMost === Infinity ? `at least ${atLeast}${unit}` : `at most ${atMost}${unit}`
  return {
    what,
    target,
    found: `${found.toFixed(2)}${unit}`,
    isMet,
  }
}

/** One number a round of the one with this name; none where it was not measured. */
function pick<K extends string>(
  rows: readonly ({ name: string } & Record<K, number[]>)[],
  key: K,
): (name: string) => number[] {
  return (name) => rows.find((row) => row.name === name)?.[key] ?? []
}

function ratio(numbers: (name: string) => number[], of: string, to: string): number {
  return medianRatio(numbers(of), numbers(to))
}
