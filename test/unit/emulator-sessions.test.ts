import { expect, test } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { OrgState } from '../../src/emulator/org-state.ts'
import { Sessions } from '../../src/emulator/sessions.ts'
import { FakeClock } from '../support/fake-clock.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

class HandClock implements Clock {
  #now = Date.UTC(2026, 0, 1)
  now(): number {
    return this.#now
  }
  monotonic(): number {
    return this.#now
  }
  sleep(): Promise<void> {
    return Promise.resolve()
  }
  pass(ms: number): void {
    this.#now += ms
  }
}

function org(clock: HandClock) {
  return new Sessions(clock, '00D5f0000000001', 2 * HOUR)
}

test('the identical token comes back while the session lives, and another one after it', () => {
  const clock = new HandClock()
  const sessions = org(clock)
  const { token } = sessions.open()
  expect(token).toMatch(/^00D5f0000000001![.\w]{96}$/)
  clock.pass(2 * HOUR - 1)
  expect(sessions.open().token).toBe(token)
  clock.pass(1)
  expect(sessions.open().token).not.toBe(token)
  expect(sessions.use(token)).toBeUndefined()
})

test('a call in the first half of the timeout does not prolong the session', () => {
  const clock = new HandClock()
  const sessions = org(clock)
  const { token } = sessions.open()
  clock.pass(30 * MINUTE)
  expect(sessions.use(token)).toBeDefined()
  clock.pass(90 * MINUTE - 1)
  expect(sessions.find(token)).toBeDefined()
  clock.pass(1)
  expect(sessions.find(token)).toBeUndefined()
})

test('a call in the second half prolongs it by the whole timeout', () => {
  const clock = new HandClock()
  const sessions = org(clock)
  const { token } = sessions.open()
  clock.pass(HOUR)
  sessions.use(token)
  clock.pass(2 * HOUR - 1)
  expect(sessions.find(token)).toBeDefined()
  clock.pass(1)
  expect(sessions.find(token)).toBeUndefined()
})

test('looking at a session is no activity', () => {
  const clock = new HandClock()
  const sessions = org(clock)
  const { token } = sessions.open()
  clock.pass(90 * MINUTE)
  sessions.find(token)
  expect(sessions.open().token).toBe(token)
  clock.pass(30 * MINUTE)
  expect(sessions.find(token)).toBeUndefined()
})

test('a session with a fixed end is not prolonged, and does not stand in for an opaque one', () => {
  const clock = new HandClock()
  const sessions = org(clock)
  sessions.add('eyJ.fixed', clock.now() + HOUR)
  expect(sessions.open().token).not.toBe('eyJ.fixed')
  expect(sessions.count).toBe(2)
  clock.pass(59 * MINUTE)
  expect(sessions.use('eyJ.fixed')).toBeDefined()
  clock.pass(MINUTE)
  expect(sessions.use('eyJ.fixed')).toBeUndefined()
  expect(sessions.count).toBe(1)
})

test('with a fixed lifetime a session ends however much it is used, and is handed out again until then', () => {
  const clock = new HandClock()
  const sessions = org(clock)
  sessions.lifetimeMs = 20_000
  const { token } = sessions.open()
  for (let second = 1; second < 20; second++) {
    clock.pass(1000)
    expect(sessions.use(token)).toBeDefined()
    expect(sessions.open().token).toBe(token)
  }
  clock.pass(1000)
  expect(sessions.use(token)).toBeUndefined()
  expect(sessions.open().token).not.toBe(token)
})

test('sessions are ended at an interval until that is stopped', async () => {
  const clock = new FakeClock()
  const state = new OrgState({ clock, seed: 1, killSessionsEveryMs: 20_000 })
  const open = async () => (await state.openSession('http://localhost')).token
  const first = await open()
  await clock.advance(19_999)
  expect(await open()).toBe(first)
  await clock.advance(1)
  const second = await open()
  expect(second).not.toBe(first)
  await clock.advance(20_000)
  const third = await open()
  expect(third).not.toBe(second)
  state.killSessionsEvery(0)
  await clock.advance(100_000)
  expect(await open()).toBe(third)
  expect(clock.sleepers).toBe(0)
})

test('a mint is activity only where the org is told so', async () => {
  const clock = new HandClock()
  const state = new OrgState({ clock, seed: 1 })
  const { token } = await state.openSession('http://localhost')
  clock.pass(90 * MINUTE)
  await state.openSession('http://localhost')
  clock.pass(30 * MINUTE)
  expect(state.sessions.find(token)).toBeUndefined()

  state.mintIsActivity = true
  const next = await state.openSession('http://localhost')
  clock.pass(90 * MINUTE)
  await state.openSession('http://localhost')
  clock.pass(HOUR)
  expect(state.sessions.find(next.token)).toBeDefined()
})

test('logins are counted over the last hour', () => {
  const clock = new HandClock()
  const state = new OrgState({ clock, seed: 1, loginLimitPerHour: 2 })
  expect([state.countLogin(), state.countLogin(), state.countLogin()]).toEqual([true, true, false])
  clock.pass(HOUR)
  expect(state.countLogin()).toBe(true)
})

test('the same seed makes the same app, another seed another one', () => {
  const clock = new HandClock()
  const [a, b, c] = [1, 1, 2].map((seed) => new OrgState({ clock, seed }))
  expect(a?.clientId).toBe(b?.clientId)
  expect(a?.clientSecret).toBe(b?.clientSecret)
  expect(c?.clientId).not.toBe(a?.clientId)
  expect(c?.orgId).not.toBe(a?.orgId)
})
