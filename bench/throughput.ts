import { CONTESTANTS, type Contestant } from './contestants.ts'
import type { Lab, Target } from './lab.ts'
import { CONNECTIONS, load, warmUp } from './load.ts'
import { freePort, listening, start, type Running } from './processes.ts'
import { firstAnswer } from './first-answer.ts'

/** One number a round. */
export interface Series {
  readonly name: string
  readonly requestsPerSecond: number[]
  /** Of the proxy's own processes, in each request. */
  readonly cpuMicroseconds: number[]
  readonly p50Ms: number[]
  readonly p99Ms: number[]
  failed: number
}

export interface ThroughputOptions {
  readonly lab: Lab
  readonly target: Target
  readonly contestants: readonly Contestant[]
  readonly rounds: number
  readonly seconds: number
  /**
   * Not counted, at the beginning of each turn. Who has rested for the half minute of the others' turns has been through V8's thorough
   * collection, which drops compiled code along with the objects that it was compiled for.
   */
  readonly leadInSeconds: number
  readonly say: (text: string) => void
}

/** All are up at once and take turns, in another order each round, so that what else the machine does meets them alike. */
export async function throughput(options: ThroughputOptions): Promise<Series[]> {
  const { lab, target, contestants, rounds, seconds, leadInSeconds, say } = options
  await using stack = new AsyncDisposableStack()
  const entrants: { running: Running; port: number; series: Series }[] = []
  for (const { name, command } of contestants) {
    const port = await freePort()
    const running = stack.use(start(command({ port, target, lab })))
    try {
      await listening(port)
      await firstAnswer(port)
    } catch (error) {
      // A peer of another version may not take its settings: the rest is worth measuring all the same.
      say(`${name} is left out: ${String(error)}`)
      continue
    }
    await warmUp(port, seconds)
    const series = { name, requestsPerSecond: [], cpuMicroseconds: [], p50Ms: [], p99Ms: [], failed: 0 }
    entrants.push({ running, port, series })
  }
  for (let round = 0; round < rounds; round++) {
    const first = round % entrants.length
    for (const { running, port, series } of [...entrants.slice(first), ...entrants.slice(0, first)]) {
      if (leadInSeconds > 0) await load({ port, connections: CONNECTIONS, seconds: leadInSeconds })
      const before = running.cpuMs()
      const result = await load({ port, connections: CONNECTIONS, seconds })
      series.requestsPerSecond.push(result.requests / result.seconds)
      series.cpuMicroseconds.push(((running.cpuMs() - before) * 1000) / result.requests)
      series.p50Ms.push(result.p50Ms)
      series.p99Ms.push(result.p99Ms)
      series.failed += result.failed
    }
    say(`round ${round + 1} of ${rounds}`)
  }
  const places = CONTESTANTS.map(({ name }) => name)
  return entrants.map(({ series }) => series).toSorted((a, b) => places.indexOf(a.name) - places.indexOf(b.name))
}
