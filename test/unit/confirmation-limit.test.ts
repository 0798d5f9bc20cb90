import { expect, test } from 'vitest'
import { ConfirmationLimit } from '../../src/upstream/confirmation-limit.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('ten are there at once, then one a second, and what is given back is there again', async () => {
  const clock = new FakeClock()
  const limit = new ConfirmationLimit(clock)
  const take = () => limit.take('caller and target')
  expect(Array.from({ length: 10 }, take)).toEqual(Array.from({ length: 10 }, () => 0))
  expect(take()).toBe(1000)
  await clock.advance(400)
  expect(take()).toBe(600)
  limit.giveBack('caller and target')
  expect([take(), take()]).toEqual([0, 600])
})

test('a key that was forgotten meanwhile can be given back to', () => {
  const limit = new ConfirmationLimit(new FakeClock())
  limit.giveBack('forgotten')
  expect(Array.from({ length: 10 }, () => limit.take('forgotten'))).toEqual(Array.from({ length: 10 }, () => 0))
})
