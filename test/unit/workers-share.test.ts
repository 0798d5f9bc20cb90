import fc from '../support/properties.ts'
import { expect, test } from 'vitest'
import { digestKeys, keysWithSessions } from '../../src/server/caller-key.ts'
import { keysTold, toldKeys } from '../../src/workers/caller-keys-told.ts'
import { share } from '../../src/workers/man-fleet.ts'

test('the shares of all workers are the whole, and differ by one at most', () => {
  fc.assert(
    fc.property(fc.nat(70_000), fc.integer({ min: 1, max: 64 }), (whole, size) => {
      const shares = Array.from({ length: size }, (_, at) => share(whole, { number: at + 1, size }))
      expect(shares.reduce((sum, one) => sum + one, 0)).toBe(whole)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
    }),
  )
})

test('keys are the same at the other end, with and without sessions', async () => {
  const named = [
    { name: 'one', key: 'a-key-of-one' },
    { name: 'two', key: 'a-key-of-two' },
  ]
  for (const keys of [digestKeys(named), await keysWithSessions(named)]) {
    const told = JSON.stringify(toldKeys(keys))
    expect(told).not.toContain('a-key-of')
    expect(keysTold(JSON.parse(told) as ReturnType<typeof toldKeys>)).toEqual(keys)
  }
})
