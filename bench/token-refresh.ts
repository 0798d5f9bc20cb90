import { ours } from './contestants.ts'
import { firstAnswer } from './first-answer.ts'
import type { Lab } from './lab.ts'
import { warmUp } from './load.ts'
import { pacedLoad } from './paced-load.ts'
import { freePort, listening, start } from './processes.ts'
import { percentile } from './statistics.ts'

export interface RefreshUnderLoad {
  /** Of the time before the first refresh. */
  readonly p99BeforeMs: number
  readonly refreshes: number
  /** Of what was sent while a refresh was under way, or a little before or after. */
  readonly worstAtRefreshMs: number
  /** The same of stretches just as long and as many, between the refreshes: what this machine does without one. */
  readonly worstBetweenMs: number
}

/** For starting and warming up, before anything is counted. */
const BEFORE_SECONDS = 10
/** A token is replaced at 75 to 80 % of its life: see src/token/schedule.ts. */
const EARLIEST = 0.75
const LATEST = 0.8
/** From one short-lived token to the next, at most: see programs/token-endpoint.ts. */
const BETWEEN_SECONDS = 12
/** How long a refresh may be felt, before the login host is asked and after it has answered. */
const AROUND_MS = 50
/** From a refresh until nothing of it can be felt. */
const PAST_MS = 5000
/** From the last one until all that is looked at is over. */
const TAIL_SECONDS = 7

/** 1,000 requests a second for a while, and on while the proxy, by itself, replaces its token again and again. */
export async function refreshUnderLoad({
  lab,
  seconds,
  refreshes,
}: {
  lab: Lab
  seconds: number
  refreshes: number
}): Promise<RefreshUnderLoad> {
  const port = await freePort()
  await using stack = new AsyncDisposableStack()
  const firstLife = Math.ceil((BEFORE_SECONDS + seconds) / EARLIEST)
  const settings = { CLOUDAWARE_TOKEN_URL: lab.livingTokenUrl(firstLife) }
  stack.use(start(ours(settings)({ port, target: lab.plain, lab })))
  await listening(port)
  await firstAnswer(port)
  await warmUp(port, 1)
  const until = Math.ceil(firstLife * LATEST) + (refreshes - 1) * BETWEEN_SECONDS + TAIL_SECONDS
  const samples = await pacedLoad({ port, seconds: until })
  const times = (await lab.tokenTimes()).slice(1, refreshes + 1)
  if (times.length < refreshes) throw new Error(`of ${refreshes} refreshes there were ${times.length}`)
  const worst = (shiftMs: number) =>
    times.reduce((most, { asked, answered }) => {
      const [from, to] = [asked - AROUND_MS + shiftMs, answered + AROUND_MS + shiftMs]
      return samples.reduce((slowest, { at, ms }) => (at >= from && at < to ? Math.max(slowest, ms) : slowest), most)
    }, 0)
  const before = samples.filter(({ at }) => at < (times[0]?.asked ?? Infinity) - AROUND_MS).map(({ ms }) => ms)
  return {
    p99BeforeMs: percentile(before, 99),
    refreshes,
    worstAtRefreshMs: worst(0),
    worstBetweenMs: worst(PAST_MS),
  }
}
