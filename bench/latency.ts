import { BARE, FLOOR, named, OURS } from './contestants.ts'
import { firstAnswer } from './first-answer.ts'
import type { Lab } from './lab.ts'
import { warmUp } from './load.ts'
import { pacedLoad } from './paced-load.ts'
import { freePort, listening, start } from './processes.ts'
import { percentile } from './statistics.ts'

/** Milliseconds at 1,000 requests a second: one number a round. */
export interface Latency {
  readonly name: string
  readonly p50: number[]
  readonly p99: number[]
}

export async function latency({
  lab,
  rounds,
  seconds,
}: {
  lab: Lab
  rounds: number
  seconds: number
}): Promise<Latency[]> {
  await using stack = new AsyncDisposableStack()
  const entrants = [
    { name: 'going straight', port: Number(new URL(lab.plain.origin).port), p50: [], p99: [] } as Latency & {
      port: number
    },
  ]
  for (const name of [FLOOR, BARE, OURS]) {
    const port = await freePort()
    stack.use(start(named(name).command({ port, target: lab.plain, lab })))
    await listening(port)
    await firstAnswer(port)
    await warmUp(port, 1)
    entrants.push({ name, port, p50: [], p99: [] })
  }
  for (let round = 0; round < rounds; round++) {
    for (const { port, p50, p99 } of entrants) {
      const samples = (await pacedLoad({ port, seconds })).map(({ ms }) => ms)
      p50.push(percentile(samples, 50))
      p99.push(percentile(samples, 99))
    }
  }
  return entrants
}
