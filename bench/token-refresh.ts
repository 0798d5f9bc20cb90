import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { ours } from './contestants.ts'
import { firstAnswer } from './first-answer.ts'
import type { Lab } from './lab.ts'
import { PER_SECOND } from './latency.ts'
import { warmUp } from './load.ts'
import { pacedLoad } from './paced-load.ts'
import { freePort, listening, start } from './processes.ts'
import { percentile } from './statistics.ts'

export interface RefreshUnderLoad {
  /** Of the time before the first refresh. */
  readonly p99BeforeMs: number
  readonly refreshes: number
  /** Of what was sent while a refresh was under way, or within half a second of it. */
  readonly worstAtRefreshMs: number
  /** The same of stretches just as long and as many, between the refreshes: what this machine does without one. */
  readonly worstBetweenMs: number
}

/** An operator may ask again this much later: what is asked sooner waits. */
const BETWEEN_MS = 6000
/** How long a refresh may be felt. */
const AFTER_MS = 500
/** From a refresh until nothing of it can be felt. */
const PAST_MS = 3000

/** 1,000 requests a second for a while, then on while an operator asks for a new token again and again. */
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
  const loaded = pacedLoad({ port, perSecond: PER_SECOND, seconds: seconds + ((refreshes + 1) * BETWEEN_MS) / 1000 })
  // What fails before it is waited for has nobody to tell.
  loaded.catch(() => undefined)
  await sleep(seconds * 1000)
  const stretches: { from: number; to: number }[] = []
  for (let refresh = 0; refresh < refreshes; refresh++) {
    const from = Date.now()
    await askForRefresh(adminPort)
    stretches.push({ from, to: Date.now() + AFTER_MS })
    await sleep(from + BETWEEN_MS - Date.now())
  }
  const samples = await loaded
  const worst = (shiftMs: number) =>
    stretches.reduce((most, { from, to }) => {
      const of = samples.filter(({ at }) => at >= from + shiftMs && at < to + shiftMs)
      return of.reduce((slowest, { ms }) => Math.max(slowest, ms), most)
    }, 0)
  const before = samples.filter(({ at }) => at < (stretches[0]?.from ?? Infinity)).map(({ ms }) => ms)
  return {
    p99BeforeMs: percentile(before, 99),
    refreshes,
    worstAtRefreshMs: worst(0),
    worstBetweenMs: worst(PAST_MS),
  }
}

/** Resolves when the new token is there. */
async function askForRefresh(port: number): Promise<void> {
  const asked = request({ host: '127.0.0.1', port, path: '/refresh', method: 'POST' }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  if (answer.statusCode !== 200) throw new Error(`POST /refresh was answered ${answer.statusCode}`)
}
