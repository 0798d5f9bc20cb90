import { expect, test } from 'vitest'
import { createCredentialNet } from '../../src/inspector/credential-net.ts'
import { Inspector } from '../../src/inspector/inspector.ts'
import { Exchanges, KEPT_EXCHANGES } from '../../src/inspector/exchanges.ts'
import { exchangeOf } from '../support/exchange.ts'

test('a settling ends with what was there when it began, however many come meanwhile', () => {
  const exchanges = new Exchanges(createCredentialNet(() => []))
  const add = (count: number) => {
    for (let n = 0; n < count; n++) exchanges.add(exchangeOf(), 0)
  }
  add(30)
  const upTo = exchanges.last
  expect(exchanges.settle(20, upTo)).toBe(true)
  add(50)
  expect(exchanges.settle(20, upTo)).toBe(false)
  expect(exchanges.settled).toBe(30)
  add(KEPT_EXCHANGES * 2)
  expect(exchanges.settle(20, upTo)).toBe(false)
  expect(exchanges.settled).toBe(30)
})

test('a proxy that is never idle is searched a bounded number of times between two pauses', async () => {
  const sleeps: number[] = []
  const { promise: watchedEnough, resolve } = Promise.withResolvers<undefined>()
  const callers: { ask?: () => void } = {}
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: (ms: number) => {
      sleeps.push(ms)
      if (sleeps.length < 500) {
        callers.ask?.()
        return Promise.resolve()
      }
      resolve(undefined)
      inspector.close()
      return Promise.reject(new Error('closing'))
    },
  }
  const inspector = new Inspector({ clock, secrets: () => [] })
  callers.ask = () => {
    for (let n = 0; n < 20; n++) inspector.ended(exchangeOf())
  }
  callers.ask()
  await watchedEnough
  const pauses = sleeps.flatMap((ms, at) => (ms > 0 ? [at] : []))
  expect(pauses.length).toBeGreaterThan(5)
  const stretches = pauses.slice(1).map((at, n) => at - (pauses[n] ?? 0))
  expect(Math.max(...stretches)).toBeLessThanOrEqual(KEPT_EXCHANGES / 5 + 1)
})

test('what comes while others are settled is settled after the next pause, though nobody calls again', async () => {
  const callers: { ask?: (() => void) | undefined } = {}
  const { promise: settled, resolve } = Promise.withResolvers<undefined>()
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: (ms: number) => {
      if (ms === 0) {
        callers.ask?.()
        callers.ask = undefined
      }
      queueMicrotask(() => {
        queueMicrotask(() => {
          if (callers.ask === undefined && inspector.exchanges.settled === 13) resolve(undefined)
        })
      })
      return Promise.resolve()
    },
  }
  const inspector = new Inspector({ clock, secrets: () => [] })
  callers.ask = () => {
    inspector.ended(exchangeOf())
  }
  for (let n = 0; n < 12; n++) inspector.ended(exchangeOf())
  await settled
  expect(inspector.exchanges.settled).toBe(13)
})

test('a pass over more than are kept searches one stretch, and the rest once it is quiet', async () => {
  const settled: number[] = []
  const { promise: isQuiet, resolve } = Promise.withResolvers<undefined>()
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: (ms: number) => {
      if (ms > 0) settled.push(inspector.exchanges.settled)
      queueMicrotask(() => {
        queueMicrotask(() => {
          if (inspector.exchanges.settled === 1000) resolve(undefined)
        })
      })
      return Promise.resolve()
    },
  }
  const inspector = new Inspector({ clock, secrets: () => [] })
  for (let n = 0; n < 1000; n++) inspector.ended(exchangeOf())
  await isQuiet
  expect(settled).toEqual([0, 1000 - KEPT_EXCHANGES + 5])
})
