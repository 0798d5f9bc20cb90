import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { CONNECTIONS, loadGenerator } from './load.ts'

/** What a reader has to know to read the figures. */
export function machineFacts(run: { upstreamName: string; rounds: number; seconds: number }): Record<string, string> {
  const { upstreamName, rounds, seconds } = run
  const [cpu] = cpus()
  return {
    cores: `${cpus().length} (${cpu?.model.trim() ?? 'unknown'})`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    Node: process.version,
    'load average': loadavg()
      .map((value) => value.toFixed(1))
      .join(' '),
    generator: `${loadGenerator}, ${CONNECTIONS} connections`,
    upstream: `${upstreamName} on the same machine, 2.1 kB answers`,
    rounds: `${rounds} of ${seconds} s, in turn`,
  }
}
