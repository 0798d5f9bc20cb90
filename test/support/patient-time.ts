import { setImmediate } from 'node:timers/promises'
import type { FakeClock } from './fake-clock.ts'
import type { RunningApp } from './stack.ts'

/** Shorter than any deadline of a token request, so that none passes before the request is seen. */
const STEP_MS = 20_000

/** Lets time pass by these clocks, which stand still while a token request of the app is on its way over a real socket. */
export async function passPatiently(
  { tokenEvents }: RunningApp,
  ms: number,
  [first, ...others]: readonly [FakeClock, ...FakeClock[]],
): Promise<void> {
  const until = first.monotonic() + ms
  while (first.monotonic() < until) {
    const step = Math.min(STEP_MS, until - first.monotonic())
    for (const clock of [first, ...others]) await clock.advance(step)
    while (isAsking(tokenEvents)) await setImmediate()
  }
}

function isAsking(events: RunningApp['tokenEvents']): boolean {
  const isOver = events.findLastIndex(({ type }) => type === 'obtained' || type === 'unchanged' || type === 'failed')
  return events.findLastIndex(({ type }) => type === 'requested') > isOver
}
