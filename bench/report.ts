import { FLOOR } from './contestants.ts'
import type { Results } from './results.ts'
import { median, medianRatio } from './statistics.ts'
import { verdicts } from './targets.ts'

/** The run as Markdown: the machine, one table of everybody, one of the targets. */
export function report(results: Results): string {
  return [machineLine(results), everybody(results), refreshLine(results), targetTable(results)].join('\n\n')
}

function machineLine({ machine, at }: Results): string {
  const facts = Object.entries(machine).map(([name, value]) => `${name} ${value}`)
  return `${at}. ${facts.join('; ')}.`
}

/** Medians of all rounds; shares are medians of the ratio within each round. */
function everybody({ plain, tls, startUp, latency, streams }: Results): string {
  const names = [...new Set([...plain, ...tls, ...latency].map(({ name }) => name))]
  const floor = plain.find(({ name }) => name === FLOOR)
  const rows = names.map((name) => {
    const clear = plain.find((row) => row.name === name)
    const secure = tls.find((row) => row.name === name)
    const started = startUp.find((row) => row.name === name)
    const paced = latency.find((row) => row.name === name)
    const stream = streams.find((row) => row.name === name)
    return [
      name,
      thousands(clear?.requestsPerSecond),
      clear && floor ? medianRatio(clear.requestsPerSecond, floor.requestsPerSecond).toFixed(2) : '',
      thousands(secure?.requestsPerSecond),
      fixed(clear?.cpuMicroseconds, 0),
      paced ? `${fixed(paced.p50, 2)} / ${fixed(paced.p99, 2)}` : '',
      stream ? `${fixed(stream.download, 0)} / ${fixed(stream.upload, 0)}` : '',
      started ? `${fixed(started.restMiB, 0)} / ${fixed(started.peakMiB, 0)}` : '',
      fixed(started?.startMs, 0),
    ]
  })
  const head = [
    'proxy',
    'requests/s',
    'share of the floor',
    'requests/s over TLS',
    'CPU µs a request',
    'ms at 1,000/s, p50 / p99',
    'MB/s of one stream, down / up',
    'MiB at rest / 1,000 connections',
    'start to first answer, ms',
  ]
  return table(head, rows)
}

function refreshLine({ refresh }: Results): string {
  const { p99BeforeMs, worstAtRefreshMs, worstBetweenMs, refreshes } = refresh
  return `Token refresh at 1,000 requests a second: p99 of the time before ${p99BeforeMs.toFixed(2)} ms; the slowest answer around ${refreshes} refreshes ${worstAtRefreshMs.toFixed(1)} ms, of as many stretches between them, just as long, ${worstBetweenMs.toFixed(1)} ms.`
}

function targetTable(results: Results): string {
  const rows = verdicts(results).map(({ what, target, found, isMet }) => [
    what,
    target,
    found,
    isMet ? 'yes' : '**no**',
  ])
  return table(['what', 'target', 'found', 'met'], rows)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

function fixed(values: readonly number[] | undefined, digits: number): string {
  return values === undefined || values.length === 0 ? '' : median(values).toFixed(digits)
}

function thousands(values: readonly number[] | undefined): string {
  return values === undefined ? '' : Math.round(median(values)).toLocaleString('en-US')
}
