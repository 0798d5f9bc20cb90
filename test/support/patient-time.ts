import { setImmediate } from 'node:timers/promises'
import type { TokenEvent } from '../../src/token/token-source.ts'
import type { FakeClock } from './fake-clock.ts'
import type { RunningApp } from './stack.ts'

/** Shorter than any deadline of a token request or an introspection, so that none passes before the request is seen. */
const STEP_MS = 9000

/** Lets time pass by these clocks, which stand still while a token request of the app, or its introspection, is on a real socket. */
export async function passPatiently(
  { tokenEvents, settings }: RunningApp,
  ms: number,
  [first, ...others]: readonly [FakeClock, ...FakeClock[]],
): Promise<void> {
  const outcomes: readonly TokenEvent['type'][] = settings.TOKEN_INTROSPECT
    ? ['failed', 'life-introspected', 'introspection-failed']
    : ['failed', 'obtained', 'unchanged']
  const isAsking = () =>
    tokenEvents.findLastIndex(({ type }) => type === 'requested') >
    tokenEvents.findLastIndex(({ type }) => outcomes.includes(type))
  const until = first.monotonic() + ms
  while (first.monotonic() < until) {
    const step = Math.min(STEP_MS, until - first.monotonic())
    for (const clock of [first, ...others]) await clock.advance(step)
    while (isAsking()) await setImmediate()
  }
}
