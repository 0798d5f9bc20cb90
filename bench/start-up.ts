import { BARE, FLOOR, KUBECTL, named, OURS } from './contestants.ts'
import { firstAnswer } from './first-answer.ts'
import type { Lab } from './lab.ts'
import { load } from './load.ts'
import { freePort, isInstalled, start } from './processes.ts'

export interface StartUp {
  readonly name: string
  /** From the start of the process to the first answer; one number a round, like the others. */
  readonly startMs: number[]
  /** MiB, a moment after the first answer. */
  readonly restMiB: number[]
  /** MiB at most, under 1,000 connections. */
  readonly peakMiB: number[]
}

/** A fresh process each round. */
export async function startUp({
  lab,
  rounds,
  seconds,
}: {
  lab: Lab
  rounds: number
  seconds: number
}): Promise<StartUp[]> {
  const names = [FLOOR, OURS, BARE, ...(isInstalled('kubectl') ? [KUBECTL] : [])]
  const found = names.map((name): StartUp => ({ name, startMs: [], restMiB: [], peakMiB: [] }))
  for (let round = 0; round < rounds; round++) {
    for (const { name, startMs, restMiB, peakMiB } of found) {
      const port = await freePort()
      const began = performance.now()
      await using running = start(named(name).command({ port, target: lab.plain, lab }))
      await firstAnswer(port)
      startMs.push(performance.now() - began)
      // Half a second of nothing: what is loaded or collected after the start is done.
      await new Promise((resolve) => setTimeout(resolve, 500))
      restMiB.push(running.memory().now)
      await load({ port, connections: 1000, seconds })
      peakMiB.push(running.memory().peak)
    }
  }
  return found
}
