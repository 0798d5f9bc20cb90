import { BARE, FLOOR, named, OURS, ours } from './contestants.ts'
import { firstAnswer } from './first-answer.ts'
import type { Lab } from './lab.ts'
import { warmUp } from './load.ts'
import { pacedLoad, type Sample } from './paced-load.ts'
import { freePort, listening, start } from './processes.ts'
import { percentile } from './statistics.ts'

const PER_SECOND = 1000

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
      const samples = millisecondsOf(await pacedLoad({ port, perSecond: PER_SECOND, seconds }))
      p50.push(percentile(samples, 50))
      p99.push(percentile(samples, 99))
    }
  }
  return entrants
}

export interface RefreshUnderLoad {
  readonly p99BeforeMs: number
  /** The worst of the time before: what this machine does without a refresh. */
  readonly worstBeforeMs: number
  readonly refreshes: number
  /** The worst of the two seconds from each refresh on. */
  readonly worstAtRefreshMs: number
}

/** 1,000 requests a second for a while, then on while an operator asks for a new token every two seconds. */
export async function refreshUnderLoad({
  lab,
  seconds,
  refreshes,
}: {
  lab: Lab
  seconds: number
  refreshes: number
}): Promise<RefreshUnderLoad> {
  const [port, adminPort] = [await freePort(), await freePort()]
  await using stack = new AsyncDisposableStack()
  stack.use(
    start(
      ours({ ADMIN_PORT: String(adminPort), CLOUDAWARE_TOKEN_URL: lab.slowTokenUrl })({ port, target: lab.plain, lab }),
    ),
  )
  await listening(port)
  await firstAnswer(port)
  await warmUp(port, 1)
  const before = millisecondsOf(await pacedLoad({ port, perSecond: PER_SECOND, seconds }))
  const worst: number[] = []
  for (let refresh = 0; refresh < refreshes; refresh++) {
    const [samples, answer] = await Promise.all([
      pacedLoad({ port, perSecond: PER_SECOND, seconds: 2 }),
      fetch(`http://127.0.0.1:${adminPort}/refresh`, { method: 'POST' }),
    ])
    if (!answer.ok) throw new Error(`POST /refresh was answered ${answer.status}`)
    worst.push(Math.max(...millisecondsOf(samples)))
  }
  return {
    p99BeforeMs: percentile(before, 99),
    worstBeforeMs: before.reduce((most, ms) => Math.max(most, ms), 0),
    refreshes,
    worstAtRefreshMs: Math.max(...worst),
  }
}

function millisecondsOf(samples: readonly Sample[]): number[] {
  return samples.map(({ ms }) => ms)
}
